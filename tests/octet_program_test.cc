// octet, run as its user does: a small ResNet goes from weights to files that every command reads.
#define BOOST_TEST_MODULE octet_program
#include <signal.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "embed/octet.h"
#include "engine/format.h"
#include "tests/octet_desk.h"
#include "zoo/table.h"

namespace octet {

namespace fs = std::filesystem;
using nlohmann::json;

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

// A line of the page's table of layers has these times, and says nothing of others.
void check_times_of_choice(const std::string& page, const json& report) {
  const std::string basis = report["prefer_speed"]["basis"];
  BOOST_TEST(page.find("chose by, " + basis + ", batch 1") != std::string::npos, basis);
  BOOST_TEST(page.find("fastest, batch 1") == std::string::npos);
  size_t timed = 0;
  for (const json& layer : report["layers"]) {
    if (!layer.contains("float_us")) continue;
    const std::string name = layer["name"];
    const size_t at = page.find("<td>" + name + "</td>");
    BOOST_TEST_REQUIRE(at != std::string::npos, name);
    const std::string line = page.substr(at, page.find("</tr>", at) - at);
    const std::string times = "<td>" + zoo::fixed(layer["float_us"].get<double>(), 1) +
                              "</td><td>" + zoo::fixed(layer["int8_us"].get<double>(), 1) + "</td>";
    BOOST_TEST(line.find(times) != std::string::npos, line << " has not " << times);
    ++timed;
  }
  BOOST_TEST(timed > 0u);
}

// By the estimates of a target the file is the same whenever it is made.
BOOST_AUTO_TEST_CASE(layers_that_are_faster_in_float_stay_so_where_that_is_preferred) {
  const std::string target =
      json::parse(desk().output_of({"bench", files().int8, "--runs=1", "--json"}))["target"];
  const std::string name = target.substr(0, target.find(','));
  const auto run = [](const std::string& times, const std::string& file) {
    const std::string figures = desk().path("speed.json"), page = desk().path("speed.html");
    const ProcessResult result =
        desk().run(desk().quantize({"--prefer-speed=" + times, "--json=" + figures,
                                    "--report=" + page, "--save=" + desk().path(file)}));
    BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);  // which layers it keeps depends
    const json report = json::parse(read_file(figures));
    const json& speed = report["prefer_speed"];
    size_t kept = 0;
    for (const json& layer : report["layers"]) {
      const std::string note = layer["note"];
      kept += note == "faster in float, " + speed["basis"].get<std::string>();
      if (layer["op"] == "conv2d") BOOST_TEST(layer["float_us"].get<double>() > 0);
    }
    check_times_of_choice(read_file(page), report);
    BOOST_TEST(speed["layers_in_float"] == kept);
    BOOST_TEST(speed["ms"].get<double>() <= speed["ms_before"].get<double>());
    BOOST_TEST(result.out.find("faster in float") != std::string::npos, result.out);
    return speed;
  };
  BOOST_TEST(run(name, "a.octet")["basis"] == "estimated for " + name);
  run(name, "b.octet");
  BOOST_TEST(read_file(desk().path("a.octet")) == read_file(desk().path("b.octet")));
  BOOST_TEST(
      run("measured", "c.octet")["basis"].get<std::string>().starts_with("measured on " + name));
}

BOOST_AUTO_TEST_CASE(a_file_is_shown_by_its_own_name_and_scales) {
  const std::string coarse = desk().path("coarse.octet"), figures = desk().path("file.json");
  desk().output_of(desk().quantize({"--qconfig=qnnpack", "--save=" + coarse}));
  const struct {
    std::string file;
    const char* scales;
  } cases[] = {{files().int8, "per channel"}, {coarse, "per tensor"}};
  for (const auto& [file, scales] : cases) {
    const Arguments command = {"quantize", "--workflow=pretrained", "--load=" + file,
                               "--data=cifar10", desk().data_folder()};
    const auto run = [&](const Arguments& more) {
      Arguments arguments = command;
      arguments.insert(arguments.end(), more.begin(), more.end());
      return desk().run(arguments);
    };
    const ProcessResult alone = run({"--json=" + figures});
    BOOST_TEST_REQUIRE(alone.exit_code == 0, alone.err);
    BOOST_TEST(lines_without_progress(alone.err).empty(), alone.err);
    BOOST_TEST(alone.out.find("qconfig") == std::string::npos, alone.out);
    BOOST_TEST(alone.out.find(std::string(scales) + ", of int8 file") != std::string::npos,
               alone.out);
    const json report = json::parse(read_file(figures));
    BOOST_TEST(report["model"] == "resnet20");
    BOOST_TEST(report["qconfig"].is_null());
    BOOST_TEST(report["workflows"][0]["weight_scales"] == scales);

    const ProcessResult misnamed = run({"--model=resnet56"});
    BOOST_TEST(misnamed.out.find("resnet20 ") != std::string::npos, misnamed.out);
    const std::vector<std::string> said = lines_without_progress(misnamed.err);
    BOOST_TEST_REQUIRE(said.size() == 1u, misnamed.err);
    for (const std::string& name : {file, std::string("'resnet20', not resnet56")})
      BOOST_TEST(said[0].find(name) != std::string::npos, said[0]);
  }
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
  const Arguments own = {"--resize=40", "--crop=32", "--std=0.25,0.5,1"};
  const auto run = [&](const std::string& command, Arguments more) {
    more.insert(more.end(), own.begin(), own.end());
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
  BOOST_TEST(trained["preprocess.crop"] == "32");
  BOOST_TEST(trained["preprocess.mean"] == "0.5,0.5,0.5");  // the model's own
  BOOST_TEST(trained["preprocess.std"] == "0.25,0.5,1");
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
