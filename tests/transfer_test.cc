// transfer: a new head on a frozen backbone, as its user calls it.
#define BOOST_TEST_MODULE transfer
#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "base/temp_folder_testing.h"
#include "engine/compose.h"
#include "engine/format.h"
#include "nn/activation.h"
#include "nn/conv2d.h"
#include "nn/graph.h"
#include "nn/nn_testing.h"
#include "nn/sequential.h"
#include "quant/convert.h"
#include "quant/prepare.h"
#include "tests/generated_idx.h"
#include "tests/process_testing.h"
#include "zoo/preprocess.h"

namespace octet {
namespace {

using Arguments = std::vector<std::string>;

constexpr zoo::Preprocessing kHow = {.resize = 28, .crop = 28};

// Pictures, and a small network with a classifier, float or int8.
class Desk {
 public:
  Desk() {
    write_pictures(folder_, "train", 100, 1);
    write_pictures(folder_, "t10k", 20, 2);
    std::filesystem::create_directory(path("scratch"));
  }
  std::string path(const std::string& name) const { return folder_.path(name); }

  engine::Program save_backbone(const std::string& name, bool quantized) const {
    nn::manual_seed(3);
    nn::Sequential net;
    net.emplace<nn::Conv2d>(3, 6, nn::Conv2dOptions{.kernel_size = 3, .stride = 2});
    net.emplace<nn::ReLU>();
    net.emplace<nn::Conv2d>(6, 5, nn::Conv2dOptions{.kernel_size = 3, .stride = 2});
    net.emplace<nn::ReLU>();
    net.emplace<nn::Conv2d>(5, 7, nn::Conv2dOptions{.kernel_size = 1});
    const Tensor example = Tensor::zeros({1, 28, 28, 3});
    engine::Program program = nn::lower(nn::trace(net, example));
    if (quantized) {
      const auto prepared = quant::prepare(net, example, quant::get_default_qconfig_mapping("x86"));
      (*prepared)(nn::uniform({4, 28, 28, 3}, 2.0f));
      program = quant::convert(*prepared).program;
    }
    zoo::write_metadata(kHow, program);
    BOOST_REQUIRE(engine::save(program, path(name)));
    return program;
  }

  ProcessResult run(Arguments extra) const {
    Arguments command{"zoo/transfer", "--data-folder=" + path(""), "--batch=16", "--epochs=2",
                      "--threads=2"};
    command.insert(command.end(), extra.begin(), extra.end());
    return run_process(command, path("scratch"));
  }

  // The one line of a run that fails.
  std::string refused(Arguments extra) const {
    const ProcessResult result = run(std::move(extra));
    BOOST_TEST(result.exit_code == 1);
    const auto lines = lines_without_progress(result.err);
    BOOST_TEST(lines.size() == 1u, result.err);
    return lines.empty() ? std::string() : lines[0];
  }

 private:
  TempFolder folder_;
};

engine::Program cut_at(const engine::Program& program, const std::string& value) {
  auto part = engine::cut(program, value);
  BOOST_REQUIRE_MESSAGE(part, part.why());
  return std::move(*part);
}

engine::Program load(const std::string& path) {
  auto program = engine::load_program(path);
  BOOST_REQUIRE_MESSAGE(program, program.why());
  return std::move(*program);
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_one_file_computes_what_the_backbone_did_and_its_head) {
  const Desk desk;
  for (bool quantized : {false, true}) {
    const engine::Program backbone = desk.save_backbone("backbone.octet", quantized);
    const ProcessResult result = desk.run({"--backbone=" + desk.path("backbone.octet"), "--cut=2",
                                           "--data=mnist", "--save=" + desk.path("both.octet")});
    BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
    BOOST_TEST(result.out.find("epoch 2/2") != std::string::npos, result.out);
    const engine::Program both = load(desk.path("both.octet"));
    const Tensor x = nn::uniform({3, 28, 28, 3}, 2.0f);
    const Tensor features = nn::testing::run_engine(cut_at(backbone, "2"), x);
    BOOST_TEST(
        nn::testing::equal_bits(nn::testing::run_engine(cut_at(both, "backbone.2"), x), features));
    BOOST_TEST((nn::testing::run_engine(both, x).shape() == Shape{3, 10}));
    BOOST_TEST(*both.find_metadata("classes") == "0\n1\n2\n3\n4\n5\n6\n7\n8\n9");
    BOOST_TEST(zoo::read_metadata(both).crop == kHow.crop);
  }
}

BOOST_AUTO_TEST_CASE(without_names_it_takes_the_bundled_backbone_and_four_groups) {
  const Desk desk;
  const ProcessResult result = desk.run({"--save=" + desk.path("both.octet")});
  BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
  BOOST_TEST(result.out.find("up to features.18.0") != std::string::npos, result.out);
  BOOST_TEST(*load(desk.path("both.octet")).find_metadata("classes") ==
             "tops\ntrousers and dresses\nfootwear\nbags");
}

BOOST_AUTO_TEST_CASE(names_that_are_not_there_are_refused_in_one_sentence) {
  const Desk desk;
  desk.save_backbone("backbone.octet", true);
  const std::string backbone = "--backbone=" + desk.path("backbone.octet");
  BOOST_TEST(desk.refused({backbone, "--cut=features.99"}) ==
             "transfer: " + desk.path("backbone.octet") +
                 ": cut: no instruction makes a value 'features.99'; the last ones make input, 0, "
                 "2, 4");
  BOOST_TEST(desk.refused({"--backbone=" + desk.path("none.octet")}).find("none.octet") !=
             std::string::npos);
  BOOST_TEST(desk.refused({backbone, "--cut=2", "--data=" + desk.path("nowhere")})
                 .find("there is no data set") != std::string::npos);
  BOOST_TEST(desk.refused({backbone, "--cut=2", "--images=10"}) ==
             "transfer: --batch=16: there are 10 training images");
}

}  // namespace octet
