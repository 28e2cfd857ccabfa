// .octet files. What is accepted has to run, unless it is large, and must be fit for everything
// else that is done with a model: written again, cut, inspected, given to the C API.
#include <cstddef>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "base/buffer.h"
#include "embed/octet.h"
#include "engine/compose.h"
#include "engine/engine_testing.h"
#include "engine/format.h"
#include "engine/format_testing.h"
#include "engine/integer_io.h"
#include "engine/model.h"
#include "tests/fuzz/programs.h"
#include "tests/fuzz/readers.h"
#include "zoo/commands/inspection.h"
#include "zoo/image_model.h"

namespace octet::fuzz {
namespace {

using engine::Model;
using engine::Program;
using engine::testing::FileBytes;

// A claim that does not hold: a bug.
void demand(bool holds, const std::string& claim) {
  if (!holds) throw std::logic_error(claim);
}

// Padded to a multiple of 64, with its size and checksum right: they would keep nearly all damage
// from the code that is to see it.
std::shared_ptr<AlignedBuffer> mended(Bytes bytes) {
  const uint64_t size = align_up(bytes.size());
  auto file = std::make_shared<AlignedBuffer>(size);
  if (bytes.empty()) return file;
  std::memcpy(file->data(), bytes.data(), bytes.size());
  if (size < sizeof(engine::FileHeader)) return file;
  std::memcpy(file->data() + offsetof(engine::FileHeader, file_bytes), &size, sizeof size);
  engine::testing::mend_checksum({file->data(), size});
  return file;
}

bool is_small(const Model& model) {
  constexpr size_t kMostBytes = size_t{1} << 22, kMostMacs = size_t{1} << 22;
  const auto bytes = engine::Session::memory_bytes(model);
  if (!bytes || *bytes > kMostBytes) return false;
  size_t macs = 0;
  for (size_t i = 0; i < model.program().instructions.size(); ++i) {
    // One sum could go beyond 64 bits.
    if (model.kernel(i).macs() > kMostMacs) return false;
    macs += model.kernel(i).macs();
  }
  return macs <= kMostMacs;
}

void inspect(const std::shared_ptr<const Model>& model) {
  zoo::ModelFacts facts;
  facts.metadata = model->program().metadata;
  facts.layers = zoo::layers_of(*model);
  zoo::to_text(facts);
  zoo::to_json(facts).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  check_reason(refusal_of([&] { zoo::as_image_model(model, "fuzz"); }));
}

void make_others(const Program& program) {
  const auto written = engine::serialize(program);
  demand(static_cast<bool>(written), "what was read can't be written: " + written.why());
  const auto check = [](Program made, const char* how) {
    const auto model = Model::create(std::move(made));
    demand(static_cast<bool>(model), std::string(how) + ": " + model.why());
  };
  check(engine::with_state(program), "with_state");
  const engine::Value& middle = program.values[program.values.size() / 2];
  auto part = engine::cut(program, middle.name);
  if (part) check(std::move(*part), "cut");
}

std::string use(Result<Program> program, bool integer_io) {
  if (!program) return program.why();
  if (integer_io) engine::use_integer_io(*program);
  const auto model = Model::create(std::move(*program));
  if (!model) return model.why();
  make_others((*model)->program());
  if (is_small(**model)) {
    const auto session = engine::Session::create(*model);
    demand(static_cast<bool>(session), session.why());
    (*session)->run();
  }
  inspect(*model);
  return {};
}

Seeds files_of(const std::vector<Program>& programs) {
  Seeds files;
  for (const Program& program : programs) {
    const auto file = engine::serialize(program);
    demand(static_cast<bool>(file), file.why());
    files.emplace_back(reinterpret_cast<const char*>(file->data()), file->size());
  }
  return files;
}

// The C API.

struct Reader {
  const AlignedBuffer& file;
  size_t piece, at = 0;
};

int64_t read_piece(void* context, void* to, size_t bytes) {
  auto& reader = *static_cast<Reader*>(context);
  const size_t count = std::min({bytes, reader.piece, reader.file.size() - reader.at});
  if (count > 0) std::memcpy(to, reader.file.data() + reader.at, count);
  reader.at += count;
  return static_cast<int64_t>(count);
}

struct FreeModel {
  void operator()(octet_model* model) const { octet_model_free(model); }
};
struct FreeSession {
  void operator()(octet_session* session) const { octet_session_free(session); }
};

void run_embedded(octet_model* model) {
  const std::unique_ptr<octet_session, FreeSession> session(octet_session_create(model, nullptr));
  demand(session != nullptr, octet_last_error());
  octet_tensor_info info;
  for (size_t i = 0; i < octet_model_inputs(model); ++i) {
    demand(octet_model_input_info(model, i, &info) == OCTET_OK, octet_last_error());
    if (info.dtype == OCTET_S64) continue;
    const std::vector<float> values(info.elements, 0.5f);
    demand(octet_session_set_f32(session.get(), i, values.data(), values.size()) == OCTET_OK,
           octet_last_error());
  }
  octet_session_run(session.get());
  std::vector<octet_layer_profile> layers(octet_session_layers(session.get()));
  octet_session_profile(session.get(), layers.data(), layers.size());
  for (size_t i = 0; i < octet_model_outputs(model); ++i) {
    demand(octet_model_output_info(model, i, &info) == OCTET_OK, octet_last_error());
    std::vector<float> values(info.elements);
    const octet_status got = octet_session_get_f32(session.get(), i, values.data(), values.size());
    // An input that is given out again may be s64, which has no real numbers.
    demand((got == OCTET_OK) == (info.dtype != OCTET_S64), octet_last_error());
  }
}

}  // namespace

std::string refuse_model(Bytes bytes) {
  const auto file = mended(bytes);
  return use(engine::parse({file->data(), file->size()}, file), file->size() / 64 % 2 == 1);
}

Seeds model_seeds() { return files_of(small_programs()); }

// Sections as they stand in a file, two bytes with the length before each but the last, in a file
// whose header is right: bytes can come and go without everything behind them being lost.
std::string refuse_sections(Bytes bytes) {
  std::vector<FileBytes> sections(engine::kSections);
  for (size_t i = 0; i < sections.size(); ++i) {
    size_t length = bytes.size();
    if (i + 1 < sections.size()) {
      if (bytes.size() < 2) return "too short";
      length = std::min<size_t>(bytes[0] | bytes[1] << 8, bytes.size() - 2);
      bytes = bytes.subspan(2);
    }
    const auto section = std::as_bytes(bytes.first(length));
    sections[i].assign(section.begin(), section.end());
    bytes = bytes.subspan(length);
  }
  const FileBytes joined = engine::testing::join_sections(sections);
  auto file = std::make_shared<AlignedBuffer>(joined.size());
  std::memcpy(file->data(), joined.data(), joined.size());
  return use(engine::parse({file->data(), file->size()}, file), file->size() / 64 % 2 == 1);
}

Seeds section_seeds() {
  Seeds seeds;
  for (const std::string& file : model_seeds()) {
    const auto bytes = std::as_bytes(std::span(file));
    const auto sections = engine::testing::split_sections(FileBytes(bytes.begin(), bytes.end()));
    std::string seed;
    for (const FileBytes& section : sections) {
      if (&section != &sections.back()) {
        seed += static_cast<char>(section.size() & 255);
        seed += static_cast<char>(section.size() >> 8);
      }
      seed.append(reinterpret_cast<const char*>(section.data()), section.size());
    }
    seeds.push_back(seed);
  }
  return seeds;
}

// One byte: whether with integer_io, and whether copied, lent or read in pieces; then the file.
std::string refuse_embedded(Bytes bytes) {
  const auto [how, rest] = Choice(bytes);
  const auto file = mended(rest);
  const octet_model_options options{sizeof options, how & 1};
  // What is too large to run, before it is loaded once more.
  auto parsed = engine::parse({file->data(), file->size()}, file);
  if (parsed && options.integer_io != 0) engine::use_integer_io(*parsed);
  const auto known = parsed ? Model::create(std::move(*parsed)) : failure(parsed.why());
  const bool runs = known && is_small(**known);

  int releases = 0;
  const auto release = [](void* context, const void*) { ++*static_cast<int*>(context); };
  Reader reader{*file, size_t{how} + 1};
  std::string why;
  {
    const std::unique_ptr<octet_model, FreeModel> model(
        (how & 6) == 0
            ? octet_model_from_memory(file->data(), file->size(), nullptr, nullptr, &options)
        : (how & 6) == 2
            ? octet_model_from_memory(file->data(), file->size(), release, &releases, &options)
            : octet_model_read(read_piece, &reader, &options));
    if (!model) why = octet_last_error();
    demand((model != nullptr) == static_cast<bool>(known), "not the engine's answer: " + why);
    if (model && runs) run_embedded(model.get());
  }
  demand(releases == ((how & 6) == 2 ? 1 : 0), "released " + std::to_string(releases) + " times");
  return why;
}

Seeds embedded_seeds() {
  Seeds seeds;
  for (const std::string& file : model_seeds()) {
    seeds.push_back(static_cast<char>(seeds.size()) + file);
  }
  return seeds;
}

}  // namespace octet::fuzz
