// A value, or the sentence that says why there is none: for code that is built without exceptions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace octet {

// What somebody could do about it.
enum class FailureKind : uint8_t {
  invalid,    // give something else
  no_memory,  // free some
  newer,      // take a newer version: this one does not know what a file has
  no_target,  // take another build: the CPU lacks what this one is for
};

// What failure() returns; converts to any Result.
struct Failure {
  std::string why;
  FailureKind kind = FailureKind::invalid;
};

inline Failure failure(std::string why, FailureKind kind = FailureKind::invalid) {
  return {std::move(why), kind};
}

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Failure failure) : why_(std::move(failure.why)), kind_(failure.kind) {}

  explicit operator bool() const { return value_.has_value(); }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }
  // The reason; empty when there is a value.
  const std::string& why() const { return why_; }
  // Of a failure.
  FailureKind kind() const { return kind_; }

 private:
  std::optional<T> value_;
  std::string why_;
  FailureKind kind_ = FailureKind::invalid;
};

// Success, or the reason for its absence.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Failure failure) : why_(std::move(failure.why)), kind_(failure.kind), failed_(true) {}

  explicit operator bool() const { return !failed_; }
  const std::string& why() const { return why_; }
  FailureKind kind() const { return kind_; }

 private:
  std::string why_;
  FailureKind kind_ = FailureKind::invalid;
  bool failed_ = false;
};

// The same failure, as a result of another type.
template <class T>
Failure failure(const Result<T>& failed) {
  return {failed.why(), failed.kind()};
}

}  // namespace octet
