#include "tensor/pickle.h"

#include <algorithm>
#include <bit>
#include <string>
#include <unordered_map>
#include <utility>

#include "tensor/pickle_opcodes.h"

namespace octet {
namespace {

using Kind = PickleValue::Kind;

constexpr std::string_view kOrderedDict = "collections.OrderedDict";
constexpr std::string_view kTensorV1 = "torch._utils._rebuild_tensor";
constexpr std::string_view kTensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kQuantizedTensor = "torch._utils._rebuild_qtensor";
constexpr std::string_view kParameter = "torch._utils._rebuild_parameter";

// Everything a pickle may name.
constexpr std::string_view kGlobals[] = {
    kOrderedDict,
    kTensorV1,
    kTensor,
    kQuantizedTensor,
    kParameter,
    "torch.DoubleStorage",
    "torch.FloatStorage",
    "torch.HalfStorage",
    "torch.BFloat16Storage",
    "torch.LongStorage",
    "torch.IntStorage",
    "torch.ShortStorage",
    "torch.CharStorage",
    "torch.ByteStorage",
    "torch.BoolStorage",
    "torch.QInt8Storage",
    "torch.QUInt8Storage",
    // How a tensor is quantized, and what a packed linear layer says of itself.
    "torch.per_tensor_affine",
    "torch.per_channel_affine",
    "torch.qint8",
};

// A value takes about 70 bytes of memory and as little as one byte of the file. The largest state
// dicts have some 100000.
constexpr size_t kMostValues = size_t{1} << 22;
constexpr size_t kDeepest = 1000;

[[noreturn]] void refuse_global(std::string_view name) {
  fail("the pickle asks for ", printable(name),
       ", which is not a tensor; refused, nothing was executed");
}

class Interpreter {
 public:
  explicit Interpreter(Bytes bytes) : reader_(bytes, "the pickle") {}

  Pickle run() {
    while (true) {
      const uint8_t opcode = reader_.number<uint8_t>();
      if (opcode == kStop) break;
      if (!data(opcode) && !container(opcode) && !memo(opcode)) object(opcode);
    }
    OCTET_CHECK(stack_.size() == 1 && marks_.empty(), "the pickle ends with ", stack_.size(),
                " values, expected one");
    refuse_cycles(stack_.back());
    pickle_.root = stack_.back();
    pickle_.bytes = reader_.position();
    return std::move(pickle_);
  }

 private:
  using Items = std::vector<PickleValue*>;

  // Each of these four handles one family of opcodes and says whether the opcode was of it.
  bool data(uint8_t opcode) {
    switch (opcode) {
      case kNone:
        return push(Kind::none);
      case kNewTrue:
        return push_integer(1);
      case kNewFalse:
        return push_integer(0);
      case kBinInt:
        return push_integer(reader_.number<int32_t>());
      case kBinInt1:
        return push_integer(reader_.number<uint8_t>());
      case kBinInt2:
        return push_integer(reader_.number<uint16_t>());
      case kLong1:
        return push_long(reader_.take(reader_.number<uint8_t>()));
      case kBinFloat:
        return push_real(reader_.take(8));
      case kShortBinString:
      case kShortBinUnicode:
        return push_text(reader_.take(reader_.number<uint8_t>()));
      case kBinString:
      case kBinUnicode:
        return push_text(reader_.take(reader_.number<uint32_t>()));
      case kBinUnicode8:
        return push_text(reader_.take(reader_.number<uint64_t>()));
      case kShortBinBytes:
        reader_.take(reader_.number<uint8_t>());
        return push(Kind::other);
      case kBinBytes:
        reader_.take(reader_.number<uint32_t>());
        return push(Kind::other);
      case kBinBytes8:
        reader_.take(reader_.number<uint64_t>());
        return push(Kind::other);
    }
    return false;
  }

  bool container(uint8_t opcode) {
    switch (opcode) {
      case kMark:
        OCTET_CHECK(marks_.size() < kDeepest, "the pickle is nested deeper than ", kDeepest);
        marks_.push_back(stack_.size());
        return true;
      case kEmptyTuple:
        return push(Kind::tuple);
      case kEmptyList:
      case kEmptySet:
        return push(Kind::list);
      case kEmptyDict:
        return push(Kind::dict);
      case kTuple:
        return push(Kind::tuple, pop_to_mark());
      case kTuple1:
        return push(Kind::tuple, pop(1));
      case kTuple2:
        return push(Kind::tuple, pop(2));
      case kTuple3:
        return push(Kind::tuple, pop(3));
      case kAppend:
        return extend(Kind::list, pop(1));
      case kAppends:
      case kAddItems:
        return extend(Kind::list, pop_to_mark());
      case kSetItem:
        return extend(Kind::dict, pop(2));
      case kSetItems:
        return extend(Kind::dict, pop_to_mark());
    }
    return false;
  }

