#include "zoo/labels.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <string_view>

#include "base/error.h"
#include "base/printable.h"
#include "zoo/files.h"

namespace octet::zoo {
namespace {

std::string_view trim(std::string_view text) {
  constexpr const char* kBlank = " \t\r";
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

// The file of a line "file,class" and the text of its class.
struct Line {
  std::string_view file, label;
};

bool split(std::string_view text, Line& line) {
  const size_t comma = text.rfind(',');
  if (comma == text.npos) return false;
  line.file = trim(text.substr(0, comma));
  line.label = trim(text.substr(comma + 1));
  if (line.file.size() >= 2 && line.file.front() == '"' && line.file.back() == '"') {
    line.file = line.file.substr(1, line.file.size() - 2);
  }
  return !line.file.empty();
}

bool is_image_name(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

std::vector<std::string> list_folders(const std::string& folder) {
  std::vector<std::string> names = list_folder(folder);
  std::error_code ignored;  // a dangling link is no folder
  std::erase_if(names, [&](const std::string& name) {
    return !std::filesystem::is_directory(folder + "/" + name, ignored);
  });
  OCTET_CHECK(!names.empty(), folder, ": no sub-folders, one per class, in this folder");
  return names;
}

}  // namespace

std::vector<LabelledImage> read_labels(const std::string& path, int classes) {
  check_regular_file(path);
  std::ifstream file(path);
  OCTET_CHECK(file, path, ": can't be opened");
  std::vector<LabelledImage> labels;
  std::map<std::string, int, std::less<>> line_of;
  std::string text;
  for (int number = 1; std::getline(file, text); ++number) {
    std::string_view row = text;
    if (number == 1 && row.starts_with("\xef\xbb\xbf")) row.remove_prefix(3);  // byte order mark
    if (trim(row).empty()) continue;
    Line line;
    OCTET_CHECK(split(row, line), path, ":", number, ": expected 'file,class', found '",
                printable(row), "'");
    int label = 0;
    const char* end = line.label.data() + line.label.size();
    const auto [parsed, error] = std::from_chars(line.label.data(), end, label);
    const bool is_number = error == std::errc() && parsed == end;
    if (number == 1 && !is_number && !is_image_name(std::string(line.file))) continue;  // a header
    OCTET_CHECK(is_number, path, ":", number, ": '", printable(line.label), "' is no class number");
    OCTET_CHECK(label >= 0 && label < classes, path, ":", number, ": class ", label,
                " is not in 0..", classes - 1);
    const auto [first, is_new] = line_of.emplace(line.file, number);
    OCTET_CHECK(is_new, path, ":", number, ": '", printable(line.file), "' stands in line ",
                first->second, " already");
    labels.push_back({std::string(line.file), label});
  }
  OCTET_CHECK(!file.bad(), path, ": can't be read");
  OCTET_CHECK(!labels.empty(), path, ": no labels in it");
  std::sort(labels.begin(), labels.end(),
            [](const LabelledImage& a, const LabelledImage& b) { return a.file < b.file; });
  return labels;
}

std::vector<std::string> list_images(const std::string& folder) {
  std::vector<std::string> names = list_folder(folder);
  std::error_code ignored;  // a dangling link is found out when it is opened
  std::erase_if(names, [&](const std::string& name) {
    return !is_image_name(name) || std::filesystem::is_directory(folder + "/" + name, ignored);
  });
  OCTET_CHECK(!names.empty(), folder, ": no .jpg, .jpeg or .png files in this folder");
  return names;
}

ClassFolders list_class_folders(const std::string& root, const std::string& split) {
  const std::string training = root + "/train", folder = root + "/" + split;
  ClassFolders found{list_folders(training), {}};
  for (const std::string& name : list_folders(folder)) {
    const auto place = std::lower_bound(found.classes.begin(), found.classes.end(), name);
    OCTET_CHECK(place != found.classes.end() && *place == name, folder, ": class '", name,
                "' has no folder in ", training);
    const int label = static_cast<int>(place - found.classes.begin());
    for (const std::string& image : list_images(folder + "/" + name)) {
      found.images.push_back({name + "/" + image, label});
    }
  }
  return found;
}

void check_labels_match(const std::vector<LabelledImage>& labels,
                        const std::vector<std::string>& images, const std::string& labels_path,
                        const std::string& folder) {
  size_t missing = 0;
  const LabelledImage* first = nullptr;
  for (const LabelledImage& label : labels) {
    if (std::binary_search(images.begin(), images.end(), label.file)) continue;
    if (missing++ == 0) first = &label;
  }
  OCTET_CHECK(missing == 0, labels_path, ": ", missing, " of its ", labels.size(),
              " files are not in ", folder, ", the first is '", printable(first->file), "'");
}

}  // namespace octet::zoo
