#include "zoo/cifar10.h"

#include <filesystem>

#include "base/error.h"
#include "zoo/files.h"
#include "zoo/gz_file.h"

namespace octet::zoo {
namespace {

constexpr size_t kPlane = size_t{Cifar10Images::kSide} * Cifar10Images::kSide;
constexpr size_t kPixelBytes = 3 * kPlane;
constexpr size_t kRecordBytes = 1 + kPixelBytes;
// 20 times what CIFAR-10 has: a file without end must not take all memory.
constexpr size_t kMaxRecords = 1'200'000;

bool is_training_file(const std::string& name) {
  return name.starts_with("data_batch_") && name.ends_with(".bin");
}

}  // namespace

Cifar10Images::Cifar10Images(const std::string& folder, Split split,
                             const Preprocessing& preprocessing)
    : Dataset(preprocessing) {
  if (split == Split::test) {
    append_file(folder + "/test_batch.bin");
    return;
  }
  for (const std::string& name : list_folder(folder)) {
    if (is_training_file(name)) append_file(folder + "/" + name);
  }
  OCTET_CHECK(size() > 0, folder, ": no data_batch_*.bin in this folder");
}

void Cifar10Images::append_file(const std::string& path) {
  std::error_code ignored;
  OCTET_CHECK(std::filesystem::exists(path, ignored), path, " is missing");
  GzFile file(path);
  std::vector<uint8_t> record(kRecordBytes);
  size_t records = 0;
  while (const size_t got = file.read(record)) {
    OCTET_CHECK(got == kRecordBytes, path, ": record ", records, " is cut off: it has ", got,
                " of ", kRecordBytes, " bytes");
    OCTET_CHECK(record[0] < 10, path, ": record ", records, " has class ", int{record[0]},
                ", which is not in 0..9");
    OCTET_CHECK(size() < kMaxRecords, path, ": more than ", kMaxRecords, " records");
    labels_.push_back(record[0]);
    const size_t at = pixels_.size();
    pixels_.resize(at + kPixelBytes);
    for (size_t c = 0; c < 3; ++c) {
      const uint8_t* plane = &record[1 + c * kPlane];
      for (size_t p = 0; p < kPlane; ++p) pixels_[at + 3 * p + c] = plane[p];
    }
    ++records;
  }
  OCTET_CHECK(records > 0, path, ": no records in it");
}

Image Cifar10Images::image(size_t i) const {
  const auto begin = pixels_.begin() + static_cast<ptrdiff_t>(i * kPixelBytes);
  return {kSide, kSide, {begin, begin + kPixelBytes}};
}

}  // namespace octet::zoo
