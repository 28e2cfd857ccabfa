#include "zoo/gz_file.h"

#include <zlib.h>

#include <algorithm>

#include "base/error.h"

namespace octet::zoo {
namespace {

constexpr unsigned kBufferBytes = 1 << 17;
// The length of one gzread is an int.
constexpr size_t kLargestRead = size_t{1} << 30;

}  // namespace

void GzFile::Close::operator()(gzFile_s* file) const { gzclose(file); }

GzFile::GzFile(std::string path) : path_(std::move(path)), file_(gzopen(path_.c_str(), "rb")) {
  OCTET_CHECK(file_, path_, ": can't be opened");
  gzbuffer(file_.get(), kBufferBytes);
}

size_t GzFile::read(std::span<uint8_t> to) {
  size_t done = 0;
  while (done < to.size()) {
    const size_t wanted = std::min(to.size() - done, kLargestRead);
    const int got = gzread(file_.get(), to.data() + done, static_cast<unsigned>(wanted));
    int error = Z_OK;
    if (got < static_cast<int>(wanted)) gzerror(file_.get(), &error);
    OCTET_CHECK(got >= 0 && error == Z_OK, path_, ": the file is truncated or damaged");
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

void GzFile::read_exactly(std::span<uint8_t> to) {
  OCTET_CHECK(read(to) == to.size(), path_, ": the file is truncated or damaged");
}

}  // namespace octet::zoo