  bool memo(uint8_t opcode) {
    switch (opcode) {
      case kBinPut:
        return remember(reader_.number<uint8_t>());
      case kLongBinPut:
        return remember(reader_.number<uint32_t>());
      case kMemoize:
        return remember(static_cast<uint32_t>(memo_.size()));
      case kBinGet:
        return recall(reader_.number<uint8_t>());
      case kLongBinGet:
        return recall(reader_.number<uint32_t>());
      case kProto: {
        const int protocol = reader_.number<uint8_t>();
        OCTET_CHECK(protocol >= 2 && protocol <= 5, "the pickle is of protocol ", protocol,
                    ", expected 2 to 5");
        return true;
      }
      case kFrame: {
        const uint64_t frame = reader_.number<uint64_t>();
        OCTET_CHECK(frame <= reader_.left(), "the pickle is truncated: a frame of ", frame,
                    " bytes, ", reader_.left(), " are left");
        return true;
      }
    }
    return false;
  }

  void object(uint8_t opcode) {
    switch (opcode) {
      case kGlobal: {
        const std::string_view module = reader_.line();
        push_global(module, reader_.line());
        return;
      }
      case kStackGlobal: {
        const Items names = pop(2);
        OCTET_CHECK(names[0]->kind == Kind::text && names[1]->kind == Kind::text,
                    "the pickle asks for a global whose name is not a text; refused");
        push_global(names[0]->text, names[1]->text);
        return;
      }
      case kReduce: {
        const Items call = pop(2);
        reduce(*call[0], *call[1]);
        return;
      }
      case kBuild: {
        const Items state = pop(1);
        // An OrderedDict's attributes: torch.save writes the version numbers of the modules.
        OCTET_CHECK(
            !stack_.empty() && stack_.back()->kind == Kind::dict && state[0]->kind == Kind::dict,
            "the pickle sets the state of an object (BUILD), expected an OrderedDict with "
            "a dict as its state; refused, nothing was executed");
        return;
      }
      case kBinPersId: {
        const Items id = pop(1);
        OCTET_CHECK(id[0]->kind == Kind::tuple, "the pickle has ", name_of(id[0]->kind),
                    " as a persistent id, expected a tuple");
        push(Kind::storage, id[0]->items);
        return;
      }
      default:
        refuse_opcode(opcode);
    }
  }

  [[noreturn]] void refuse_opcode(uint8_t opcode) {
    const size_t at = reader_.position() - 1;
    if (opcode == kInst) {
      const std::string module(reader_.line());
      refuse_global(module + "." + std::string(reader_.line()));
    }
    const bool makes_objects = opcode == kObj || opcode == kNewObj || opcode == kNewObjEx;
    OCTET_CHECK(!makes_objects, "the pickle makes an object of a class (opcode ", int{opcode},
                " at byte ", at, "), which is not a tensor; refused, nothing was executed");
    fail("the pickle has opcode ", int{opcode}, " at byte ", at,
         ", which dicts of tensors do not need; refused, nothing was executed");
  }

  void reduce(const PickleValue& function, const PickleValue& arguments) {
    OCTET_CHECK(function.kind == Kind::global && arguments.kind == Kind::tuple, "the pickle calls ",
                name_of(function.kind), " with ", name_of(arguments.kind),
                "; refused, nothing was executed");
    const Items& items = arguments.items;
    if (function.text == kOrderedDict) {
      push(Kind::dict, pairs(items));
    } else if (function.text == kTensor || function.text == kTensorV1) {
      OCTET_CHECK(items.size() >= 4 && items[0]->kind == Kind::storage,
                  "the pickle makes a tensor of something that is not a storage");
      push(Kind::tensor, items);
    } else if (function.text == kQuantizedTensor) {
      OCTET_CHECK(items.size() >= 5 && items[0]->kind == Kind::storage,
                  "the pickle makes a quantized tensor of something that is not a storage");
      push(Kind::quantized_tensor, items);
    } else if (function.text == kParameter) {
      OCTET_CHECK(!items.empty() && items[0]->kind == Kind::tensor,
                  "the pickle makes a parameter of something that is not a tensor");
      stack_.push_back(items[0]);
    } else {
      fail("the pickle calls ", function.text, "; refused, nothing was executed");
    }
  }

