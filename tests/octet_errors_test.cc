// octet's answer to bad input: exit code 1, and one line that names it.
#define BOOST_TEST_MODULE octet_errors
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>

#include "base/buffer.h"
#include "engine/format.h"
#include "tests/octet_desk.h"

namespace octet {

namespace fs = std::filesystem;
using nlohmann::json;

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
  check_refused(desk().quantize({"--workflow=dynamic", "--prefer-speed=measured"}),
                {"--prefer-speed", "static"});
  check_refused({"quantize", "--model=resnet18", "--workflow=dynamic", "--qconfig=x86"},
                {"--qconfig", "static and qat"});
  check_refused(desk().quantize({"--prefer-speed=Z80"}), {"Z80", "this machine has"});
  check_refused(desk().quantize({"--keep-float=layer9"}), {"layer9", "linear"});
  check_refused(desk().quantize({"--min-sqnr=199"}), {"199"});
  check_refused({"quantize", "--model=resnet18", "--workflow=dynamic", "--calibration=4"},
                {"--calibration", "dynamic"});
  check_refused({"train", "--model=resnet21"}, {"resnet21"});
  check_refused({"train", "--warmup=nan"}, {"--warmup", "nan"});
  for (const std::string option : {"--qconfig=x86", "--weight-bits=4", "--learn-scales",
                                   "--freeze-bn=0.5", "--freeze-observers=0.5"})
    check_refused({"train", option}, {option.substr(0, option.find('=')), "--qat"});
  check_refused({"train", "--erase=1.5"}, {"--erase", "1.5"});
  check_refused({"train", "--erase=0.5", "--no-augment"}, {"--erase", "--no-augment"});
  check_refused({"train", "--resume"}, {"--resume", "--out"});
  check_refused({"train", "--seed=1e3"}, {"--seed", "1e3"});
  check_refused(desk().quantize({"--crop=28"}), {"--crop", "folder of images"});
  check_refused(desk().quantize({"--crop=33"}), {"--crop=33", "32", "--resize"});
  check_refused(desk().quantize({"--mean=0.5,0.5"}), {"--mean", "2 values"});
  check_refused({"train", "--std=0,1,1"}, {"--std", "0"});
  check_refused({"quantize", "--resize=64"}, {"--resize", "--weights"});
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

}  // namespace octet
