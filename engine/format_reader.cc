#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/buffer.h"
#include "base/utf8.h"
#include "engine/check_program.h"
#include "engine/checksum.h"
#include "engine/file_header.h"
#include "engine/format.h"
#include "engine/format_layout.h"
#include "engine/text.h"

namespace octet::engine {
namespace {

using ByteSpan = std::span<const std::byte>;

// Reads a section from front to back. After a first fault everything reads as 0.
class ByteReader {
 public:
  explicit ByteReader(ByteSpan bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && bytes_.empty(); }

  ByteSpan take(uint64_t n) {
    if (n > bytes_.size()) fail();
    if (!ok_) return {};
    const ByteSpan taken = bytes_.first(n);
    bytes_ = bytes_.subspan(n);
    return taken;
  }
  uint8_t byte() {
    const ByteSpan one = take(1);
    return ok_ ? static_cast<uint8_t>(one[0]) : 0;
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint64_t digit = byte();
      if (shift == 63 && digit > 1) fail();  // beyond 64 bits
      if (shift > 0 && digit == 0) fail();   // longer than needed
      value |= (digit & 127) << shift;
      if (digit < 128) break;
    }
    return ok_ ? value : 0;
  }
  int64_t signed_varint() {
    const uint64_t value = varint();
    return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
  }
  float f32() {
    float value = 0;
    const ByteSpan four = take(4);
    if (ok_) std::memcpy(&value, four.data(), 4);
    return value;
  }
  // A number of records, each of which takes at least that many bytes: what is then allocated for
  // them is a small multiple of the file. At most `most`.
  size_t count(size_t least_bytes, size_t most = kMaxRecords) {
    const uint64_t n = varint();
    if (n > most || n > bytes_.size() / least_bytes) fail();
    return ok_ ? n : 0;
  }
  void fail() { ok_ = false; }

