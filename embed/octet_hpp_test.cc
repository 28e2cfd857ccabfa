// octet.hpp through liboctet.a, in a program with a C++ library, exceptions and the engine itself.
#define BOOST_TEST_MODULE octet_hpp
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "embed/models_testing.h"
#include "embed/octet.hpp"

namespace {

octet::Model load(test_model which, bool integer_io = false) {
  size_t bytes = 0;
  const std::unique_ptr<void, void (*)(void*)> file(test_model_file(which, &bytes), std::free);
  return octet::Model::from_memory(file.get(), bytes, integer_io);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_model_runs) {
  const octet::Model model = load(TEST_SIDES);
  BOOST_TEST(model.inputs() == 2u);
  BOOST_TEST(model.find_output("real") == 1u);
  BOOST_TEST(model.metadata("model") == "sides");
  BOOST_TEST(model.metadata("nothing") == "");
  octet::Session session(model, 2, 2);
  const std::vector<float> left(12, 1.0f), right(12, 2.0f);
  session.set(0, left);
  session.set(1, right);
  session.run();
  BOOST_TEST(session.get(0) == std::vector<float>(12, 3.0f));
  BOOST_TEST(session.get(1) == right);
  BOOST_TEST(session.profile().size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_session_keeps_its_model) {
  auto session = std::make_unique<octet::Session>(load(TEST_FLOAT));
  session->set(0, std::vector<float>(13 * 11 * 3, 0.5f));
  session->run();
  BOOST_TEST(session->get().size() == 7u);
}

BOOST_AUTO_TEST_CASE(failures_are_thrown_with_the_librarys_sentence) {
  const auto text_of = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const octet::Error& error) {
      BOOST_TEST(error.status != OCTET_OK);
      return error.what();
    }
    return "nothing was thrown";
  };
  const octet::Model model = load(TEST_SIDES, true);
  octet::Session session(model);
  BOOST_TEST(text_of([] { octet::Model::load("/nowhere"); }) ==
             "can't read /nowhere: No such file or directory");
  BOOST_TEST(text_of([&] { model.find_input("middle"); }) == "the model has no input 'middle'");
  BOOST_TEST(text_of([&] { session.set(0, std::vector<float>(5)); }) ==
             "input 0 has 6 elements, 5 were given");
  BOOST_TEST(text_of([&] { session.output(2); }) == "output 2 was asked for, the model has 2");
}

BOOST_AUTO_TEST_CASE(a_session_that_was_moved_away_throws) {
  octet::Session session(load(TEST_SIDES));
  const octet::Session moved = std::move(session);
  BOOST_CHECK_THROW(session.run(), octet::Error);
}

BOOST_AUTO_TEST_CASE(the_batch_of_an_older_struct_is_1) {
  octet_session_options options = {};
  options.struct_bytes = sizeof options.struct_bytes;
  options.batch = 7;
  octet::Session session(load(TEST_SIDES), options);
  session.set(0, std::vector<float>(6, 1.0f));
  BOOST_TEST(session.get(1).size() == 6u);
}

BOOST_AUTO_TEST_CASE(shared_memory_is_kept_as_long_as_it_is_used) {
  size_t bytes = 0;
  std::shared_ptr<const void> file(test_model_file(TEST_SIDES, &bytes), std::free);
  {
    const octet::Model model = octet::Model::from_memory(file, bytes);
    BOOST_TEST(file.use_count() == 2);
    BOOST_TEST(model.metadata("model") == "sides");
  }
  BOOST_CHECK_THROW(octet::Model::from_memory(file, bytes - 64), octet::Error);
  BOOST_TEST(file.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(readers_may_throw) {
  size_t bytes = 0;
  const std::unique_ptr<void, void (*)(void*)> file(test_model_file(TEST_SIDES, &bytes), std::free);
  size_t given = 0, most = bytes;
  const auto read = [&](void* to, size_t wanted) {
    if (given + wanted > most) throw std::out_of_range("no more");
    std::memcpy(to, static_cast<const char*>(file.get()) + given, wanted);
    given += wanted;
    return static_cast<int64_t>(wanted);
  };
  BOOST_TEST(octet::Model::read(read).metadata("model") == "sides");
  given = 0;
  most = bytes - 1;
  BOOST_CHECK_THROW(octet::Model::read(read), std::out_of_range);
}
