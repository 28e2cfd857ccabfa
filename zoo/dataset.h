// Dataset: labelled images as a network takes them.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "zoo/labels.h"
#include "zoo/preprocess.h"

namespace octet::zoo {

// The images to train with, or those to measure with.
enum class Split { train, test };

class Dataset {
 public:
  explicit Dataset(const Preprocessing& preprocessing) : preprocessing_(preprocessing) {}
  virtual ~Dataset() = default;

  virtual size_t size() const = 0;
  virtual int label(size_t i) const = 0;
  // Throws octet::Error when the image can't be had. May be called by several threads at once.
  virtual Image image(size_t i) const = 0;
  // For messages about it.
  virtual std::string name(size_t i) const { return "image " + std::to_string(i); }
  // Whether image(i) copies pixels that need no resizing and cropping: to keep them a second time
  // would save nothing.
  virtual bool holds_fitted_images() const { return false; }

  const Preprocessing& preprocessing() const { return preprocessing_; }

 private:
  Preprocessing preprocessing_;
};

// Image files in a folder.
class ImageFolder : public Dataset {
 public:
  ImageFolder(std::string folder, std::vector<LabelledImage> images,
              const Preprocessing& preprocessing);
  size_t size() const override { return images_.size(); }
  int label(size_t i) const override { return images_[i].label; }
  Image image(size_t i) const override { return read_image(name(i)); }
  std::string name(size_t i) const override { return folder_ + "/" + images_[i].file; }
  const std::string& file(size_t i) const { return images_[i].file; }

 private:
  std::string folder_;
  std::vector<LabelledImage> images_;
};

// Some images of another data set, which must outlive this.
class Subset : public Dataset {
 public:
  Subset(const Dataset& whole, std::vector<size_t> indices)
      : Dataset(whole.preprocessing()), whole_(whole), indices_(std::move(indices)) {}
  size_t size() const override { return indices_.size(); }
  int label(size_t i) const override { return whole_.label(indices_[i]); }
  Image image(size_t i) const override { return whole_.image(indices_[i]); }
  std::string name(size_t i) const override { return whole_.name(indices_[i]); }

 private:
  const Dataset& whole_;
  std::vector<size_t> indices_;
};

// The images of another data set, which must outlive this, with labels[l] where it has l.
class Relabelled : public Dataset {
 public:
  Relabelled(const Dataset& whole, std::vector<int> labels)
      : Dataset(whole.preprocessing()), whole_(whole), labels_(std::move(labels)) {}
  size_t size() const override { return whole_.size(); }
  int label(size_t i) const override { return labels_[static_cast<size_t>(whole_.label(i))]; }
  Image image(size_t i) const override { return whole_.image(i); }
  std::string name(size_t i) const override { return whole_.name(i); }
  bool holds_fitted_images() const override { return whole_.holds_fitted_images(); }

 private:
  const Dataset& whole_;
  std::vector<int> labels_;
};

// The images of one data set, then those of another that are prepared alike.
class Joined : public Dataset {
 public:
  Joined(std::unique_ptr<Dataset> first, std::unique_ptr<Dataset> second)
      : Dataset(first->preprocessing()), first_(std::move(first)), second_(std::move(second)) {}
  size_t size() const override { return first_->size() + second_->size(); }
  int label(size_t i) const override {
    return i < first_->size() ? first_->label(i) : second_->label(i - first_->size());
  }
  Image image(size_t i) const override {
    return i < first_->size() ? first_->image(i) : second_->image(i - first_->size());
  }
  std::string name(size_t i) const override {
    return i < first_->size() ? first_->name(i) : second_->name(i - first_->size());
  }

 private:
  std::unique_ptr<Dataset> first_, second_;
};

// `count` of the indices 0..size - 1, evenly spread: floor(i * size / count); count <= size.
std::vector<size_t> spread_indices(size_t size, size_t count);
// `most` of the indices, or all if they are fewer, evenly spread.
std::vector<size_t> spread_over(const std::vector<size_t>& indices, size_t most);
// The indices 0..size - 1 that are not among the sorted ones given.
std::vector<size_t> other_indices(size_t size, const std::vector<size_t>& indices);

}  // namespace octet::zoo