 private:
  ByteSpan bytes_;
  bool ok_ = true;
};

// The shortest records: numbers of one byte, no lists.
constexpr size_t kLeastString = 1, kLeastId = 1, kLeastValue = 4, kLeastInstruction = 5,
                 kLeastAttribute = 3, kLeastPair = 2;
// One for each value and attribute, two for each instruction and each pair of metadata.
constexpr size_t kMaxStrings = 6 * kMaxRecords;

bool is_zero(ByteSpan bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

Failure malformed(Section section) {
  return failure(join("the ", kSectionNames[section], " section is malformed"));
}

class FileReader {
 public:
  explicit FileReader(ByteSpan bytes)
      // Names that are used often count often, so a small file can't ask for endless memory.
      : bytes_(bytes), name_budget_(bytes.size() + (size_t{16} << 20)) {}

  Result<Program> read() {
    using Step = Result<void> (FileReader::*)();
    for (Step step : {&FileReader::read_header, &FileReader::read_sections,
                      &FileReader::read_strings, &FileReader::read_values, &FileReader::read_graph,
                      &FileReader::read_metadata, &FileReader::place_constants})
      if (auto ok = (this->*step)(); !ok) return failure(ok);
    if (auto ok = check_program(program_); !ok) return failure(ok);
    return std::move(program_);
  }

 private:
  Result<void> read_header() {
    if (const auto stated = stated_file_bytes(bytes_); !stated) return failure(stated);
    std::memcpy(&header_, bytes_.data(), sizeof header_);
    if (header_.file_bytes != bytes_.size())
      return failure(join("damaged: the file should have ", header_.file_bytes, " bytes, it has ",
                          bytes_.size()));
    if (file_checksum(bytes_) != header_.checksum)
      return failure("damaged: the checksum does not match");
    return {};
  }

  Result<void> read_sections() {
    if (header_.sections != kSections || header_.zero[0] != 0 || header_.zero[1] != 0)
      return failure("the header is malformed");
    size_t end = sizeof header_;
    for (size_t i = 0; i < kSections; ++i) {
      const SectionEntry& entry = header_.section[i];
      if (entry.offset != end || entry.size > bytes_.size() - end)
        return failure(join("the place of the ", kSectionNames[i], " section is malformed"));
      sections_[i] = bytes_.subspan(end, entry.size);
      const size_t padding = align_up(entry.size) - entry.size;
      end += entry.size + padding;  // inside the file, whose size is a multiple of 64
      if (!is_zero(bytes_.subspan(end - padding, padding)))
        return failure(join("the padding behind the ", kSectionNames[i], " section is not zero"));
    }
    if (end != bytes_.size()) return failure("there are bytes behind the last section");
    return {};
  }

  Result<void> read_strings() {
    ByteReader in(sections_[kStringsSection]);
    strings_.resize(in.count(kLeastString, kMaxStrings));
    for (std::string_view& text : strings_) {
      const ByteSpan bytes = in.take(in.varint());
      text = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
      if (!is_text(text)) in.fail();
    }
    return in.at_end() ? Result<void>() : malformed(kStringsSection);
  }

  Result<void> read_values() {
    ByteReader in(sections_[kValuesSection]);
    program_.values.resize(in.count(kLeastValue));
    for (Value& value : program_.values) {
      value.name = string(in);
      value.dtype = static_cast<DType>(in.byte());
      const uint8_t flags = in.byte();
      if (flags > (kConstantFlag | kQParamsFlag)) in.fail();
      value.is_constant = (flags & kConstantFlag) != 0;
      const uint64_t rank = in.varint();
      if (rank > Shape::kMaxRank) in.fail();
      for (uint64_t i = 0; i < rank && in.ok(); ++i) {
        const uint64_t extent = in.varint();
        if (extent > static_cast<uint64_t>(kMaxElements)) in.fail();
        if (in.ok()) value.shape.push_back(static_cast<int64_t>(extent));
      }
      if ((flags & kQParamsFlag) != 0) {
        const float scale = in.f32();
        const int32_t zero_point = in.byte();
        const int32_t quant_min = in.byte();
        value.qparams = QParams{scale, zero_point, quant_min, in.byte()};
      }
      if (!in.ok()) return malformed(kValuesSection);
    }
    return in.at_end() ? Result<void>() : malformed(kValuesSection);
  }

  Result<void> read_graph() {
    ByteReader in(sections_[kGraphSection]);
    program_.inputs = ids(in);
    program_.outputs = ids(in);
    program_.instructions.resize(in.count(kLeastInstruction));
    for (Instruction& instruction : program_.instructions) {
      instruction.op = string(in);
      instruction.name = string(in);
      instruction.inputs = ids(in);
      instruction.outputs = ids(in);
      instruction.attributes.resize(in.count(kLeastAttribute, attribute_budget_));
      attribute_budget_ -= instruction.attributes.size();
      for (Attribute& attribute : instruction.attributes) {
        attribute.name = string(in);
        const uint8_t kind = in.byte();
        if (kind > kRealAttribute) in.fail();
        if (kind == kRealAttribute) attribute.value = in.f32();
        if (kind == kIntegerAttribute) attribute.value = in.signed_varint();
        if (!in.ok()) return malformed(kGraphSection);
      }
      if (!in.ok()) return malformed(kGraphSection);
    }
    return in.at_end() ? Result<void>() : malformed(kGraphSection);
  }

  Result<void> read_metadata() {
    ByteReader in(sections_[kMetadataSection]);
    program_.metadata.resize(in.count(kLeastPair));
    for (auto& [key, text] : program_.metadata) {
      key = string(in);
      text = string(in);
      if (!in.ok()) return malformed(kMetadataSection);
    }
    return in.at_end() ? Result<void>() : malformed(kMetadataSection);
  }

  // In the order of the values, each at the next multiple of 64.
  Result<void> place_constants() {
    const ByteSpan section = sections_[kConstantsSection];
    size_t end = 0;
    for (size_t id = 0; id < program_.values.size(); ++id) {
      Value& value = program_.values[id];
      if (!value.is_constant) continue;
      const uint64_t bytes = constant_bytes(value);
      const size_t start = align_up(end);
      if (start > section.size() || bytes > section.size() - start)
        return failure(join(describe(value, id), " lies beyond the constants section"));
      if (!is_zero(section.subspan(end, start - end)))
        return failure(join("the padding before ", describe(value, id), " is not zero"));
      value.data = section.subspan(start, bytes);
      end = start + bytes;
    }
    return end == section.size() ? Result<void>() : malformed(kConstantsSection);
  }

  // What check_value will hold the shape to; more than any file has where it would overflow.
  static uint64_t constant_bytes(const Value& value) {
    if (static_cast<int>(value.dtype) >= kDTypes) return 0;
    uint64_t bytes = size_of(value.dtype);
    for (int64_t extent : value.shape) {
      const auto n = static_cast<uint64_t>(extent);
      if (n != 0 && bytes > UINT64_MAX / n) return UINT64_MAX;
      bytes *= n;
    }
    return bytes;
  }

  std::string string(ByteReader& in) {
    const uint64_t index = in.varint();
    if (!in.ok() || index >= strings_.size() || strings_[index].size() > name_budget_) {
      in.fail();
      return {};
    }
    name_budget_ -= strings_[index].size();
    return std::string(strings_[index]);
  }

  std::vector<ValueId> ids(ByteReader& in) {
    std::vector<ValueId> list(in.count(kLeastId));
    for (ValueId& id : list) {
      const uint64_t value = in.varint();
      if (value >= program_.values.size()) in.fail();
      id = static_cast<ValueId>(value);
    }
    return list;
  }

  ByteSpan bytes_;
  size_t name_budget_;
  size_t attribute_budget_ = kMaxRecords;
  FileHeader header_{};
  ByteSpan sections_[kSections];
  std::vector<std::string_view> strings_;
  Program program_;
};

}  // namespace

Result<Program> parse(std::span<const std::byte> bytes, std::shared_ptr<const void> owner) {
  if (reinterpret_cast<uintptr_t>(bytes.data()) % AlignedBuffer::kAlignment != 0)
    return failure("the bytes of the file are not aligned to 64");
  auto program = FileReader(bytes).read();
  if (program) program->storage.push_back(std::move(owner));
  return program;
}

Result<Program> load_program(const std::string& path) {
  const auto file = MappedFile::open(path);
  if (!file) return failure(join("can't read ", path, ": ", file.why()));
  auto program = parse((*file)->bytes(), *file);
  if (!program) return failure(join("can't read ", path, ": ", program.why()));
  program->file = *file;
  return program;
}

}  // namespace octet::engine
