// The data sets that there are, for programs that take one by name.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "zoo/augment.h"
#include "zoo/dataset.h"

namespace octet::zoo {

struct DataSetOptions {
  Split split = Split::train;
  // Where its files are; empty: where its Debian package puts them.
  std::string folder = {};
  // Instead of the data set's own, for a network that wants its images otherwise.
  std::optional<Preprocessing> preprocessing = {};
  // What a folder's own is: pictures are of no network.
  Preprocessing folder_preprocessing = {};
};

struct DataSet {
  std::unique_ptr<Dataset> images;
  std::vector<std::string> classes;  // their names, by label
  Augmentation augmentation;         // what is usual in training
};

// What open_data_set reads of that folder or named data set: folders, as far as they are the
// user's.
std::vector<std::string> folders_of_data_set(const std::string& name, const std::string& folder);

// name        files                                   size   normalised by
// fashion-mnist  idx (zoo/idx.h); Debian packages it  28     its mean and deviation
// mnist       idx                                     28     its mean and deviation
// cifar10     binary (zoo/cifar10.h)                  32     ImageNet's, as pretrained ResNets want
// a folder    {train,val}/CLASS/IMAGE (zoo/labels.h)  224    ImageNet's, or as the options say
//
// A folder's path is the user's (files.h).
// Throws octet::Error: no such name or folder, files that are missing or damaged, a folder both as
// the name and in the options.
DataSet open_data_set(const std::string& name, const DataSetOptions& options = {});

}  // namespace octet::zoo
