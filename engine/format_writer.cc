#include <algorithm>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "base/buffer.h"
#include "base/replace_file.h"
#include "engine/check_program.h"
#include "engine/checksum.h"
#include "engine/format.h"
#include "engine/format_layout.h"
#include "engine/instructions.h"
#include "engine/text.h"

namespace octet::engine {
namespace {

using Bytes = std::vector<std::byte>;

void put(Bytes& to, const void* from, size_t n) {
  const auto* bytes = static_cast<const std::byte*>(from);
  to.insert(to.end(), bytes, bytes + n);
}

void put_byte(Bytes& to, size_t value) { to.push_back(static_cast<std::byte>(value)); }

// LEB128: seven bits a byte, lowest first, the top bit set in all but the last.
void put_varint(Bytes& to, uint64_t value) {
  for (; value >= 128; value >>= 7) put_byte(to, (value & 127) | 128);
  put_byte(to, value);
}

// Zigzag: small magnitudes of either sign stay short.
void put_signed(Bytes& to, int64_t value) {
  put_varint(to, (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
}

// Every text of the file, each once.
class StringTable {
 public:
  uint64_t index(std::string_view text) {
    const auto [entry, is_new] = indices_.try_emplace(std::string(text), indices_.size());
    if (is_new) {
      put_varint(bytes_, text.size());
      put(bytes_, text.data(), text.size());
    }
    return entry->second;
  }
  Bytes section() const {
    Bytes section;
    put_varint(section, indices_.size());
    section.insert(section.end(), bytes_.begin(), bytes_.end());
    return section;
  }

 private:
  std::unordered_map<std::string, uint64_t> indices_;
  Bytes bytes_;
};

Bytes values_section(const Program& program, StringTable& strings) {
  Bytes section;
  put_varint(section, program.values.size());
  for (const Value& value : program.values) {
    put_varint(section, strings.index(value.name));
    put_byte(section, static_cast<size_t>(value.dtype));
    put_byte(section, (value.is_constant ? kConstantFlag : 0) |
                          (value.qparams.has_value() ? kQParamsFlag : 0));
    put_varint(section, static_cast<uint64_t>(value.shape.rank()));
    for (int64_t extent : value.shape) put_varint(section, static_cast<uint64_t>(extent));
    if (!value.qparams) continue;
    put(section, &value.qparams->scale, 4);
    put_byte(section, static_cast<size_t>(value.qparams->zero_point));
    put_byte(section, static_cast<size_t>(value.qparams->quant_min));
    put_byte(section, static_cast<size_t>(value.qparams->quant_max));
  }
  return section;
}

void put_ids(Bytes& section, const std::vector<ValueId>& ids) {
  put_varint(section, ids.size());
  for (ValueId id : ids) put_varint(section, id);
}

Bytes graph_section(const Program& program, StringTable& strings) {
  Bytes section;
  put_ids(section, program.inputs);
  put_ids(section, program.outputs);
  put_varint(section, program.instructions.size());
  for (const Instruction& instruction : program.instructions) {
    put_varint(section, strings.index(instruction.op));
    put_varint(section, strings.index(instruction.name));
    put_ids(section, instruction.inputs);
    put_ids(section, instruction.outputs);
    put_varint(section, instruction.attributes.size());
    for (const Attribute& attribute : instruction.attributes) {
      put_varint(section, strings.index(attribute.name));
      if (const auto* integer = std::get_if<int64_t>(&attribute.value)) {
        put_byte(section, kIntegerAttribute);
        put_signed(section, *integer);
      } else {
        put_byte(section, kRealAttribute);
        put(section, std::get_if<float>(&attribute.value), 4);
      }
    }
  }
  return section;
}

Bytes metadata_section(const Program& program, StringTable& strings) {
  Bytes section;
  put_varint(section, program.metadata.size());
  for (const auto& [key, text] : program.metadata) {
    put_varint(section, strings.index(key));
    put_varint(section, strings.index(text));
  }
  return section;
}

Bytes constants_section(const Program& program) {
  Bytes section;
  size_t bytes = 0;
  for (const Value& value : program.values) bytes += align_up(value.data.size());
  section.reserve(bytes);
  for (const Value& value : program.values) {
    if (!value.is_constant) continue;
    section.resize(align_up(section.size()));
    put(section, value.data.data(), value.data.size());
  }
  return section;
}

// The oldest one whose readers know all its operations.
uint32_t version_of(const Program& program) {
  uint32_t version = 1;
  for (const Instruction& instruction : program.instructions)
    version = std::max(version, find_instruction_type(instruction.op)->since);
  return version;
}

}  // namespace

Result<std::vector<std::byte>> serialize(const Program& program) {
  if (auto ok = check_program(program); !ok) return failure(ok.why());
  StringTable strings;
  Bytes sections[kSections];
  sections[kValuesSection] = values_section(program, strings);
  sections[kGraphSection] = graph_section(program, strings);
  sections[kMetadataSection] = metadata_section(program, strings);
  sections[kStringsSection] = strings.section();
  sections[kConstantsSection] = constants_section(program);

  FileHeader header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = version_of(program);
  header.sections = kSections;
  header.file_bytes = sizeof header;
  for (size_t i = 0; i < kSections; ++i) {
    header.section[i] = {header.file_bytes, sections[i].size()};
    header.file_bytes += align_up(sections[i].size());
  }

  Bytes file;
  file.reserve(header.file_bytes);
  put(file, &header, sizeof header);
  for (const Bytes& section : sections) {
    put(file, section.data(), section.size());
    file.resize(align_up(file.size()));
  }
  const uint64_t checksum = file_checksum(file);
  std::memcpy(file.data() + kChecksumOffset, &checksum, sizeof checksum);
  return file;
}

Result<void> save(const Program& program, const std::string& path) {
  const auto bytes = serialize(program);
  if (!bytes) return failure(join(path, ": ", bytes.why()));
  const std::span<const std::byte> all = *bytes;
  if (auto ok = replace_file(path, {&all, 1}); !ok)
    return failure(join("can't write ", path, ": ", ok.why()));
  return {};
}

}  // namespace octet::engine
