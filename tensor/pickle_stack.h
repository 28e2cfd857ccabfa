// PickleStack: the memory of a pickle's interpreter: the values made so far, the stack that opcodes
// work on, its marks, and the memo. It knows nothing of opcodes (pickle.cc) and throws octet::Error
// where a pickle takes what is not there, nests too deep or has too many values.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tensor/byte_reader.h"
#include "tensor/pickle.h"

namespace octet {

// The most that are nested in one another, of marks as of containers.
inline constexpr size_t kDeepestPickle = 1000;

class PickleStack {
 public:
  using Kind = PickleValue::Kind;
  using Items = std::vector<PickleValue*>;

  // reader: where the pickle is read, for messages; must outlive this.
  explicit PickleStack(const ByteReader& reader) : reader_(reader) {}

  // Those that return bool return true, for callers that say whether an opcode was known.

  // A new value on top of the stack.
  PickleValue& add(Kind kind);
  bool push(Kind kind, Items items = {});
  bool push_integer(int64_t integer);
  // 8 bytes, big-endian, alone among the numbers of a pickle.
  bool push_real(Bytes bytes);
  bool push_text(Bytes bytes);
  // Two's complement, little-endian, as few bytes as will do; beyond 64 bits it is Kind::other.
  bool push_long(Bytes bytes);
  // One that is there already, once more.
  bool push_again(PickleValue* value);

  bool mark();
  // The last `count` values, or those behind the last mark, in the order they were pushed.
  Items pop(size_t count);
  Items pop_to_mark();
  // Adds items to the container on top of the stack, which is of that kind.
  bool extend(Kind kind, const Items& items);
  // The value on top of the stack; null where there is none.
  PickleValue* top() const { return stack_.empty() ? nullptr : stack_.back(); }

  // Memo: the value on top under an index, or under the next one.
  bool remember(uint32_t index);
  bool memoize() { return remember(static_cast<uint32_t>(memo_.size())); }
  bool recall(uint32_t index);

  // All values, with the one that is left on the stack as root, which contains no cycle. Ends this.
  Pickle finish();

 private:
  const ByteReader& reader_;
  Pickle pickle_;
  Items stack_;
  std::vector<size_t> marks_;  // sizes of the stack
  std::unordered_map<uint32_t, PickleValue*> memo_;
};

}  // namespace octet