  // The arguments of OrderedDict: none, or (Python 2) a list of [key, value].
  static Items pairs(const Items& arguments) {
    Items flat;
    if (arguments.empty()) return flat;
    OCTET_CHECK(arguments.size() == 1 && arguments[0]->kind == Kind::list,
                "the pickle makes an OrderedDict of something that is not a list");
    for (const PickleValue* pair : arguments[0]->items) {
      const bool is_pair = pair->kind == Kind::list || pair->kind == Kind::tuple;
      OCTET_CHECK(is_pair && pair->items.size() == 2,
                  "the pickle makes an OrderedDict of something that is not pairs");
      flat.insert(flat.end(), pair->items.begin(), pair->items.end());
    }
    return flat;
  }

  PickleValue& add(Kind kind) {
    OCTET_CHECK(pickle_.values.size() < kMostValues, "the pickle has more than ", kMostValues,
                " values, which no dict of tensors needs");
    pickle_.values.emplace_back().kind = kind;
    stack_.push_back(&pickle_.values.back());
    return pickle_.values.back();
  }
  bool push(Kind kind, Items items = {}) {
    add(kind).items = std::move(items);
    return true;
  }
  bool push_integer(int64_t integer) {
    add(Kind::integer).integer = integer;
    return true;
  }
  // Big-endian, alone among the numbers of a pickle.
  bool push_real(Bytes bytes) {
    uint64_t bits = 0;
    for (const uint8_t byte : bytes) bits = bits << 8 | byte;
    add(Kind::real).real = std::bit_cast<double>(bits);
    return true;
  }
  bool push_text(Bytes bytes) {
    add(Kind::text).text = text_of(bytes);
    return true;
  }
  // Two's complement, little-endian, as few bytes as will do.
  bool push_long(Bytes bytes) {
    if (bytes.size() > 8) return push(Kind::other);
    uint64_t value = !bytes.empty() && (bytes.back() & 0x80) ? ~uint64_t{0} : 0;
    for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
    return push_integer(static_cast<int64_t>(value));
  }
  void push_global(std::string_view module, std::string_view name) {
    const std::string full = std::string(module) + "." + std::string(name);
    const auto* known = std::find(std::begin(kGlobals), std::end(kGlobals), full);
    if (known == std::end(kGlobals)) refuse_global(full);
    add(Kind::global).text = *known;
  }

  Items pop(size_t count) {
    const size_t floor = marks_.empty() ? 0 : marks_.back();
    OCTET_CHECK(stack_.size() - floor >= count, "the pickle takes ", count,
                " values from a stack of ", stack_.size() - floor, " at its byte ",
                reader_.position());
    Items items(stack_.end() - static_cast<ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return items;
  }
  Items pop_to_mark() {
    OCTET_CHECK(!marks_.empty(), "the pickle has no mark at its byte ", reader_.position());
    Items items = pop(stack_.size() - marks_.back());
    marks_.pop_back();
    return items;
  }

  bool extend(Kind kind, const Items& items) {
    OCTET_CHECK(!stack_.empty() && stack_.back()->kind == kind, "the pickle adds items to ",
                stack_.empty() ? "nothing" : name_of(stack_.back()->kind), ", expected ",
                name_of(kind), ", at its byte ", reader_.position());
    OCTET_CHECK(kind != Kind::dict || items.size() % 2 == 0,
                "the pickle has a key without a value at its byte ", reader_.position());
    Items& all = stack_.back()->items;
    all.insert(all.end(), items.begin(), items.end());
    return true;
  }

  bool remember(uint32_t index) {
    OCTET_CHECK(!stack_.empty(), "the pickle remembers nothing at its byte ", reader_.position());
    memo_[index] = stack_.back();
    return true;
  }
  bool recall(uint32_t index) {
    const auto found = memo_.find(index);
    OCTET_CHECK(found != memo_.end(), "the pickle recalls value ", index,
                ", which it never remembered");
    stack_.push_back(found->second);
    return true;
  }

  // Depth first with a stack of our own: a file must not choose how deep we recurse.
  static void refuse_cycles(PickleValue* root) {
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
      OCTET_CHECK(path.size() < kDeepest, "the pickle is nested deeper than ", kDeepest);
      item->visit = PickleValue::Visit::open;
      path.emplace_back(item, 0);
    }
  }

  ByteReader reader_;
  Pickle pickle_;
  Items stack_;
  std::vector<size_t> marks_;  // sizes of the stack
  std::unordered_map<uint32_t, PickleValue*> memo_;
};

}  // namespace

Pickle read_pickle(Bytes bytes) { return Interpreter(bytes).run(); }

const char* name_of(PickleValue::Kind kind) {
  constexpr const char* kNames[] = {"None",     "an integer", "a float",  "a plain value",
                                    "a text",   "a tuple",    "a list",   "a dict",
                                    "a global", "a storage",  "a tensor", "a quantized tensor"};
  return kNames[static_cast<int>(kind)];
}

}  // namespace octet
