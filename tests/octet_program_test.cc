// octet, run as its user does: a small ResNet goes from weights to files that every command reads;
// bad input gets exit code 1 and one line that names it.
#define BOOST_TEST_MODULE octet_program
#include <signal.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <thread>

#include "base/buffer.h"
#include "base/temp_folder_testing.h"
#include "embed/octet.h"
#include "engine/format.h"
#include "nn/module.h"
#include "tensor/state_dict.h"
#include "tests/generated_images.h"
#include "tests/process_testing.h"
#include "zoo/png_testing.h"
#include "zoo/random_model.h"

namespace octet {
namespace {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;
using nlohmann::json;

// Tests run in the workspace's root.
constexpr const char* kOctet = "zoo/octet";
constexpr size_t kTestImages = 20;

// Records of CIFAR-10 (zoo/cifar10.h).
std::string cifar_records(size_t count, uint64_t seed) {
  Rng rng(seed);
  std::string bytes;
  for (size_t i = 0; i < count; ++i) {
    bytes += static_cast<char>(rng.below(10));
    for (int p = 0; p < 3072; ++p) bytes += static_cast<char>(rng.below(256));
  }
  return bytes;
}

// What a user has: weights of a ResNet-20, and CIFAR-10.
class Desk {
 public:
  Desk() {
    for (const char* name : {"cifar", "scratch", "empty"}) fs::create_directory(path(name));
    folder_.write("cifar/data_batch_1.bin", cifar_records(12, 1));
    folder_.write("cifar/test_batch.bin", cifar_records(kTestImages, 2));
    SingleThread pool;
    const GeneratedImages images(8, 32);
    const auto model =
        zoo::create_random_model("resnet20", 1, images, zoo::spread_indices(8, 8), pool);
    save_safetensors(model->state_dict(), path("w.safetensors"));
  }

  std::string path(const std::string& name) const { return folder_.path(name); }
  std::string write(const std::string& name, const std::string& bytes) const {
    return folder_.write(name, bytes);
  }
  // A grey PNG of CIFAR's size.
  std::string write_image(const std::string& name) const {
    const zoo::Bytes png = zoo::make_png(32, 32, 0, zoo::Bytes(32 * 32, 128));
    return write(name, {png.begin(), png.end()});
  }
  std::string data_folder() const { return "--data-folder=" + path("cifar"); }

  ProcessResult run(Arguments arguments) const {
    arguments.insert(arguments.begin(), kOctet);
    return run_process(arguments, path("scratch"));
  }

  // The standard output of a run that went well.
  std::string output_of(const Arguments& arguments) const {
    const ProcessResult result = run(arguments);
    BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
    BOOST_TEST(lines_without_progress(result.err).empty(), result.err);
    return result.out;
  }
  json json_of(Arguments arguments) const {
    arguments.push_back("--json");
    return json::parse(output_of(arguments));
  }

