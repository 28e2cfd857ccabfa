#include "zoo/data_sets.h"

#include <filesystem>

#include "base/error.h"
#include "zoo/cifar10.h"
#include "zoo/files.h"
#include "zoo/idx.h"

namespace octet::zoo {
namespace {

struct Entry {
  const char* name;
  std::unique_ptr<Dataset> (*open)(const std::string& folder, Split split,
                                   const Preprocessing& preprocessing);
  Preprocessing preprocessing;
  Augmentation augmentation;
  std::vector<std::string> classes;
  const char* package;  // of Debian, or null
  const char* folder;   // the package's
};

template <class Images>
std::unique_ptr<Dataset> open(const std::string& folder, Split split,
                              const Preprocessing& preprocessing) {
  return std::make_unique<Images>(folder, split, preprocessing);
}

constexpr Preprocessing grey(int side, float mean, float std) {
  return {.resize = side, .crop = side, .mean = {mean, mean, mean}, .std = {std, std, std}};
}

const Entry kEntries[] = {
    {.name = "fashion-mnist",
     .open = open<IdxImages>,
     .preprocessing = grey(IdxImages::kSide, 0.2860f, 0.3530f),
     .augmentation = {.padding = 2, .flip = true},
     .classes = {"T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt",
                 "sneaker", "bag", "ankle boot"},
     .package = "dataset-fashion-mnist",
     .folder = "/usr/share/datasets/fashion-mnist"},
    {.name = "mnist",
     .open = open<IdxImages>,
     .preprocessing = grey(IdxImages::kSide, 0.1307f, 0.3081f),
     .augmentation = {.padding = 2},
     .classes = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
     .package = nullptr,
     .folder = nullptr},
    {.name = "cifar10",
     .open = open<Cifar10Images>,
     .preprocessing = {.resize = Cifar10Images::kSide, .crop = Cifar10Images::kSide},
     .augmentation = {.padding = 4, .flip = true},
     .classes = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship",
                 "truck"},
     .package = nullptr,
     .folder = nullptr},
};

// Null when there is none of that name.
const Entry* find_entry(const std::string& name) {
  for (const Entry& entry : kEntries)
    if (name == entry.name) return &entry;
  return nullptr;
}

std::string names_of_entries() {
  std::string names;
  for (const Entry& entry : kEntries) names += std::string(names.empty() ? "" : ", ") + entry.name;
  return names;
}

std::string find_folder(const Entry& entry, const std::string& wanted) {
  if (!wanted.empty()) return wanted;
  OCTET_CHECK(entry.package != nullptr, "data set '", entry.name,
              "': the folder of its files is needed");
  std::error_code ignored;
  OCTET_CHECK(std::filesystem::exists(entry.folder, ignored), entry.folder,
              " is missing; it comes with the Debian package ", entry.package, ": apt-get install ",
              entry.package);
  return entry.folder;
}

DataSet open_folder(const std::string& root, const DataSetOptions& options) {
  const std::string split = options.split == Split::train ? "train" : "val";
  ClassFolders found = list_class_folders(root, split);
  return {.images = std::make_unique<ImageFolder>(
              root + "/" + split, std::move(found.images),
              options.preprocessing.value_or(options.folder_preprocessing)),
          .classes = std::move(found.classes),
          .augmentation = {.resized_crop = true, .flip = true}};
}

}  // namespace

std::vector<std::string> folders_of_data_set(const std::string& name, const std::string& folder) {
  if (name.empty() || find_entry(name) != nullptr) return {folder};
  return {folder, user_path(name) + "/train", user_path(name) + "/val"};
}

DataSet open_data_set(const std::string& name, const DataSetOptions& options) {
  if (const Entry* entry = find_entry(name)) {
    return {.images = entry->open(find_folder(*entry, options.folder), options.split,
                                  options.preprocessing.value_or(entry->preprocessing)),
            .classes = entry->classes,
            .augmentation = entry->augmentation};
  }
  const std::string root = user_path(name);
  std::error_code ignored;
  OCTET_CHECK(std::filesystem::is_directory(root, ignored), "there is no data set '", name,
              "'; there are: ", names_of_entries(),
              ", or a folder with train/CLASS/IMAGE and val/CLASS/IMAGE");
  OCTET_CHECK(options.folder.empty(), "data set '", name, "' is a folder itself; '", options.folder,
              "' is one too many");
  return open_folder(root, options);
}

}  // namespace octet::zoo
