// Which images there are, and which class each belongs to.
#pragma once

#include <string>
#include <vector>

namespace octet::zoo {

struct LabelledImage {
  std::string file;  // inside the image folder
  int label;
};

// Reads a CSV file of lines "file,class": an optional header "file,class", classes 0..classes - 1,
// empty lines are skipped, the file name may stand in double quotes. Sorted by file name. Throws
// octet::Error with the path, the line number and the reason: a line that is no such pair, a class
// out of range, a file named twice, no line at all.
std::vector<LabelledImage> read_labels(const std::string& path, int classes);

// Names of the JPEG and PNG files in a folder (by extension, any case), sorted. Throws octet::Error
// when it can't be read or has none.
std::vector<std::string> list_images(const std::string& folder);

// The images of one split of a folder ROOT/{train,val}/CLASS/IMAGE.
struct ClassFolders {
  std::vector<std::string> classes;   // sorted; the label is the place among them
  std::vector<LabelledImage> images;  // "CLASS/IMAGE", sorted by class, then by name
};

// The classes are the sub-folders of ROOT/train for both splits (torchvision's ImageFolder numbers
// each split by itself, and a class without validation images shifts all labels after it). Throws
// octet::Error: a folder that is missing or has no sub-folders, a class without images, a class in
// val that is not in train.
ClassFolders list_class_folders(const std::string& root, const std::string& split);

// Throws octet::Error that names the first labelled file that is not among the (sorted) images.
void check_labels_match(const std::vector<LabelledImage>& labels,
                        const std::vector<std::string>& images, const std::string& labels_path,
                        const std::string& folder);

}  // namespace octet::zoo
