#define BOOST_TEST_MODULE load_weights
#include <boost/test/unit_test.hpp>
#include <limits>

#include "base/error.h"
#include "base/temp_folder_testing.h"
#include "tensor/state_dict.h"
#include "zoo/models.h"

namespace octet::zoo {
namespace {

// Why the weights can't be loaded into the model of that name; empty when they can.
std::string refusal(const std::string& model, const StateDict& state) {
  const TempFolder folder;
  const std::string path = folder.path("w.safetensors");
  save_safetensors(state, path);
  try {
    load_weights(*find_model(model).create({}), path);
    return "";
  } catch (const Error& error) {
    const std::string text = error.what();
    BOOST_TEST(text.starts_with(path + ": "), text);
    return text.substr(std::min(text.size(), path.size() + 2));
  }
}

StateDict weights_of(const std::string& model, int classes = 0) {
  return find_model(model).create({.num_classes = classes})->state_dict();
}

// The same weights but for one element of one tensor.
StateDict with_element(StateDict state, const std::string& name, size_t i, float value) {
  for (auto& [given, tensor] : state) {
    if (given != name) continue;
    tensor = tensor.clone();
    tensor.values<float>()[i] = value;
  }
  return state;
}

}  // namespace

BOOST_AUTO_TEST_CASE(numbers_that_are_not_finite_are_named_by_tensor_and_element) {
  const float infinity = std::numeric_limits<float>::infinity();
  const StateDict good = weights_of("resnet20");
  BOOST_TEST(refusal("resnet20", good) == "");
  // [16, 3, 3, 3], in PyTorch's order: 27 elements a filter.
  BOOST_TEST(refusal("resnet20", with_element(good, "conv1.weight", 2 * 27 + 9 + 3 + 2,
                                              std::numeric_limits<float>::quiet_NaN())) ==
             "conv1.weight[2, 1, 1, 2] is nan, not a finite number");
  BOOST_TEST(refusal("resnet20", with_element(good, "linear.bias", 9, -infinity)) ==
             "linear.bias[9] is -inf, not a finite number");
}

BOOST_AUTO_TEST_CASE(a_variance_below_0_is_named) {
  const StateDict good = weights_of("resnet20");
  BOOST_TEST(refusal("resnet20", with_element(good, "bn1.running_var", 5, -0.25f)) ==
             "bn1.running_var[5] is -0.25, a variance is at least 0");
  BOOST_TEST(refusal("resnet20", with_element(good, "bn1.running_var", 5, 0.0f)) == "");
  BOOST_TEST(refusal("resnet20", with_element(good, "bn1.running_mean", 5, -0.25f)) == "");
}

BOOST_AUTO_TEST_CASE(weights_of_another_model_are_said_to_be_so) {
  // Models at the beginning of the table, for those before the right one are made one by one.
  const std::string other = refusal("resnet20", weights_of("mobilenet_v1_075"));
  BOOST_TEST(other.starts_with("load_state_dict: conv1.weight [16, 3, 3, 3] is missing"), other);
  BOOST_TEST(other.ends_with("; the file fits mobilenet_v1_075 with 1000 classes"), other);
  const std::string classes = refusal("mobilenet_v1", weights_of("mobilenet_v1", 7));
  BOOST_TEST(classes.ends_with("; the file fits mobilenet_v1 with 7 classes"), classes);
}

BOOST_AUTO_TEST_CASE(weights_of_no_model_are_not_given_one) {
  const std::string none = refusal("resnet20", {{"linear.bias", Tensor::zeros({10})}});
  BOOST_TEST(none.find("is missing") != none.npos, none);
  BOOST_TEST(none.find("fits") == none.npos, none);
}

}  // namespace octet::zoo
