// A value, or the sentence that says why there is none: for code that is built without exceptions.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace octet {

// What failure() returns; converts to any Result.
struct Failure {
  std::string why;
};

inline Failure failure(std::string why) { return {std::move(why)}; }

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Failure failure) : why_(std::move(failure.why)) {}

  explicit operator bool() const { return value_.has_value(); }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }
  // The reason; empty when there is a value.
  const std::string& why() const { return why_; }

 private:
  std::optional<T> value_;
  std::string why_;
};

// Success, or the reason for its absence.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Failure failure) : why_(std::move(failure.why)), failed_(true) {}

  explicit operator bool() const { return !failed_; }
  const std::string& why() const { return why_; }

 private:
  std::string why_;
  bool failed_ = false;
};

}  // namespace octet
