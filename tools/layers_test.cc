// Holds the table of layers in docs/design.md against the sources: who includes whom, where
// Highway and other third-party code may appear, and that what ships throws nothing.
//
// A new layer is a row of kLayers and a line of data in tools/BUILD.bazel.
#define BOOST_TEST_MODULE layers
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace octet {
namespace {

using Names = std::vector<std::string_view>;

struct Layer {
  std::string_view name;
  Names may_include;  // beside itself
  bool ships;         // no exceptions, no third-party code but Highway
};

const std::vector<Layer> kLayers = {
    {"base", {}, true},
    {"kernels", {"base"}, true},
    {"engine", {"kernels", "base"}, true},
    {"embed", {"engine", "kernels", "base"}, true},
    {"tensor", {"kernels", "base"}, false},
    {"nn", {"tensor", "engine", "kernels", "base"}, false},
    {"quant", {"nn", "tensor", "engine", "kernels", "base"}, false},
    {"zoo", {"quant", "nn", "tensor", "engine", "kernels", "base"}, false},
    {"tests",
     {"bench", "zoo", "quant", "nn", "tensor", "embed", "engine", "kernels", "base"},
     false},
    {"bench",
     {"tests", "zoo", "quant", "nn", "tensor", "embed", "engine", "kernels", "base"},
     false},
};

const Layer* find_layer(std::string_view name) {
  const auto found = std::find_if(kLayers.begin(), kLayers.end(),
                                  [&](const Layer& layer) { return layer.name == name; });
  return found == kLayers.end() ? nullptr : &*found;
}

bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Where the comment or literal that starts at `begin` ends; `begin` when none starts there.
size_t end_of_noise(std::string_view text, size_t begin) {
  const auto after = [&](std::string_view mark, size_t from) {
    const size_t found = text.find(mark, from);
    return found == text.npos ? text.size() : found + mark.size();
  };
  const std::string_view rest = text.substr(begin);
  if (rest.starts_with("//")) return std::min(text.find('\n', begin), text.size());
  if (rest.starts_with("/*")) return after("*/", begin + 2);
  const char quote = text[begin];
  const bool separator = quote == '\'' && begin > 0 && std::isalnum(text[begin - 1]);  // 1'000
  if ((quote != '"' && quote != '\'') || separator) return begin;
  size_t end = begin + 1;
  while (end < text.size() && text[end] != quote && text[end] != '\n')
    end += text[end] == '\\' ? 2 : 1;
  return std::min(end + 1, text.size());
}

// The source without comments and literals; lines of the preprocessor stay as they are.
std::string code_of(std::string_view text) {
  std::string code;
  bool line_is_empty = true;
  for (size_t i = 0; i < text.size();) {
    if (line_is_empty && text[i] == '#') {
      const size_t end = std::min(text.find('\n', i), text.size());
      code.append(text, i, end - i);
      i = end;
      continue;
    }
    const size_t end = end_of_noise(text, i);
    if (end > i) {
      code += ' ';
      i = end;
      continue;
    }
    line_is_empty = text[i] == '\n' || (line_is_empty && std::isspace(text[i]));
    code += text[i++];
  }
  return code;
}

// One source file: where it stands and what it may do.
struct Source {
  std::string path;  // "nn/conv2d.cc"
  const Layer* layer;
  bool is_test;   // tests, and headers for tests alone
  bool is_bench;  // benchmarks
};

Source source_at(const std::string& path) {
  const std::string stem = path.substr(0, path.rfind('.'));
  return {path, find_layer(path.substr(0, path.find('/'))),
          stem.ends_with("_test") || stem.ends_with("_testing") || path.starts_with("tests/"),
          stem.ends_with("_bench") || path.starts_with("bench/")};
}

// Why the file may not include that; empty when it may.
std::string objection(const Source& source, const std::string& included) {
  const std::string_view folder = std::string_view(included).substr(0, included.find('/'));
  const bool product = !source.is_test && !source.is_bench;
  if (product && included.ends_with("_testing.h")) return included + " is for tests";
  if (find_layer(folder) != nullptr && folder != source.layer->name) {
    const bool allowed = contains(source.layer->may_include, folder) ||
                         (source.is_bench && folder == "bench") ||
                         (source.is_test && folder == "tests");
    return allowed ? "" : std::string(source.layer->name) + " may not include " + included;
  }
  if (folder == "hwy") {
    const bool kernel = source.layer->name == "kernels" &&
                        (source.path.ends_with(".cc") || source.path.ends_with("-inl.h"));
    return kernel || !product ? "" : "Highway is for kernels/*.cc and kernels/*-inl.h";
  }
  static const Names kThirdParty = {"CLI",      "Eigen",       "benchmark", "boost",
                                    "nlohmann", "unsupported", "zlib.h"};
  static const Names kTestsOnly = {"Eigen", "benchmark", "boost", "unsupported"};
  const bool foreign = contains(kThirdParty, folder) || included.starts_with("stb_");
  if (product && contains(kTestsOnly, folder)) return included + " is for tests";
  if (product && foreign && source.layer->ships) return included + " in what ships";
  return "";
}

// Everything in the file that breaks a rule, one sentence each.
std::vector<std::string> violations(const std::string& path, const std::string& text) {
  static const std::regex kInclude(R"(#\s*include\s*["<]([^">]+)[">])");
  static const std::regex kExceptions(R"(\b(throw|try|catch)\b)");
  const Source source = source_at(path);
  const std::string code = code_of(text);
  std::vector<std::string> found;
  for (std::sregex_iterator i(code.begin(), code.end(), kInclude), end; i != end; ++i) {
    const std::string why = objection(source, (*i)[1]);
    if (!why.empty()) found.push_back(path + ": " + why);
  }
  std::smatch match;
  if (source.layer->ships && !source.is_test && !source.is_bench && path != "base/error.h" &&
      std::regex_search(code, match, kExceptions)) {
    found.push_back(path + ": " + match.str() + " in what is built without exceptions");
  }
  return found;
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void check_one(const std::string& path, const std::string& text, const std::string& expected) {
  const std::vector<std::string> found = violations(path, text);
  const std::string got = found.empty() ? "" : found[0];
  BOOST_TEST(got == (expected.empty() ? "" : path + ": " + expected));
  BOOST_TEST(found.size() <= 1u);
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_source_keeps_to_its_layer) {
  for (const Layer& layer : kLayers) {
    if (!std::filesystem::exists(layer.name)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(layer.name)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cc" && extension != ".c") continue;
      // Programs of those who use the library.
      if (entry.path().generic_string().starts_with("embed/examples/")) continue;
      for (const std::string& why : violations(entry.path().generic_string(), read(entry.path())))
        BOOST_ERROR(why);
    }
  }
}

BOOST_AUTO_TEST_CASE(sees_the_sources_of_the_layers) {
  for (const char* path :
       {"base/shape.h", "kernels/conv_u8s8.cc", "engine/instructions/conv2d.cc", "tensor/tensor.h",
        "nn/conv2d.cc", "quant/observers/observer.h", "zoo/mobilenet_v2.cc"}) {
    BOOST_TEST(!read(path).empty(), path);
  }
}

BOOST_AUTO_TEST_CASE(an_include_of_a_higher_layer_is_found) {
  check_one("engine/model.cc", "#include \"tensor/tensor.h\"\n",
            "engine may not include tensor/tensor.h");
  check_one("engine/instructions/add_test.cc", "#include \"nn/add.h\"\n",
            "engine may not include nn/add.h");
  check_one("base/shape.h", "#  include <kernels/target.h>\n",
            "base may not include kernels/target.h");
  check_one("zoo/image.h", "#include \"tests/x.h\"\n", "zoo may not include tests/x.h");
  check_one("kernels/add_u8.cc", "#include \"bench/peak.h\"\n",
            "kernels may not include bench/peak.h");
  check_one("quant/convert.cc", "#include \"nn/nn_testing.h\"\n", "nn/nn_testing.h is for tests");
}

BOOST_AUTO_TEST_CASE(an_include_of_a_lower_layer_is_fine) {
  check_one("nn/conv2d.cc", "#include \"kernels/conv_f32.h\"\n#include \"nn/op.h\"\n", "");
  check_one("tensor/pth_test.cc", "#include \"tests/data.h\"\n", "");
  check_one("kernels/add_u8_bench.cc", "#include \"bench/peak.h\"\n", "");
  check_one("tests/end_to_end_test.cc", "#include \"zoo/image.h\"\n", "");
  check_one("base/shape.h", "// #include \"nn/op.h\"\n/* #include \"nn/op.h\" */\n", "");
}

BOOST_AUTO_TEST_CASE(third_party_code_stays_where_it_belongs) {
  check_one("kernels/add_u8.h", "#include \"hwy/highway.h\"\n",
            "Highway is for kernels/*.cc and kernels/*-inl.h");
  check_one("engine/model.cc", "#include <hwy/highway.h>\n",
            "Highway is for kernels/*.cc and kernels/*-inl.h");
  check_one("kernels/add_u8.cc", "#include \"hwy/highway.h\"\n", "");
  check_one("engine/format_reader.cc", "#include <zlib.h>\n", "zlib.h in what ships");
  check_one("base/rng.h", "#include <stb_image.h>\n", "stb_image.h in what ships");
  check_one("tensor/zip.cc", "#include <zlib.h>\n", "");
  check_one("nn/linear.cc", "#include <Eigen/Dense>\n", "Eigen/Dense is for tests");
  check_one("kernels/conv_f32_test.cc", "#include <Eigen/Dense>\n", "");
}

BOOST_AUTO_TEST_CASE(exceptions_are_found_in_what_ships) {
  check_one("engine/model.cc", "void f() { throw 1; }\n",
            "throw in what is built without exceptions");
  check_one("kernels/target.cc", "void f() { try { } }\n",
            "try in what is built without exceptions");
  check_one("engine/model.cc", "// try again\nconst char* s = \"catch\"; int retry = 1'0;\n", "");
  check_one("engine/model.cc", "const char* s = \"\\\"\"; void f() { throw '\\''; }\n",
            "throw in what is built without exceptions");
  check_one("nn/module.cc", "void f() { throw 1; }\n", "");
  check_one("engine/model_test.cc", "void f() { throw 1; }\n", "");
}

}  // namespace octet
