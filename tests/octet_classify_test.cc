// octet classify, run as its user does: images and folders of them, as text and as JSON.
#define BOOST_TEST_MODULE octet_classify
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/octet_desk.h"

namespace octet {
namespace {

using nlohmann::json;

// Images 0.png and 1.png and a file that is none; with `damaged`, 2.png is the half of one.
std::string folder_of_images(const std::string& name, bool damaged) {
  std::filesystem::create_directory(desk().path(name));
  desk().write_image(name + "/1.png");
  desk().write_image(name + "/0.png");
  desk().write(name + "/notes.txt", "no image");
  if (damaged) {
    const std::string whole = read_file(desk().path(name + "/0.png"));
    desk().write(name + "/2.png", whole.substr(0, whole.size() / 2));
  }
  return desk().path(name);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_folder_stands_for_its_images_in_order) {
  const std::string folder = folder_of_images("whole", false);
  const std::string one_by_one =
      desk().output_of({"classify", files().int8, folder + "/0.png", folder + "/1.png"});
  BOOST_TEST(one_by_one.starts_with(folder + "/0.png\n"), one_by_one);
  BOOST_TEST(desk().output_of({"classify", files().int8, folder}) == one_by_one);
  BOOST_TEST(desk().output_of({"classify", files().int8, folder + "/"}) == one_by_one);
}

BOOST_AUTO_TEST_CASE(json_has_what_the_text_says) {
  const std::string folder = folder_of_images("shown", false), file = desk().path("shown.json");
  const std::string text = desk().output_of({"classify", files().int8, folder, "--json=" + file});
  const json report = desk().json_of({"classify", files().int8, folder});
  BOOST_TEST(json::parse(read_file(file)) == report);
  BOOST_TEST(report["model"] == "resnet20");
  BOOST_TEST_REQUIRE(report["images"].size() == 2u);
  std::string said;
  for (const json& image : report["images"]) {
    said += image["file"].get<std::string>() + '\n';
    BOOST_TEST_REQUIRE(image["classes"].size() == 5u);
    double before = 1;
    for (const json& guess : image["classes"]) {
      const double score = guess["score"];
      BOOST_TEST(score <= before);
      before = score;
      char line[64];
      std::snprintf(line, sizeof line, "%8.2f %%  ", 100 * score);
      said += line + guess["name"].get<std::string>() + '\n';
    }
  }
  BOOST_TEST(said == text);
}

BOOST_AUTO_TEST_CASE(a_damaged_image_of_a_folder_is_named_in_both) {
  const std::string folder = folder_of_images("damaged", true);
  const ProcessResult result = desk().run({"classify", files().int8, folder, "--json"});
  BOOST_TEST(result.exit_code == 1);
  BOOST_TEST(result.err.find(folder + "/2.png") != std::string::npos, result.err);
  const json images = json::parse(result.out)["images"];
  BOOST_TEST_REQUIRE(images.size() == 3u);
  BOOST_TEST(images[2]["file"] == folder + "/2.png");
  BOOST_TEST(!images[2].contains("classes"));
  const std::string error = images[2]["error"];
  BOOST_TEST(result.err == "octet: " + error + '\n');
  BOOST_TEST(images[1].contains("classes"));
}

BOOST_AUTO_TEST_CASE(what_can_not_be_had_or_would_be_overwritten_is_refused) {
  check_refused({"classify", files().int8, desk().path("empty")},
                {desk().path("empty"), "in this folder"});
  const std::string image = desk().write_image("only.png");
  check_refused({"classify", files().int8, image, "--json=" + image}, {image, "is read"});
  check_refused({"classify", files().int8, image, "--json=" + files().int8},
                {files().int8, "is read"});
}

}  // namespace octet
