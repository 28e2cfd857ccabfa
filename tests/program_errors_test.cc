// mobilenet_quantize and classify, run as programs: bad input gets exit code 1 and one line that
// names it, and leaves nothing behind; a damaged image among good ones is skipped and counted.
#define BOOST_TEST_MODULE program_errors
#include <sys/stat.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/format.h"
#include "nn/module.h"
#include "tensor/state_dict_testing.h"
#include "tests/disk_full_testing.h"
#include "tests/program_desk.h"

namespace octet {
namespace {

BOOST_AUTO_TEST_CASE(the_file_of_a_model_of_1000_classes_names_them) {
  const auto program = engine::load_program(octet_file());
  BOOST_REQUIRE_MESSAGE(program, program.why());
  const std::string* classes = program->find_metadata("classes");
  BOOST_TEST_REQUIRE(classes != nullptr);
  BOOST_TEST(std::count(classes->begin(), classes->end(), '\n') == 999);
  BOOST_TEST(classes->starts_with("tench\ngoldfish\ngreat white shark\n"));
}

BOOST_AUTO_TEST_CASE(each_program_says_its_version) {
  for (const char* program : {kQuantize, kClassify}) {
    const ProcessResult result = desk().run({program, "--version"});
    BOOST_TEST(result.exit_code == 0);
    BOOST_TEST(result.out.starts_with("octet "), result.out);
    BOOST_TEST(result.err == "");
  }
}

BOOST_AUTO_TEST_CASE(missing_files_are_named) {
  check_quantize_refuses({.weights = desk().path("none.pth")}, {desk().path("none.pth")});
  check_quantize_refuses({.images = desk().path("none")}, {desk().path("none")});
  check_quantize_refuses({.labels = desk().path("none.csv")}, {desk().path("none.csv")});
  check_quantize_refuses({}, {desk().path("none.txt")},
                         {"--calibration-list=" + desk().path("none.txt")});
}

BOOST_AUTO_TEST_CASE(nobody_waits_for_a_pipe) {
  const std::string pipe = desk().path("pipe");
  BOOST_TEST_REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  check_quantize_refuses({.weights = pipe}, {pipe});
  check_quantize_refuses({.labels = pipe}, {pipe});
  check_quantize_refuses({}, {pipe}, {"--calibration-list=" + pipe});
}

BOOST_AUTO_TEST_CASE(a_truncated_pth_is_refused) {
  const std::string whole = testing::small_zip();
  for (const size_t bytes : {size_t{0}, size_t{3}, whole.size() / 2, whole.size() - 1}) {
    const std::string path = desk().write("truncated.pth", whole.substr(0, bytes));
    check_quantize_refuses({.weights = path}, {path});
  }
}

BOOST_AUTO_TEST_CASE(a_pickle_that_asks_for_a_command_is_refused_and_not_obeyed) {
  const std::string mark = desk().path("results/obeyed");
  for (const char* module : {"os", "posix"}) {
    const std::string attack =
        std::string("c") + module + "\nsystem\n(" + testing::pickled("touch " + mark) + "tR";
    const std::string pickle =
        testing::pickle_file(testing::pickled_dict({{"features.0.0.weight", attack}}));
    const std::string path =
        desk().write("attack.pth", testing::zip_file({{"m/data.pkl", pickle}}));
    check_quantize_refuses({.weights = path}, {path, std::string(module) + ".system"});
    BOOST_TEST(!fs::exists(mark));
  }
}

BOOST_AUTO_TEST_CASE(a_state_dict_that_does_not_fit_is_refused_by_the_tensors_name) {
  const std::string path = desk().path("unfit.safetensors");
  const size_t middle = desk().weights.size() / 2;
  const std::string& name = desk().weights[middle].first;

  StateDict wrong = desk().weights;
  wrong[middle].second = Tensor::zeros({7, 5});
  save_safetensors(wrong, path);
  check_quantize_refuses({.weights = path}, {path, name, "7", "5"});

  wrong = desk().weights;
  wrong.erase(wrong.begin() + static_cast<std::ptrdiff_t>(middle));
  save_safetensors(wrong, path);
  check_quantize_refuses({.weights = path}, {path, name});

  wrong = desk().weights;
  wrong.emplace_back("features.99.weight", Tensor::zeros({1}));
  save_safetensors(wrong, path);
  check_quantize_refuses({.weights = path}, {path, "features.99.weight"});
}

BOOST_AUTO_TEST_CASE(int8_and_float_state_dicts_are_not_mistaken_for_each_other) {
  const std::string int8 = desk().write("int8.pth", testing::small_quantized_zip());
  check_quantize_refuses({.weights = int8}, {int8, "conv.weight", "--workflow=pretrained"});
  const Arguments pretrained = {"--workflow=pretrained"};
  const std::string good = desk().path("good.safetensors");
  check_quantize_refuses({}, {good, "float model"}, pretrained);
  check_quantize_refuses({.weights = int8}, {int8, "quant.scale"}, pretrained);
  check_quantize_refuses({}, {int8, "quant.scale"}, {"--workflow=pretrained", "--load=" + int8});
  check_refused({kQuantize, "--workflow=pretrained", "--weights=" + int8}, {int8, "quant.scale"});
  check_refused({kQuantize, "--workflow=pretrained", "--images=" + desk().path("images")},
                {"--load", "--weights"});
  check_refused({kQuantize, "--workflow=pretrained", "--weights=" + int8,
                 "--save-float=" + desk().path("results/refused.octet")},
                {"--save-float", "float model"});
}

BOOST_AUTO_TEST_CASE(weights_that_are_no_numbers_are_refused) {
  StateDict wrong = desk().weights;
  wrong[0].second = wrong[0].second.clone();
  wrong[0].second.values<float>()[5] = std::numeric_limits<float>::quiet_NaN();
  const std::string path = desk().path("nan.safetensors");
  save_safetensors(wrong, path);
  check_quantize_refuses({.weights = path}, {path, desk().weights[0].first + "[", "nan"});
}

BOOST_AUTO_TEST_CASE(labels_that_do_not_match_are_refused_with_file_and_line) {
  const auto check = [](const std::string& text, const std::string& place,
                        const std::string& value) {
    const std::string path = desk().write("wrong.csv", text);
    check_quantize_refuses({.labels = path}, {path + place, value});
  };
  check(desk().labels() + "7.png,7\n", "", "7.png");
  check(desk().labels() + "7.png,1000\n", ":7", "1000");
  check(desk().labels() + "7.png,-1\n", ":7", "-1");
  check(desk().labels() + "7.png,cat\n", ":7", "cat");
  check(desk().labels() + "7.png\n", ":7", "7.png");
  check(desk().labels() + "0.png,0\n", ":7", "0.png");
  check("", "", "no labels");
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense_are_named) {
  const Arguments wrong[] = {
      {"--wieghts=w.pth", "--wieghts"},  {"--qconfig=best", "best"},
      {"--workflow=magic", "magic"},     {"--threads=0", "--threads"},
      {"--threads=many", "many"},        {"--calibration=0", "--calibration"},
      {"--calibration=-1", "-1"},        {"--calibration=6", "--calibration=6"},
      {"--calibration=60", "6"},         {"extra", "extra"},
      {"--calibration-list=a", "--cal"},
  };
  for (const Arguments& option : wrong) {
    Arguments more = {option[0]};
    // Two ways to choose the calibration images exclude each other.
    if (option[0] == "--calibration-list=a") more.push_back("--calibration=2");
    check_quantize_refuses({}, {option[1]}, more);
  }
  check_refused({kQuantize, "--weights=w.pth"}, {"--images", "--labels"});
  check_refused({kClassify, desk().path("images/0.png")}, {"--model"});
  check_refused({kClassify, "--model=m.octet"}, {"image"});
  check_refused({kClassify, "--model=m.octet", "--speed=2", "a.png"}, {"--speed"});
}

BOOST_AUTO_TEST_CASE(results_that_can_not_be_written_are_refused_before_the_work) {
  for (const char* option : {"--save=", "--json="}) {
    for (const std::string& path :
         {desk().path("none/m.octet"), desk().path("results"), desk().path("labels.csv/m")}) {
      const Names before = desk().results();
      const ProcessResult result =
          desk().run(quantize_command({}, {"--calibration=2", option + path}));
      BOOST_TEST(result.exit_code == 1);
      const auto lines = lines_without_progress(result.err);
      BOOST_TEST_REQUIRE(lines.size() == 1u, result.err);
      BOOST_TEST(lines[0].find(path) != std::string::npos, lines[0]);
      BOOST_TEST(result.err.find('%') == std::string::npos, "worked first: " << result.err);
      BOOST_TEST(desk().results() == before);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_model_that_does_not_fit_on_the_disk_leaves_no_half_of_it) {
  const std::string path = desk().write("results/old.octet", "the model of yesterday");
  const Names before = desk().results();
  {
    const FileSizeLimit limit(1 << 20);
    check_refused(quantize_command({}, {"--calibration=2", "--save=" + path}), {path});
  }
  BOOST_TEST(desk().results() == before);
  BOOST_TEST(read_file(path) == "the model of yesterday");
}

// A copy of the images' folder with damaged ones in it.
std::string damaged_folder(const std::string& name, const Arguments& damaged) {
  const std::string folder = desk().path(name);
  fs::copy(desk().path("images"), folder);
  for (const std::string& file : damaged) {
    const std::string bytes = read_file(folder + "/" + file);
    desk().write(name + "/" + file, bytes.substr(0, bytes.size() / 2));
  }
  return folder;
}

BOOST_AUTO_TEST_CASE(damaged_images_among_good_ones_are_skipped_named_and_counted) {
  // With --calibration=2, images 0 and 3 are calibrated on.
  const Inputs inputs{.images = damaged_folder("some_damaged", {"1.jpg", "3.jpg", "4.png"})};
  const std::string json = desk().path("results/skipped.json");
  const ProcessResult result =
      desk().run(quantize_command(inputs, {"--calibration=2", "--json=" + json}));
  BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
  const auto lines = lines_without_progress(result.err);
  BOOST_TEST_REQUIRE(lines.size() == 3u, result.err);
  const char* const files[] = {"/1.jpg", "/3.jpg", "/4.png"};
  for (size_t i = 0; i < 3; ++i) {
    BOOST_TEST(lines[i].find(inputs.images + files[i]) != std::string::npos, lines[i]);
  }
  BOOST_TEST(result.out.find("3 skipped") != std::string::npos, result.out);
  const nlohmann::json figures = nlohmann::json::parse(read_file(json));
  BOOST_TEST(figures["skipped_images"] == 3);
  BOOST_TEST(figures["images"] == 2);
  BOOST_TEST(figures["calibration_images"] == 1);
}

BOOST_AUTO_TEST_CASE(only_damaged_images_are_refused) {
  const Arguments all = {"0.png", "1.jpg", "2.png", "3.jpg", "4.png", "5.jpg"};
  const std::string folder = damaged_folder("all_damaged", all);
  check_quantize_refuses({.images = folder}, {"image", "decoded"});
  // Images 0 and 3 alone: none is left to calibrate on.
  const std::string calibration = damaged_folder("calibration_damaged", {"0.png", "3.jpg"});
  check_quantize_refuses({.images = calibration}, {"2 calibration images"});
}

BOOST_AUTO_TEST_CASE(classify_refuses_what_is_no_whole_octet_file) {
  const std::string image = desk().path("images/0.png");
  const auto check = [&](const std::string& path) {
    check_refused({kClassify, "--model=" + path, image}, {path});
  };
  check(desk().path("none.octet"));
  check(desk().path("images"));
  check(image);
  check(desk().path("good.safetensors"));
  const std::string whole = read_file(octet_file());
  for (const size_t bytes :
       {size_t{0}, size_t{1}, size_t{64}, whole.size() / 2, whole.size() - 1}) {
    check(desk().write("truncated.octet", whole.substr(0, bytes)));
  }
  check(desk().write("longer.octet", whole + '\0'));
  for (const size_t place : {size_t{0}, size_t{9}, size_t{40}, size_t{70}, whole.size() / 3,
                             whole.size() / 2, whole.size() - 1}) {
    std::string flipped = whole;
    flipped[place] = static_cast<char>(flipped[place] ^ 16);
    check(desk().write("flipped.octet", flipped));
  }
}

BOOST_AUTO_TEST_CASE(the_first_result_of_a_process_is_that_of_every_process) {
  // Threads start, and the kernels' targets are looked up, during the first layer.
  const Arguments command = {kClassify, "--threads=2", "--model=" + octet_file(),
                             desk().path("images/0.png")};
  const std::string first = desk().run(command).out;
  for (int i = 0; i < 30; ++i) BOOST_TEST(desk().run(command).out == first);
}

BOOST_AUTO_TEST_CASE(outputs_that_would_replace_something_else_are_refused) {
  const std::string file = desk().path("twice");
  const auto refused = [](const Arguments& more, const std::string& named) {
    check_refused(quantize_command({}, more), {named});
  };
  refused({"--calibration=2", "--save=" + file, "--json=" + file}, file);
  refused({"--calibration=2", "--json=/dev/null"}, "/dev/null");
  refused({"--save=", "--calibration=2"}, "--save=");
  const std::string image = desk().path("images/1.jpg"), before = read_file(image);
  for (const char* option : {"--save=", "--save-float=", "--json="})
    refused({"--calibration=2", option + image}, image);
  BOOST_TEST(read_file(image) == before);
}

BOOST_AUTO_TEST_CASE(classify_names_a_damaged_image_and_goes_on) {
  const std::string folder = damaged_folder("one_damaged", {"1.jpg"});
  const std::string model = "--model=" + octet_file();
  const ProcessResult good = desk().run({kClassify, model, folder + "/0.png"});
  BOOST_TEST(good.exit_code == 0);
  BOOST_TEST(good.err == "");
  BOOST_TEST(std::count(good.out.begin(), good.out.end(), '\n') == 6);  // the name and five classes
  const Arguments both = {kClassify, model, folder + "/1.jpg", folder + "/0.png"};
  check_refused(both, {folder + "/1.jpg"});
  BOOST_TEST(desk().run(both).out == good.out);
}

}  // namespace
}  // namespace octet
