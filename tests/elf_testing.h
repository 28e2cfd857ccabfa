// What a linker sees of an object or a shared library: elf.h's structures, of 64-bit little-endian
// files that were made on this machine and are believed.
#pragma once

#include <elf.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace octet {

struct ElfSymbol {
  std::string name;
  bool defined, weak;
};

struct ElfFile {
  std::vector<std::string> needed;  // DT_NEEDED
  std::vector<ElfSymbol> symbols;   // all but local ones: dynamic ones of a shared library
};

template <class T>
T elf_at(std::string_view bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.substr(offset, sizeof value).data(), sizeof value);
  return value;
}

inline ElfFile read_elf(std::string_view bytes) {
  ElfFile elf;
  const auto header = elf_at<Elf64_Ehdr>(bytes, 0);
  const auto section = [&](size_t i) {
    return elf_at<Elf64_Shdr>(bytes, header.e_shoff + i * sizeof(Elf64_Shdr));
  };
  const auto text = [&](const Elf64_Shdr& of, size_t offset) -> std::string {
    return bytes.data() + section(of.sh_link).sh_offset + offset;
  };
  const Elf64_Word table = header.e_type == ET_DYN ? SHT_DYNSYM : SHT_SYMTAB;
  for (size_t i = 0; i < header.e_shnum; ++i) {
    const Elf64_Shdr s = section(i);
    for (size_t at = s.sh_offset; s.sh_type == SHT_DYNAMIC && at < s.sh_offset + s.sh_size;
         at += sizeof(Elf64_Dyn)) {
      const auto entry = elf_at<Elf64_Dyn>(bytes, at);
      if (entry.d_tag == DT_NEEDED) elf.needed.push_back(text(s, entry.d_un.d_val));
    }
    for (size_t at = s.sh_offset; s.sh_type == table && at < s.sh_offset + s.sh_size;
         at += sizeof(Elf64_Sym)) {
      const auto symbol = elf_at<Elf64_Sym>(bytes, at);
      const int binding = ELF64_ST_BIND(symbol.st_info);
      if (binding == STB_LOCAL) continue;
      elf.symbols.push_back(
          {text(s, symbol.st_name), symbol.st_shndx != SHN_UNDEF, binding == STB_WEAK});
    }
  }
  return elf;
}

// The members of an archive (ar), without its index and table of names.
inline std::vector<std::string_view> archive_members(std::string_view bytes) {
  std::vector<std::string_view> members;
  constexpr size_t kHeaderBytes = 60;
  for (size_t at = 8; at + kHeaderBytes <= bytes.size();) {
    const size_t size = std::stoul(std::string(bytes.substr(at + 48, 10)));
    if (bytes[at] != '/' || (bytes[at + 1] != ' ' && bytes[at + 1] != '/'))
      members.push_back(bytes.substr(at + kHeaderBytes, size));
    at += kHeaderBytes + size + size % 2;
  }
  return members;
}

}  // namespace octet