  Arguments quantize(const Arguments& more, const std::string& model = "resnet20") const {
    Arguments arguments = {"quantize",       "--model=" + model,
                           "--data=cifar10", data_folder(),
                           "--threads=2",    "--weights=" + path("w.safetensors"),
                           "--calibration=8"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

 private:
  TempFolder folder_;
};

const Desk& desk() {
  static Desk only;
  return only;
}

struct Files {
  std::string int8 = desk().path("int8.octet"), real = desk().path("float.octet");
  json figures;
};

// What quantize makes of the weights.
const Files& files() {
  static const Files only = [] {
    Files made;
    const std::string figures = desk().path("figures.json");
    desk().output_of(
        desk().quantize({"--save=" + made.int8, "--save-float=" + made.real, "--json=" + figures}));
    made.figures = json::parse(read_file(figures));
    return made;
  }();
  return only;
}

void check_refused(const Arguments& arguments, const Arguments& named) {
  const ProcessResult result = desk().run(arguments);
  BOOST_TEST_CONTEXT("octet " << arguments[0]) {
    BOOST_TEST(result.exit_code == 1);
    const auto lines = lines_without_progress(result.err);
    BOOST_TEST_REQUIRE(lines.size() == 1u, "not one line: " << result.err);
    BOOST_TEST(lines[0].starts_with("octet: "), lines[0]);
    for (const std::string& name : named)
      BOOST_TEST(lines[0].find(name) != std::string::npos, lines[0] << "\ndoes not name " << name);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_program_and_every_command_explain_themselves) {
  const std::string help = desk().output_of({});
  BOOST_TEST(desk().output_of({"--help"}) == help);
  for (const std::string command :
       {"train", "quantize", "eval", "bench", "classify", "inspect", "compare"}) {
    BOOST_TEST(help.find("  " + command) != std::string::npos, help);
    const std::string own = desk().output_of({command, "--help"});
    BOOST_TEST(own.find("Usage: octet " + command) != std::string::npos, own);
  }
}

BOOST_AUTO_TEST_CASE(it_says_its_version_that_of_files_and_the_instruction_set) {
  const std::string target = desk().json_of({"bench", files().int8, "--runs=1"})["target"];
  BOOST_TEST(desk().output_of({"--version"}) == "octet " OCTET_VERSION ", file format " +
                                                    std::to_string(engine::kFormatVersion) + ", " +
                                                    target.substr(0, target.find(',')) + "\n");
}

BOOST_AUTO_TEST_CASE(quantize_evaluates_the_test_images_of_a_data_set) {
  BOOST_TEST(files().figures["model"] == "resnet20");
  BOOST_TEST(files().figures["images"] == kTestImages);
  BOOST_TEST(files().figures["calibration_images"] == 8);
}

BOOST_AUTO_TEST_CASE(the_report_shows_every_layer_and_what_was_kept_in_float) {
  const std::string page = desk().path("report.html"), figures = desk().path("mixed.json");
  const ProcessResult result = desk().run(desk().quantize(
      {"--report=" + page, "--json=" + figures, "--keep-float=layer1,conv1", "--min-sqnr=40"}));
  BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
  const json mixed = json::parse(read_file(figures));
  BOOST_TEST(mixed["logits_sqnr_db"].get<double>() >
             files().figures["logits_sqnr_db"].get<double>());
  const std::string html = read_file(page);
  BOOST_TEST(html.starts_with("<!doctype html>"));
  BOOST_TEST(html.find("http") == std::string::npos);
  size_t measured = 0;
  for (const json& layer : mixed["layers"]) {
    const std::string name = layer["name"];
    BOOST_TEST(html.find("<td>" + name + "</td>") != std::string::npos, name);
    if (name.starts_with("layer1.") || name == "conv1") {
      BOOST_TEST(layer["quantized"] == false, name);
      BOOST_TEST(layer["note"] == "no qconfig", name);
    } else {
      measured += layer.contains("sqnr_alone_db");
    }
  }
  // Those of layer2 and layer3: six blocks of two convolutions and an addition, two shortcuts of
  // another size, and the classifier.
  BOOST_TEST(measured >= 6u * 3 + 1);
  BOOST_TEST(html.find("kept in float") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(train_and_quantize_prepare_a_folders_pictures_alike) {
  for (const char* folder : {"train", "val"})
    for (const char* image : {"a/1.png", "b/2.png"}) {
      const std::string name = std::string("classes/") + folder + "/" + image;
      fs::create_directories(fs::path(desk().path(name)).parent_path());
      desk().write_image(name);
    }
  const Arguments both = {"--model=mobilenet_v1", "--width=0.1", "--data=" + desk().path("classes"),
                          "--threads=2"};
  const auto run = [&](const std::string& command, const Arguments& more) {
    Arguments arguments = {command};
    arguments.insert(arguments.end(), both.begin(), both.end());
    arguments.insert(arguments.end(), more.begin(), more.end());
    desk().output_of(arguments);
  };
  run("train", {"--batch=2", "--epochs=1", "--out=" + desk().path("v1")});
  run("quantize", {"--weights=" + desk().path("v1/weights.safetensors"), "--calibration=1",
                   "--save=" + desk().path("v1/int8.octet")});
  const json trained = desk().json_of({"inspect", desk().path("v1/model.octet")})["metadata"];
  const json quantized = desk().json_of({"inspect", desk().path("v1/int8.octet")})["metadata"];
  BOOST_TEST(trained["preprocess.mean"] == "0.5,0.5,0.5");
  for (const auto& [key, text] : quantized.items())
    if (key.starts_with("preprocess.")) BOOST_TEST(trained[key] == text, key);
}

BOOST_AUTO_TEST_CASE(eval_of_the_saved_files_finds_what_quantize_found) {
  const auto eval = [](const std::string& file, const Arguments& more) {
    Arguments arguments = {"eval", file, "--data=cifar10", desk().data_folder()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return desk().json_of(arguments);
  };
  const json int8 = eval(files().int8, {}), real = eval(files().real, {"--threads=1"});
  BOOST_TEST(int8["hash"] == files().figures["hash"]);
  BOOST_TEST(int8["top1"] == files().figures["int8"]["top1"]);
  BOOST_TEST(int8["images"] == kTestImages);
  BOOST_TEST(real["top1"] == files().figures["float"]["top1"]);
  BOOST_TEST(real["top5"] == files().figures["float"]["top5"]);
  BOOST_TEST(eval(files().int8, {"--count=5"})["images"] == 5);
}

BOOST_AUTO_TEST_CASE(inspect_lists_the_layers_as_text_and_as_json) {
  const json facts = desk().json_of({"inspect", files().int8});
  BOOST_TEST(facts["file_bytes"] == fs::file_size(files().int8));
  BOOST_TEST(facts["metadata"]["model"] == "resnet20");
  // 20 layers with weights: the first convolution, six of stage one, in each further stage one of
  // half the work and five of the same, and the classifier.
  constexpr int64_t kConv = 32 * 32 * 16 * 9 * 16;
  constexpr int64_t kMacs = 32 * 32 * 16 * 9 * 3 + 6 * kConv + 2 * (kConv / 2 + 5 * kConv) + 640;
  size_t weighted = 0;
  for (const json& layer : facts["layers"]) weighted += layer.contains("weight_bits");
  BOOST_TEST(weighted == 20u);
  BOOST_TEST(facts["macs"] == kMacs);
  const std::string text = desk().output_of({"inspect", files().int8});
  BOOST_TEST(text.find("layer3.2.conv2") != std::string::npos, text);
  const std::string file = desk().path("inspect.json");
  BOOST_TEST(desk().output_of({"inspect", files().int8, "--json=" + file}) == text);
  BOOST_TEST(json::parse(read_file(file)) == facts);
}

BOOST_AUTO_TEST_CASE(bench_of_a_seeded_model_knows_the_hash_of_every_machine) {
  const json known = desk().json_of({"bench", "--model=resnet20", "--runs=1", "--threads=2"});
  BOOST_TEST(known["hash"] == known["golden_hash"]);
  const json other = desk().json_of({"bench", "--model=resnet20", "--runs=1", "--seed=2"});
  BOOST_TEST(other["hash"] != known["hash"]);
  BOOST_TEST(!other.contains("golden_hash"));
}

BOOST_AUTO_TEST_CASE(bench_gives_one_hash_for_any_number_of_threads) {
  const auto bench = [](const Arguments& more) {
    Arguments arguments = {"bench", files().int8, "--runs=3"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return desk().json_of(arguments);
  };
  const json one = bench({"--threads=1"});
  BOOST_TEST(one["hash_is_portable"] == true);
  BOOST_TEST(one["runs"] == 3);
  BOOST_TEST(bench({"--threads=2"})["hash"] == one["hash"]);
  BOOST_TEST(bench({"--seed=2"})["hash"] != one["hash"]);
}

BOOST_AUTO_TEST_CASE(compare_tells_identical_from_float) {
  const json same = desk().json_of({"compare", files().int8, files().int8, "--count=2"});
  BOOST_TEST(same["identical"] == true);
  BOOST_TEST(same["same_program"] == true);
  const json unlike = desk().json_of({"compare", files().real, files().int8, "--count=2"});
  BOOST_TEST(unlike["identical"] == false);
  BOOST_TEST(unlike["inputs"] == 2);
  BOOST_TEST(unlike["only_a"].empty());
  BOOST_TEST(unlike["only_b"] == json({"quantize 'input'", "dequantize 'linear'"}));
  for (const json& layer : unlike["layers"])
    BOOST_TEST(layer["max_abs_difference"] > 0, layer["name"]);
  const std::string text = desk().output_of({"compare", files().real, files().int8});
  BOOST_TEST(text.find("worst 1") != std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(a_model_that_gives_no_numbers_is_never_right_and_never_identical) {
  auto program = engine::load_program(files().real);
  BOOST_TEST_REQUIRE(bool(program), program.why());
  AlignedBuffer bias(10 * sizeof(float));
  std::fill_n(bias.as<float>(), 10, std::numeric_limits<float>::quiet_NaN());
  for (engine::Value& value : program->values)
    if (value.name == "linear.bias") value.data = std::as_bytes(std::span(bias.as<float>(), 10));
  const std::string file = desk().path("nan.octet");
  const auto saved = engine::save(*program, file);
  BOOST_TEST_REQUIRE(bool(saved), saved.why());
  check_refused({"eval", file, "--data=cifar10", desk().data_folder()},
                {"image 0", "nan", "class 0"});
  const std::string image = desk().write_image("nan.png");
  check_refused({"classify", file, image}, {image, "nan", "class 0"});
  const json compared = desk().json_of({"compare", files().real, file, "--count=2"});
  BOOST_TEST(compared["identical"] == false);
  for (const json& layer : compared["layers"])
    BOOST_TEST(layer["non_finite"] == (layer["name"] == "linear" ? 20 : 0), layer["name"]);
}

BOOST_AUTO_TEST_CASE(files_that_are_no_models_are_named_by_every_command) {
  const std::string whole = read_file(files().int8);
  const std::string none = desk().path("none.octet"), folder = desk().path("empty");
  const std::string cut = desk().write("cut.octet", whole.substr(0, whole.size() / 2));
  for (const std::string& file : {none, folder, cut, desk().path("w.safetensors")}) {
    check_refused({"eval", file, "--data=cifar10", desk().data_folder()}, {file});
    check_refused({"bench", file}, {file});
    check_refused({"classify", file, "a.png"}, {file});
    check_refused({"inspect", file}, {file});
    check_refused({"compare", files().int8, file}, {file});
    check_refused({"compare", file, files().int8}, {file});
  }
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense_are_named) {
  const std::string file = files().int8, empty = desk().path("empty");
  check_refused({"frobnicate"}, {"frobnicate", "inspect"});
  check_refused({"--fast"}, {"--fast"});
  check_refused({"inspect"}, {"file"});
  check_refused({"inspect", file, "--jsom"}, {"--jsom"});
  check_refused({"inspect", file, "--json=" + empty}, {empty});
  for (const std::string command : {"inspect", "bench", "eval"})
    check_refused({command, file, "--json=" + file}, {file, "is read"});
  check_refused({"compare", file, file, "--json=" + file}, {file, "is read"});
  const std::string records = desk().path("cifar/test_batch.bin"), bytes = read_file(records);
  check_refused({"eval", file, "--data=cifar10", desk().data_folder(), "--json=" + records},
                {records, "is read"});
  check_refused(desk().quantize({"--save=" + records}), {records, "is read"});
  const std::string image = desk().write_image("cifar/a.png");
  check_refused({"compare", file, file, "--images=" + desk().path("cifar"), "--json=" + image},
                {image, "is read"});
  fs::remove(image);
  BOOST_TEST(read_file(records) == bytes);
  check_refused({"bench", file, "--runs=0"}, {"--runs"});
  check_refused({"bench"}, {"--model"});
  check_refused({"bench", file, "--model=resnet20"}, {"--model"});
  check_refused({"bench", "--model=resnet21"}, {"resnet21"});
  check_refused({"bench", file, "--threads=many"}, {"many"});
  check_refused({"bench", file, "--seed=-1"}, {"--seed", "-1"});
  check_refused({"bench", file, "--target=Z80"}, {"Z80"});
  check_refused({"eval", file}, {"--images", "--data"});
  check_refused({"eval", file, "--images=" + empty}, {"--labels"});
  check_refused({"eval", file, "--data=cifar11"}, {"cifar11"});
  check_refused({"eval", file, "--data=cifar10"}, {"cifar10", "folder"});
  check_refused({"eval", file, "--data=cifar10", "--data-folder=" + empty}, {empty});
  check_refused({"eval", file, "--data=cifar10", desk().data_folder(), "--count=21"},
                {"--count=21", "20"});
  check_refused({"eval", file, "--data=cifar10", desk().data_folder(), "--count=0"},
                {"--count", "1 to 1000000000"});
  check_refused({"compare", file, file, "--images=" + empty}, {empty});
  check_refused({"compare", file}, {"b"});
  check_refused({"quantize", "--model=resnet21"}, {"resnet21"});
  check_refused({"quantize", "--weights=w.pth"}, {"--weights", "--data"});
  check_refused({"quantize", "--data=cifar10"}, {"--weights"});
  check_refused({"quantize", "--model=resnet18", "--workflow=qat"}, {"qat", "--weights"});
  check_refused(desk().quantize({"--width=0.5"}), {"width", "0.5"});
  check_refused(desk().quantize({}, "resnet32"), {"w.safetensors", "layer1.3", "fits resnet20"});
  check_refused(desk().quantize({"--epochs=3"}), {"--epochs", "--workflow=qat"});
  check_refused(desk().quantize({"--workflow=qat", "--lr=nan"}), {"--lr", "nan", "0 to 100"});
  check_refused(desk().quantize({"--workflow=dynamic", "--min-sqnr=20"}), {"--min-sqnr", "static"});
  check_refused(desk().quantize({"--keep-float=layer9"}), {"layer9", "linear"});
  check_refused(desk().quantize({"--min-sqnr=199"}), {"199"});
  check_refused({"quantize", "--model=resnet18", "--workflow=dynamic", "--calibration=4"},
                {"--calibration", "dynamic"});
  check_refused({"train", "--model=resnet21"}, {"resnet21"});
  check_refused({"train", "--warmup=nan"}, {"--warmup", "nan"});
  for (const std::string option : {"--qconfig=x86", "--weight-bits=4", "--learn-scales",
                                   "--freeze-bn=0.5", "--freeze-observers=0.5"})
    check_refused({"train", option}, {option.substr(0, option.find('=')), "--qat"});
  check_refused({"train", "--resume"}, {"--resume", "--out"});
  check_refused({"train", "--seed=1e3"}, {"--seed", "1e3"});
  check_refused(desk().quantize({"--calibration-list=a.txt"}), {"--calibration-list"});
  check_refused(desk().quantize({"--save=" + desk().path("x"), "--save-float=" + desk().path("x")}),
                {"--save", "--save-float"});
}

BOOST_AUTO_TEST_CASE(messages_hold_no_control_characters_of_a_file) {
  const std::string labels = desk().write("raw.csv", "a.png\x1b[31m\n");
  check_refused({"eval", files().int8, "--images=" + desk().path("empty"), "--labels=" + labels},
                {labels + ":1", "'a.png?[31m'"});
}

BOOST_AUTO_TEST_CASE(labels_beyond_the_models_classes_are_refused) {
  const std::string labels = desk().write("labels.csv", "a.png,10\n");
  check_refused({"eval", files().int8, "--images=" + desk().path("empty"), "--labels=" + labels},
                {labels, "10"});
}

BOOST_AUTO_TEST_CASE(ctrl_c_ends_a_measurement) {
  Arguments command = {kOctet, "bench", files().int8, "--runs=20000", "--threads=1"};
  const std::string scratch = desk().path("scratch");
  const pid_t process = start_process(command, scratch);
  // It says how far it is after a tenth of the way.
  while (read_file(scratch + "/stderr").empty())
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  kill(process, SIGINT);
  const ProcessResult result = wait_for_process(process, scratch);
  BOOST_TEST(result.exit_code == 130);
  BOOST_TEST(result.out.empty());
  BOOST_TEST(result.err.find("octet: interrupted") != std::string::npos, result.err);
}

}  // namespace octet
