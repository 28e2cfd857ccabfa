#include "tensor/pickle_stack.h"

#include <bit>
#include <utility>

namespace octet {
namespace {

// A value takes about 70 bytes of memory and as little as one byte of the file. The largest state
// dicts have some 100000.
constexpr size_t kMostValues = size_t{1} << 22;

// Depth first with a stack of our own: a file must not choose how deep we recurse.
void refuse_cycles(PickleValue* root) {
  std::vector<std::pair<PickleValue*, size_t>> path{{root, 0}};
  root->visit = PickleValue::Visit::open;
  while (!path.empty()) {
    auto& [value, next] = path.back();
    if (next == value->items.size()) {
      value->visit = PickleValue::Visit::done;
      path.pop_back();
      continue;
    }
    PickleValue* item = value->items[next++];
    OCTET_CHECK(item->visit != PickleValue::Visit::open, "the pickle has ", name_of(item->kind),
                " that contains itself; refused");
    if (item->visit == PickleValue::Visit::done) continue;
    OCTET_CHECK(path.size() < kDeepestPickle, "the pickle is nested deeper than ", kDeepestPickle);
    item->visit = PickleValue::Visit::open;
    path.emplace_back(item, 0);
  }
}

}  // namespace

PickleValue& PickleStack::add(Kind kind) {
  OCTET_CHECK(pickle_.values.size() < kMostValues, "the pickle has more than ", kMostValues,
              " values, which no dict of tensors needs");
  pickle_.values.emplace_back().kind = kind;
  stack_.push_back(&pickle_.values.back());
  return pickle_.values.back();
}

bool PickleStack::push(Kind kind, Items items) {
  add(kind).items = std::move(items);
  return true;
}

bool PickleStack::push_integer(int64_t integer) {
  add(Kind::integer).integer = integer;
  return true;
}

bool PickleStack::push_real(Bytes bytes) {
  uint64_t bits = 0;
  for (const uint8_t byte : bytes) bits = bits << 8 | byte;
  add(Kind::real).real = std::bit_cast<double>(bits);
  return true;
}

bool PickleStack::push_text(Bytes bytes) {
  add(Kind::text).text = text_of(bytes);
  return true;
}

bool PickleStack::push_long(Bytes bytes) {
  if (bytes.size() > 8) return push(Kind::other);
  uint64_t value = !bytes.empty() && (bytes.back() & 0x80) ? ~uint64_t{0} : 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
  return push_integer(static_cast<int64_t>(value));
}

bool PickleStack::push_again(PickleValue* value) {
  stack_.push_back(value);
  return true;
}

bool PickleStack::mark() {
  OCTET_CHECK(marks_.size() < kDeepestPickle, "the pickle is nested deeper than ", kDeepestPickle);
  marks_.push_back(stack_.size());
  return true;
}

PickleStack::Items PickleStack::pop(size_t count) {
  const size_t floor = marks_.empty() ? 0 : marks_.back();
  OCTET_CHECK(stack_.size() - floor >= count, "the pickle takes ", count,
              " values from a stack of ", stack_.size() - floor, " at its byte ",
              reader_.position());
  Items items(stack_.end() - static_cast<ptrdiff_t>(count), stack_.end());
  stack_.resize(stack_.size() - count);
  return items;
}

PickleStack::Items PickleStack::pop_to_mark() {
  OCTET_CHECK(!marks_.empty(), "the pickle has no mark at its byte ", reader_.position());
  Items items = pop(stack_.size() - marks_.back());
  marks_.pop_back();
  return items;
}

bool PickleStack::extend(Kind kind, const Items& items) {
  OCTET_CHECK(!stack_.empty() && stack_.back()->kind == kind, "the pickle adds items to ",
              stack_.empty() ? "nothing" : name_of(stack_.back()->kind), ", expected ",
              name_of(kind), ", at its byte ", reader_.position());
  OCTET_CHECK(kind != Kind::dict || items.size() % 2 == 0,
              "the pickle has a key without a value at its byte ", reader_.position());
  Items& all = stack_.back()->items;
  all.insert(all.end(), items.begin(), items.end());
  return true;
}

bool PickleStack::remember(uint32_t index) {
  OCTET_CHECK(!stack_.empty(), "the pickle remembers nothing at its byte ", reader_.position());
  memo_[index] = stack_.back();
  return true;
}

bool PickleStack::recall(uint32_t index) {
  const auto found = memo_.find(index);
  OCTET_CHECK(found != memo_.end(), "the pickle recalls value ", index,
              ", which it never remembered");
  stack_.push_back(found->second);
  return true;
}

Pickle PickleStack::finish() {
  OCTET_CHECK(stack_.size() == 1 && marks_.empty(), "the pickle ends with ", stack_.size(),
              " values, expected one");
  refuse_cycles(stack_.back());
  pickle_.root = stack_.back();
  pickle_.bytes = reader_.position();
  return std::move(pickle_);
}

}  // namespace octet
