#define BOOST_TEST_MODULE tensor
#include "tensor/tensor.h"

#include <boost/test/unit_test.hpp>
#include <string>

namespace octet {
namespace {

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_CASE(copies_share_elements_and_clones_do_not) {
  Tensor a = Tensor::from({2, 2}, {1, 2, 3, 4});
  Tensor b = a;
  Tensor c = a.clone();
  a.data<float>()[0] = 7;
  BOOST_TEST(same(a, b));
  BOOST_TEST(!same(a, c));
  BOOST_TEST(b.data<float>()[0] == 7);
  BOOST_TEST(c.data<float>()[0] == 1);
}

BOOST_AUTO_TEST_CASE(a_view_is_another_tensor_over_the_same_elements) {
  Tensor a = Tensor::from({2, 3}, {1, 2, 3, 4, 5, 6});
  Tensor v = a.view({3, 2});
  BOOST_TEST(!same(a, v));
  BOOST_CHECK(v.shape() == (Shape{3, 2}));
  v.data<float>()[5] = -1;
  BOOST_TEST(a.data<float>()[5] == -1);
}

BOOST_AUTO_TEST_CASE(slices_the_outermost_dimension) {
  Tensor a = Tensor::from({3, 2}, {1, 2, 3, 4, 5, 6});
  Tensor s = a.slice(1, 3);
  BOOST_CHECK(s.shape() == (Shape{2, 2}));
  BOOST_TEST(s.data<float>()[0] == 3);
  BOOST_TEST(s.data<float>()[3] == 6);
  BOOST_TEST(a.slice(2, 2).elements() == 0);
}

BOOST_AUTO_TEST_CASE(a_scalar_has_one_element_and_an_empty_tensor_none) {
  BOOST_TEST(Tensor::zeros({}, DType::s64).elements() == 1);
  BOOST_TEST(Tensor::zeros({0, 3}).elements() == 0);
  BOOST_TEST(Tensor::zeros({0, 3}).clone().elements() == 0);
}

BOOST_AUTO_TEST_CASE(holds_every_dtype) {
  const int64_t big = int64_t{1} << 40;
  BOOST_TEST(Tensor::from<int64_t>({1}, std::span(&big, 1)).data<int64_t>()[0] == big);
  for (DType dtype : {DType::f32, DType::u8, DType::s8, DType::s32, DType::s64}) {
    BOOST_TEST(Tensor::zeros({3}, dtype).bytes() == 3 * size_of(dtype));
  }
}

BOOST_AUTO_TEST_CASE(messages_name_the_values) {
  const Tensor a = Tensor::zeros({2, 3});
  BOOST_TEST(message_of([&] { a.view({4}); }) == "view: [2, 3] as [4]: not as many elements");
  BOOST_TEST(message_of([&] { a.data<uint8_t>(); }) == "tensor: elements are f32, asked for as u8");
  BOOST_TEST(message_of([&] { a.slice(1, 3); }) == "slice: [1, 3) of [2, 3]");
  BOOST_TEST(message_of([&] { Tensor::from({2}, {1, 2, 3}); }) == "tensor: 3 values for shape [2]");
}

}  // namespace octet
