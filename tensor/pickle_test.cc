#define BOOST_TEST_MODULE pickle
#include "tensor/pickle.h"

#include <boost/test/unit_test.hpp>

#include "tensor/state_dict_testing.h"

namespace octet {
namespace {

using namespace testing;

bool refuses(const std::string& body, const std::string& why) {
  const std::string file = pickle_file(body);
  const std::string error = error_of([&] { read_pickle(bytes_of(file)); });
  BOOST_TEST_INFO(error);
  return error.find(why) != error.npos;
}

}  // namespace

BOOST_AUTO_TEST_CASE(refuses_every_global_that_is_not_of_a_tensor_by_its_name) {
  BOOST_TEST(refuses("cos\nsystem\n(" + pickled("true") + "tR",
                     "the pickle asks for os.system, which is not a tensor; refused, nothing was "
                     "executed"));
  BOOST_TEST(refuses(std::string("\x8c\x08"
                                 "builtins\x8c\x04"
                                 "eval\x93") +
                         pickled("1") + "\x85R",
                     "asks for builtins.eval"));
  BOOST_TEST(refuses("ctorch\nload\n)R", "asks for torch.load"));
  // An instance (INST), which names its class in the opcode.
  BOOST_TEST(refuses("(" + pickled("true") + "ios\nsystem\n", "asks for os.system"));
  // A name that would clear the terminal.
  BOOST_TEST(refuses("co\x1b[2Js\nsystem\n", "asks for o?[2Js.system"));
}

BOOST_AUTO_TEST_CASE(makes_no_object_and_sets_no_state) {
  const std::string dict = "ccollections\nOrderedDict\n";
  BOOST_TEST(refuses("(" + dict + "o", "makes an object of a class"));
  BOOST_TEST(refuses(dict + ")\x81", "makes an object of a class"));
  BOOST_TEST(refuses(dict + ")}\x92", "makes an object of a class"));
  BOOST_TEST(refuses("]}b", "sets the state of an object"));
  BOOST_TEST(refuses(dict + "}b", "sets the state of an object"));
  BOOST_TEST(refuses("ctorch\nFloatStorage\n)R", "calls torch.FloatStorage"));
  BOOST_TEST(refuses(pickled("x") + ")R", "calls a text"));
  BOOST_TEST(refuses("\x82\x01", "opcode 130"));
}

BOOST_AUTO_TEST_CASE(refuses_containers_that_contain_themselves) {
  BOOST_TEST(
      refuses("]q" + little(0, 1) + "h" + little(0, 1) + "a", "a list that contains itself"));
  BOOST_TEST(refuses("}q" + little(0, 1) + pickled("k") + "h" + little(0, 1) + "s",
                     "a dict that contains itself"));
  BOOST_TEST(refuses("]q" + little(0, 1) + "h" + little(0, 1) +
                         "\x85"
                         "a",
                     "contains itself"));
}

BOOST_AUTO_TEST_CASE(bounds_depth_and_stack) {
  BOOST_TEST(refuses(std::string(100000, '('), "nested deeper than 1000"));
  BOOST_TEST(refuses(")" + std::string(100000, '\x85'), "nested deeper than 1000"));
  BOOST_TEST(refuses("", "ends with 0 values"));
  BOOST_TEST(refuses("NN", "ends with 2 values"));
  BOOST_TEST(refuses("Na", "adds items to nothing"));
  BOOST_TEST(refuses("t", "no mark"));
  BOOST_TEST(refuses("](a", "takes 1 values from a stack of 0"));
  BOOST_TEST(refuses(std::string(5000000, 'N'), "more than 4194304 values"));
}

BOOST_AUTO_TEST_CASE(refuses_lengths_beyond_the_file) {
  BOOST_TEST(refuses("X\xff\xff\xff\xff", "truncated"));
  BOOST_TEST(refuses("\x8d" + little(~uint64_t{0}, 8), "truncated"));
  BOOST_TEST(refuses("\x95" + little(~uint64_t{0}, 8), "truncated"));
  BOOST_TEST(refuses("\x8b" + little(0x7fffffff, 4), "opcode 139"));
}

BOOST_AUTO_TEST_CASE(reads_integers_of_every_width) {
  const std::vector<std::pair<std::string, int64_t>> cases = {
      {"K\xff", 255},
      {"M\xff\xff", 65535},
      {"J\xff\xff\xff\xff", -1},
      {std::string("\x8a") + little(0, 1), 0},
      {"\x8a\x01\x80", -128},
      {"\x8a\x02\xff" + little(0, 1), 255},
      {"\x8a\x08" + little(uint64_t{1} << 63, 8), INT64_MIN},
      {"\x88", 1},
      {"\x89", 0},
  };
  for (const auto& [body, value] : cases) {
    const std::string file = pickle_file(body);
    const Pickle pickle = read_pickle(bytes_of(file));
    BOOST_TEST((pickle.root->kind == PickleValue::Kind::integer));
    BOOST_TEST(pickle.root->integer == value);
    BOOST_TEST(pickle.bytes == file.size());
  }
}

}  // namespace octet
