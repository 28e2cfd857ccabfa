// Files read and written whole. Errors are octet::Error with the path and the reason.
#pragma once

#include <new>
#include <span>
#include <string>

#include "base/buffer.h"
#include "tensor/byte_reader.h"

namespace octet {

// A regular file that is not empty. Read, not mapped: a mapped file that another program cuts short
// ends this one with SIGBUS.
AlignedBuffer read_whole_file(const std::string& path);

// The parts one after another, by replace_file (base/replace_file.h): the old file or all of the
// new one.
void write_whole_file(const std::string& path, std::span<const Bytes> parts);

// parse(bytes of the file), with the path in front of what it throws.
template <class Parse>
auto parse_file(const std::string& path, const Parse& parse) {
  const AlignedBuffer file = read_whole_file(path);
  try {
    return parse(Bytes(file.as<uint8_t>(), file.size()));
  } catch (const Error& error) {
    fail(path, ": ", error.what());
  } catch (const std::bad_alloc&) {
    fail(path, ": not enough memory for its tensors");
  }
}

}  // namespace octet
