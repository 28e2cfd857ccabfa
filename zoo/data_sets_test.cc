#define BOOST_TEST_MODULE data_sets
#include "zoo/data_sets.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/temp_folder_testing.h"
#include "zoo/png_testing.h"

namespace octet::zoo {
namespace {

std::string why(const std::string& name, const DataSetOptions& options) {
  try {
    open_data_set(name, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// The grey of every pixel of a data set, counted.
std::vector<double> histogram(const Dataset& images) {
  std::vector<double> counts(256);
  for (size_t i = 0; i < images.size(); ++i) {
    const Image image = images.image(i);
    for (size_t p = 0; p < image.pixels.size(); p += 3) ++counts[image.pixels[p]];
  }
  return counts;
}

BOOST_AUTO_TEST_CASE(fashion_mnist_for_training_has_mean_0_and_deviation_1) {
  const DataSet set = open_data_set("fashion-mnist");
  BOOST_TEST(set.images->size() == 60000);
  BOOST_TEST(set.classes.size() == 10);
  BOOST_TEST(set.images->holds_fitted_images());
  const std::vector<double> counts = histogram(*set.images);
  double n = 0, sum = 0, squares = 0;
  const Preprocessing& how = set.images->preprocessing();
  for (int v = 0; v < 256; ++v) {
    const double x = (v / 255.0 - how.mean[0]) / how.std[0];
    n += counts[v], sum += counts[v] * x, squares += counts[v] * x * x;
  }
  // Both constants are rounded to 4 digits.
  const double mean = sum / n, deviation = std::sqrt(squares / n - mean * mean);
  BOOST_TEST(std::abs(mean) <= 0.00005 / 0.353);
  BOOST_TEST(std::abs(deviation - 1) <= 0.00005 / 0.353);
}

BOOST_AUTO_TEST_CASE(fashion_mnist_for_testing_has_1000_of_each_class) {
  const Preprocessing larger = {.resize = 32, .crop = 32};
  const DataSet set =
      open_data_set("fashion-mnist", {.split = Split::test, .preprocessing = larger});
  BOOST_TEST(!set.images->holds_fitted_images());
  std::vector<int> counts(10);
  for (size_t i = 0; i < set.images->size(); ++i) ++counts[set.images->label(i)];
  BOOST_TEST(counts == std::vector<int>(10, 1000));
}

BOOST_AUTO_TEST_CASE(digits_are_never_mirrored) {
  const TempFolder folder;
  std::string header("\0\0\x8\x3\0\0\0\1\0\0\0\x1c\0\0\0\x1c", 16);
  folder.write("train-images-idx3-ubyte", header + std::string(784, 'x'));
  folder.write("train-labels-idx1-ubyte", std::string("\0\0\x8\x1\0\0\0\1\7", 9));
  const DataSet set = open_data_set("mnist", {.folder = folder.path()});
  BOOST_TEST(set.images->size() == 1);
  BOOST_TEST(set.images->label(0) == 7);
  BOOST_TEST(!set.augmentation.flip);
}

BOOST_AUTO_TEST_CASE(a_folder_is_a_data_set) {
  const TempFolder folder;
  for (const char* name : {"train/ant/1.png", "train/bee/1.png", "val/bee/2.png"}) {
    std::filesystem::create_directories(std::filesystem::path(folder.path(name)).parent_path());
    const Bytes png = make_png(2, 1, 2, {1, 2, 3, 4, 5, static_cast<uint8_t>(name[6])});
    folder.write(name, {png.begin(), png.end()});
  }
  const Preprocessing how = {.resize = 1, .crop = 1};
  const DataSet train = open_data_set(folder.path(), {.preprocessing = how});
  BOOST_TEST(train.classes == std::vector<std::string>({"ant", "bee"}));
  BOOST_TEST(train.images->size() == 2);
  BOOST_TEST(int{train.images->image(1).pixels[5]} == int{'b'});
  BOOST_TEST(train.images->preprocessing().crop == 1);
  const DataSet val = open_data_set(folder.path(), {.split = Split::test});
  BOOST_TEST(val.images->size() == 1);
  BOOST_TEST(val.images->label(0) == 1);
  BOOST_TEST(val.images->preprocessing().crop == 224);
  // A model's own way to prepare images is for folders, not for data sets that have one.
  const DataSetOptions of_model = {.split = Split::test, .folder_preprocessing = how};
  BOOST_TEST(open_data_set(folder.path(), of_model).images->preprocessing().crop == 1);
  BOOST_TEST(open_data_set("fashion-mnist", of_model).images->preprocessing().crop == 28);
  // As bazel run starts programs.
  setenv("BUILD_WORKING_DIRECTORY", folder.path().c_str(), 1);
  std::filesystem::create_directories(folder.path("mine"));
  std::filesystem::rename(folder.path("train"), folder.path("mine/train"));
  BOOST_TEST(open_data_set("mine", {.preprocessing = how}).images->size() == 2);
  unsetenv("BUILD_WORKING_DIRECTORY");
  BOOST_TEST(why(folder.path(), {.folder = "x"}).ends_with("'x' is one too many"));
}

BOOST_AUTO_TEST_CASE(says_what_there_is_and_what_is_needed) {
  BOOST_TEST(why("imagenet", {}) ==
             "there is no data set 'imagenet'; there are: fashion-mnist, mnist, cifar10, or a "
             "folder with train/CLASS/IMAGE and val/CLASS/IMAGE");
  BOOST_TEST(why("cifar10", {}) == "data set 'cifar10': the folder of its files is needed");
  BOOST_TEST(why("cifar10", {.split = Split::test, .folder = "/nonexistent"}) ==
             "/nonexistent/test_batch.bin is missing");
}

}  // namespace
}  // namespace octet::zoo
