// Damaged and hostile files: a reason or a sound model, never a crash. Worth most under the
// sanitizers: bazel test --config=asan, --config=ubsan.
#define BOOST_TEST_MODULE format_damage
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <new>

#include "base/buffer.h"
#include "engine/check_program.h"
#include "engine/engine_testing.h"
#include "engine/format.h"
#include "engine/format_testing.h"

namespace {
size_t largest_request = 0;  // in bytes, of operator new
}  // namespace

void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  largest_request = std::max(largest_request, bytes);
  return std::malloc(std::max<size_t>(bytes, 1));
}
void* operator new(size_t bytes) {
  void* const memory = operator new(bytes, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace octet::engine {
namespace {

using Bytes = testing::FileBytes;

// A few layers, so that every bit of the file can be tried.
Program tiny_program() {
  testing::ProgramBuilder b(1);
  ValueId x = b.quantize(b.input({1, 5, 5, 2}, DType::f32));
  x = b.conv2d(x, 2, {.kernel = 3, .pad = 1});
  x = b.add(x, b.clamp(x, 3, 250));
  b.output(b.dequantize(b.linear(b.flatten(b.pool("max_pool2d", x, {.kernel = 2})), 3)));
  b.program.set_metadata("model", "tiny");
  return std::move(b.program);
}

Result<Program> parse_copy(const Bytes& bytes) {
  auto buffer = std::make_shared<AlignedBuffer>(bytes.size());
  if (!bytes.empty()) std::memcpy(buffer->data(), bytes.data(), bytes.size());
  const std::span<const std::byte> span(buffer->data(), bytes.size());
  return parse(span, std::move(buffer));
}

// How often each end was reached; every one has to be, or the test tests little.
struct Tally {
  size_t refused_by_reader = 0, refused_by_create = 0, ran = 0;

  void check() const {
    BOOST_TEST_MESSAGE("refused by the reader " << refused_by_reader << ", by create "
                                                << refused_by_create << ", ran " << ran);
    BOOST_TEST(refused_by_reader > 0u);
    BOOST_TEST(refused_by_create > 0u);
    BOOST_TEST(ran > 0u);
  }
};

// A model that is accepted has to run, unless it is too large for a test.
void use(Result<Program> program, Tally& tally) {
  if (!program) {
    BOOST_REQUIRE(!program.why().empty());
    ++tally.refused_by_reader;
    return;
  }
  auto model = Model::create(std::move(*program));
  if (!model) {
    BOOST_REQUIRE(!model.why().empty());
    ++tally.refused_by_create;
    return;
  }
  ++tally.ran;
  if ((*model)->peak_activation_bytes() < (size_t{1} << 20)) testing::run_model(*model, {});
}

void mutate(Bytes& section, Rng& rng) {
  const auto position = [&] { return static_cast<ptrdiff_t>(rng.below(section.size())); };
  // Small numbers and the edges of varints more often than chance has them.
  constexpr uint8_t kTelling[] = {0, 1, 2, 3, 4, 5, 8, 127, 128, 129, 254, 255};
  const auto value = [&] {
    return static_cast<std::byte>(rng.below(2) ? kTelling[rng.below(std::size(kTelling))]
                                               : rng.below(256));
  };
  if (section.empty()) return;
  switch (rng.below(6)) {
    case 0:
      section.insert(section.begin() + position(), value());
      break;
    case 1:
      section.erase(section.begin() + position());
      break;
    case 2:
      std::swap(section[static_cast<size_t>(position())], section[static_cast<size_t>(position())]);
      break;
    case 3:
      section[static_cast<size_t>(position())] ^= std::byte{1} << rng.below(8);
      break;
    default:
      section[static_cast<size_t>(position())] = value();
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_truncation_is_refused) {
  const Bytes file = testing::required(serialize(tiny_program()));
  BOOST_REQUIRE(parse_copy(file));
  size_t accepted = 0;
  for (size_t length = 0; length < file.size(); ++length)
    accepted += static_cast<bool>(
        parse_copy(Bytes(file.begin(), file.begin() + static_cast<ptrdiff_t>(length))));
  BOOST_TEST(accepted == 0u);
}

BOOST_AUTO_TEST_CASE(bytes_behind_the_end_are_refused) {
  const Bytes file = testing::required(serialize(tiny_program()));
  for (size_t extra : {1, 64}) {
    Bytes longer = file;
    longer.insert(longer.end(), extra, std::byte{0});
    BOOST_TEST(!parse_copy(longer));
  }
}

BOOST_AUTO_TEST_CASE(every_flipped_bit_is_refused) {
  const Bytes file = testing::required(serialize(tiny_program()));
  size_t accepted = 0;
  for (size_t i = 0; i < file.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      Bytes damaged = file;
      damaged[i] ^= std::byte{1} << bit;
      accepted += static_cast<bool>(parse_copy(damaged));
    }
  BOOST_TEST(accepted == 0u);
}

BOOST_AUTO_TEST_CASE(every_changed_byte_is_refused) {
  const Bytes file = testing::required(serialize(tiny_program()));
  Rng rng(1);
  size_t accepted = 0;
  for (size_t i = 0; i < file.size(); ++i)
    for (int repeat = 0; repeat < 8; ++repeat) {
      Bytes damaged = file;
      damaged[i] ^= static_cast<std::byte>(1 + rng.below(255));
      accepted += static_cast<bool>(parse_copy(damaged));
    }
  BOOST_TEST(accepted == 0u);
}

BOOST_AUTO_TEST_CASE(any_byte_anywhere_with_a_right_checksum_is_no_crash) {
  const Bytes file = testing::required(serialize(tiny_program()));
  Tally tally;
  Rng rng(2);
  for (size_t i = 0; i < file.size(); ++i)
    for (int repeat = 0; repeat < 4; ++repeat) {
      Bytes hostile = file;
      hostile[i] ^= static_cast<std::byte>(1 + rng.below(255));
      testing::mend_checksum(hostile);
      use(parse_copy(hostile), tally);
    }
  tally.check();
}

BOOST_AUTO_TEST_CASE(edited_sections_with_a_right_header_are_no_crash) {
  for (const Program& program :
       {tiny_program(), testing::small_program(1, true), testing::small_program(2, false)}) {
    const Bytes file = testing::required(serialize(program));
    const std::vector<Bytes> sections = testing::split_sections(file);
    BOOST_REQUIRE((testing::join_sections(sections) == file));
    Tally tally;
    Rng rng(3);
    for (int i = 0; i < 4000; ++i) {
      std::vector<Bytes> edited = sections;
      // Values and graph hold nearly everything that can be wrong.
      const uint64_t kind = rng.below(8);
      const size_t which = kind < 4   ? size_t{kGraphSection}
                           : kind < 7 ? size_t{kValuesSection}
                                      : rng.below(kSections);
      Bytes& section = edited[which];
      for (uint64_t edits = 1 + rng.below(3); edits > 0; --edits) mutate(section, rng);
      use(parse_copy(testing::join_sections(edited)), tally);
    }
    tally.check();
  }
}

namespace {

Bytes varint(uint64_t n) {
  Bytes bytes;
  for (; n >= 128; n >>= 7) bytes.push_back(static_cast<std::byte>(n | 128));
  bytes.push_back(static_cast<std::byte>(n));
  return bytes;
}

// The file of tiny_program with one section replaced.
std::string why_refused(Section section, const Bytes& bytes) {
  std::vector<Bytes> sections =
      testing::split_sections(testing::required(serialize(tiny_program())));
  sections[section] = bytes;
  const auto program = parse_copy(testing::join_sections(sections));
  return program ? "" : program.why();
}

}  // namespace

// A list takes memory when its length is read: a long one of the shortest records is the worst.
BOOST_AUTO_TEST_CASE(long_lists_take_a_small_multiple_of_the_file) {
  constexpr size_t kBytes = size_t{8} << 20;
  for (const Section section : {kValuesSection, kGraphSection, kMetadataSection, kStringsSection})
    for (const size_t records : {kBytes, kBytes / 2, kBytes / 4, kMaxRecords, kMaxRecords + 1}) {
      // The graph: no inputs, no outputs, so many instructions.
      Bytes bytes(section == kGraphSection ? 2 : 0);
      const Bytes count = varint(records);
      bytes.insert(bytes.end(), count.begin(), count.end());
      bytes.resize(kBytes);
      const std::string why = why_refused(section, bytes);
      BOOST_TEST(why == "the " + std::string(kSectionNames[section]) + " section is malformed");
    }
  // 2^20 records; a record for each byte would take more than 1 GB.
  BOOST_TEST(largest_request <= kMaxRecords * 160);
  BOOST_TEST(largest_request >= kBytes);  // the counter counts
}

BOOST_AUTO_TEST_CASE(numbers_and_padding_have_one_form) {
  const Bytes file = testing::required(serialize(tiny_program()));
  const std::vector<Bytes> sections = testing::split_sections(file);
  Bytes longer = sections[kMetadataSection];
  longer[0] |= std::byte{128};  // one pair: 81 00
  longer.insert(longer.begin() + 1, std::byte{0});
  BOOST_TEST(why_refused(kMetadataSection, longer) == "the metadata section is malformed");

  const size_t used = sizeof(FileHeader) + sections[kValuesSection].size();
  BOOST_REQUIRE(used % AlignedBuffer::kAlignment != 0u);
  Bytes padded = file;
  padded[used] = std::byte{1};
  testing::mend_checksum(padded);
  BOOST_TEST(parse_copy(padded).why() == "the padding behind the values section is not zero");
}

BOOST_AUTO_TEST_CASE(texts_are_utf8_without_nul) {
  const Bytes strings =
      testing::split_sections(testing::required(serialize(tiny_program())))[kStringsSection];
  for (const std::byte bad : {std::byte{0}, std::byte{0xff}}) {
    Bytes changed = strings;
    changed.back() = bad;
    BOOST_TEST(why_refused(kStringsSection, changed) == "the strings section is malformed");
  }
  Program program = tiny_program();
  program.values[0].name = "x\xff\n";
  BOOST_TEST(serialize(program).why() == "the name of a value, 'x\xff?' is not UTF-8 without NUL");
}

// Changes that keep the file's structure, so that more of them reach the operations' own checks.
BOOST_AUTO_TEST_CASE(edited_programs_are_no_crash) {
  constexpr int64_t kNumbers[] = {-1,       0,         1,         2,         3,        4,
                                  7,        255,       65535,     65536,     1 << 20,  1 << 30,
                                  1u << 31, 1LL << 40, 1LL << 62, INT64_MAX, INT64_MIN};
  constexpr const char* kAttributes[] = {"stride_h",   "stride_w", "pad_top",  "pad_left",
                                         "pad_bottom", "groups",   "kernel_h", "dilation_w",
                                         "quant_min",  "quant_max"};
  Rng rng(4);
  const auto number = [&] { return kNumbers[rng.below(std::size(kNumbers))]; };
  Tally tally;
  for (int i = 0; i < 10000; ++i) {
    Program p = testing::small_program(1, i % 2 == 0);
    Value& value = p.values[rng.below(p.values.size())];
    Instruction& instruction = p.instructions[rng.below(p.instructions.size())];
    const ValueId id = static_cast<ValueId>(rng.below(p.values.size() + 1));
    switch (rng.below(7)) {
      case 0:
        if (value.shape.rank() > 0)
          value.shape[static_cast<int>(rng.below(static_cast<uint64_t>(value.shape.rank())))] =
              number();
        break;
      case 1:
        testing::set(instruction, kAttributes[rng.below(std::size(kAttributes))], number());
        break;
      case 2:
        if (!instruction.attributes.empty())
          instruction.attributes[rng.below(instruction.attributes.size())].value = number();
        break;
      case 3:
        instruction.inputs[rng.below(instruction.inputs.size())] = id;
        break;
      case 4:
        instruction.op = instruction_types()[rng.below(instruction_types().size())].op;
        break;
      case 5:
        value.dtype = static_cast<DType>(rng.below(8));
        break;
      default:
        p.outputs[0] = id;
    }
    // What the writer takes, the reader takes back; what it refuses, create refuses.
    const auto file = serialize(p);
    BOOST_REQUIRE(static_cast<bool>(file) || !Model::create(p));
    use(file ? parse_copy(*file) : Result<Program>(failure(file.why())), tally);
  }
  tally.check();
}

}  // namespace octet::engine
