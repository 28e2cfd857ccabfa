#define BOOST_TEST_MODULE labels
#include "zoo/labels.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "base/error.h"
#include "base/temp_folder_testing.h"

namespace octet::zoo {
namespace {

std::string why(const std::string& text) {
  const TempFolder folder;
  const std::string path = folder.write("l.csv", text);
  try {
    read_labels(path, 1000);
  } catch (const Error& error) {
    return std::string(error.what()).substr(path.size());
  }
  return "";
}

BOOST_AUTO_TEST_CASE(reads_with_and_without_header_and_sorts) {
  const TempFolder folder;
  for (const char* text : {"file,class\nb.jpg,999\na.jpg,0\n", "b.jpg,999\r\n\r\na.jpg,0",
                           "\"b.jpg\", 999\na.jpg ,0\n"}) {
    const auto labels = read_labels(folder.write("l.csv", text), 1000);
    BOOST_REQUIRE(labels.size() == 2);
    BOOST_TEST(labels[0].file == "a.jpg");
    BOOST_TEST(labels[0].label == 0);
    BOOST_TEST(labels[1].file == "b.jpg");
    BOOST_TEST(labels[1].label == 999);
  }
}

BOOST_AUTO_TEST_CASE(says_in_which_line_what_is_wrong) {
  BOOST_TEST(why("a.jpg,1\nb.jpg\n") == ":2: expected 'file,class', found 'b.jpg'");
  BOOST_TEST(why("file,class\n,1\n") == ":2: expected 'file,class', found ',1'");
  BOOST_TEST(why("a.jpg,1\nb.jpg,cat\n") == ":2: 'cat' is no class number");
  BOOST_TEST(why("a.jpg,1\nb.jpg,1.5\n") == ":2: '1.5' is no class number");
  BOOST_TEST(why("a.jpg,2x\n") == ":1: '2x' is no class number");  // no header
  BOOST_TEST(why("a.jpg,1000\n") == ":1: class 1000 is not in 0..999");
  BOOST_TEST(why("a.jpg,-1\n") == ":1: class -1 is not in 0..999");
  BOOST_TEST(why("a.jpg,1\nb.jpg,2\na.jpg,1\n") == ":3: 'a.jpg' stands in line 1 already");
  BOOST_TEST(why("a\x1b[2J\a.jpg\n") == ":1: expected 'file,class', found 'a?[2J?.jpg'");
  BOOST_TEST(why("a\t.jpg,1\na\t.jpg,2\n") == ":2: 'a?.jpg' stands in line 1 already");
  BOOST_TEST(why("file,class\n") == ": no labels in it");
  BOOST_TEST(why("") == ": no labels in it");
  BOOST_CHECK_THROW(read_labels("/nonexistent.csv", 1000), Error);
}

BOOST_AUTO_TEST_CASE(lists_images_sorted_and_nothing_else) {
  const TempFolder folder;
  for (const char* name : {"b.JPG", "a.png", "c.jpeg", "notes.txt", "labels.csv"}) {
    folder.write(name, "");
  }
  std::filesystem::create_directory(folder.path("d.jpg"));
  BOOST_TEST(list_images(folder.path()) == std::vector<std::string>({"a.png", "b.JPG", "c.jpeg"}));
}

BOOST_AUTO_TEST_CASE(refuses_a_folder_without_images) {
  const TempFolder folder;
  BOOST_CHECK_THROW(list_images(folder.path()), Error);
  BOOST_CHECK_THROW(list_images(folder.path("none")), Error);
}

BOOST_AUTO_TEST_CASE(names_a_labelled_file_that_is_not_there) {
  check_labels_match({{"a", 0}}, {"a", "b"}, "l.csv", "dir");
  try {
    check_labels_match({{"a", 0}, {"x", 1}, {"y", 1}}, {"a", "b"}, "l.csv", "dir");
    BOOST_TEST(false);
  } catch (const Error& error) {
    BOOST_TEST(error.what() == std::string("l.csv: 2 of its 3 files are not in dir, the first is "
                                           "'x'"));
  }
}

void write_nested(const TempFolder& folder, const std::string& name) {
  const std::filesystem::path path = folder.path(name);
  std::filesystem::create_directories(path.parent_path());
  folder.write(name, "");
}

BOOST_AUTO_TEST_CASE(sub_folders_are_classes_in_the_order_of_their_names) {
  const TempFolder folder;
  for (const char* name : {"train/dog/b.png", "train/dog/a.jpg", "train/ant/z.png",
                           "train/dog/notes.txt", "train/readme.png", "val/dog/1.png"}) {
    write_nested(folder, name);
  }
  const ClassFolders train = list_class_folders(folder.path(), "train");
  BOOST_TEST(train.classes == std::vector<std::string>({"ant", "dog"}));
  BOOST_TEST_REQUIRE(train.images.size() == 3);
  BOOST_TEST(train.images[0].file == "ant/z.png");
  BOOST_TEST(train.images[0].label == 0);
  BOOST_TEST(train.images[1].file == "dog/a.jpg");
  BOOST_TEST(train.images[2].file == "dog/b.png");
  BOOST_TEST(train.images[2].label == 1);
}

BOOST_AUTO_TEST_CASE(a_class_has_the_same_label_in_both_splits) {
  const TempFolder folder;
  for (const char* name : {"train/ant/1.png", "train/dog/1.png", "val/dog/2.png"}) {
    write_nested(folder, name);
  }
  const ClassFolders val = list_class_folders(folder.path(), "val");
  BOOST_TEST(val.classes == std::vector<std::string>({"ant", "dog"}));
  BOOST_TEST_REQUIRE(val.images.size() == 1);
  BOOST_TEST(val.images[0].label == 1);
}

BOOST_AUTO_TEST_CASE(class_folders_that_make_no_sense_are_refused) {
  const auto why = [](const TempFolder& folder, const std::string& split) -> std::string {
    try {
      list_class_folders(folder.path(), split);
    } catch (const Error& error) {
      return std::string(error.what()).substr(folder.path().size());
    }
    return "";
  };
  const TempFolder folder;
  BOOST_TEST(why(folder, "train") == "/train: No such file or directory");
  write_nested(folder, "train/1.png");
  BOOST_TEST(why(folder, "train") == "/train: no sub-folders, one per class, in this folder");
  write_nested(folder, "train/ant/1.png");
  write_nested(folder, "val/bee/1.png");
  BOOST_TEST(why(folder, "train") == "");
  BOOST_TEST(why(folder, "val") == "/val: class 'bee' has no folder in " + folder.path("train"));
  write_nested(folder, "train/bee/notes.txt");
  BOOST_TEST(why(folder, "train") == "/train/bee: no .jpg, .jpeg or .png files in this folder");
}

}  // namespace
}  // namespace octet::zoo
