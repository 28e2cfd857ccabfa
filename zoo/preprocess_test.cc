#define BOOST_TEST_MODULE preprocess
#include "zoo/preprocess.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"

namespace octet::zoo {
namespace {

BOOST_AUTO_TEST_CASE(normalises_with_one_rounding_per_operation) {
  Image image{2, 2, {}};
  for (int i = 0; i < 12; ++i) image.pixels.push_back(static_cast<uint8_t>(i * 23));
  const Preprocessing how{.resize = 2, .crop = 2};
  const Tensor x = preprocess(image, how);
  BOOST_TEST((x.shape() == Shape({1, 2, 2, 3})));
  for (int i = 0; i < 12; ++i) {
    const volatile float unit = static_cast<float>(image.pixels[i]) / 255.0f;
    const volatile float shifted = unit - how.mean[i % 3];
    BOOST_TEST(x.values<float>()[i] == shifted / how.std[i % 3]);
  }
}

// torch.tensor(100 / 255, dtype=float32) - mean, / std with torchvision's constants.
BOOST_AUTO_TEST_CASE(equals_torchvision_on_a_flat_image) {
  const Image image{256, 256, std::vector<uint8_t>(3 * 256 * 256, 100)};
  const Tensor x = preprocess(image, Preprocessing{});
  BOOST_TEST((x.shape() == Shape({1, 224, 224, 3})));
  for (int c = 0; c < 3; ++c) {
    constexpr double kMean[3] = {0.485, 0.456, 0.406}, kStd[3] = {0.229, 0.224, 0.225};
    const double exact = (100 / 255.0 - kMean[c]) / kStd[c];
    // Three roundings of values below 1 before a division by at least 0.224, and one after it.
    BOOST_TEST(std::abs(x.values<float>()[c] - exact) <= 4 * 0x1p-25 / 0.224);
  }
}

BOOST_AUTO_TEST_CASE(survives_the_way_through_a_model_file) {
  engine::Program program;
  const Preprocessing how{
      .resize = 232, .crop = 220, .mean = {0.1f, 0.2f, 0.3f}, .std = {1 / 3.0f, 0.25f, 1e-3f}};
  write_metadata(how, program);
  const Preprocessing back = read_metadata(program);
  BOOST_TEST(back.resize == how.resize);
  BOOST_TEST(back.crop == how.crop);
  BOOST_TEST(back.mean == how.mean);
  BOOST_TEST(back.std == how.std);
  BOOST_TEST(read_metadata(engine::Program()).crop == 224);
}

BOOST_AUTO_TEST_CASE(refuses_metadata_without_sense) {
  const std::pair<const char*, const char*> bad[] = {{"preprocess.resize", "0"},
                                                     {"preprocess.resize", "-3"},
                                                     {"preprocess.resize", "99999999"},
                                                     {"preprocess.crop", "224px"},
                                                     {"preprocess.crop", "300"},
                                                     {"preprocess.mean", "0.5,0.5"},
                                                     {"preprocess.mean", "1,2,3,4"},
                                                     {"preprocess.mean", "1,2,nan"},
                                                     {"preprocess.std", "1,0,1"},
                                                     {"preprocess.std", "1,-1,1"},
                                                     {"preprocess.std", ""}};
  for (const auto& [key, text] : bad) {
    engine::Program program;
    program.set_metadata(key, text);
    BOOST_TEST_CONTEXT(key << " = " << text) { BOOST_CHECK_THROW(read_metadata(program), Error); }
  }
}

}  // namespace
}  // namespace octet::zoo
