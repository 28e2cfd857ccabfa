#include "tensor/pickle.h"

#include <algorithm>
#include <string>
#include <utility>

#include "tensor/pickle_opcodes.h"
#include "tensor/pickle_stack.h"

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

[[noreturn]] void refuse_global(std::string_view name) {
  fail("the pickle asks for ", printable(name),
       ", which is not a tensor; refused, nothing was executed");
}

class Interpreter {
 public:
  explicit Interpreter(Bytes bytes) : reader_(bytes, "the pickle"), stack_(reader_) {}

  Pickle run() {
    while (true) {
      const uint8_t opcode = reader_.number<uint8_t>();
      if (opcode == kStop) break;
      if (!data(opcode) && !container(opcode) && !memo(opcode)) object(opcode);
    }
    return stack_.finish();
  }

 private:
  using Items = PickleStack::Items;

  // Each of these four handles one family of opcodes and says whether the opcode was of it.
  bool data(uint8_t opcode) {
    switch (opcode) {
      case kNone:
        return stack_.push(Kind::none);
      case kNewTrue:
        return stack_.push_integer(1);
      case kNewFalse:
        return stack_.push_integer(0);
      case kBinInt:
        return stack_.push_integer(reader_.number<int32_t>());
      case kBinInt1:
        return stack_.push_integer(reader_.number<uint8_t>());
      case kBinInt2:
        return stack_.push_integer(reader_.number<uint16_t>());
      case kLong1:
        return stack_.push_long(reader_.take(reader_.number<uint8_t>()));
      case kBinFloat:
        return stack_.push_real(reader_.take(8));
      case kShortBinString:
      case kShortBinUnicode:
        return stack_.push_text(reader_.take(reader_.number<uint8_t>()));
      case kBinString:
      case kBinUnicode:
        return stack_.push_text(reader_.take(reader_.number<uint32_t>()));
      case kBinUnicode8:
        return stack_.push_text(reader_.take(reader_.number<uint64_t>()));
      case kShortBinBytes:
        reader_.take(reader_.number<uint8_t>());
        return stack_.push(Kind::other);
      case kBinBytes:
        reader_.take(reader_.number<uint32_t>());
        return stack_.push(Kind::other);
      case kBinBytes8:
        reader_.take(reader_.number<uint64_t>());
        return stack_.push(Kind::other);
    }
    return false;
  }

  bool container(uint8_t opcode) {
    switch (opcode) {
      case kMark:
        return stack_.mark();
      case kEmptyTuple:
        return stack_.push(Kind::tuple);
      case kEmptyList:
      case kEmptySet:
        return stack_.push(Kind::list);
      case kEmptyDict:
        return stack_.push(Kind::dict);
      case kTuple:
        return stack_.push(Kind::tuple, stack_.pop_to_mark());
      case kTuple1:
        return stack_.push(Kind::tuple, stack_.pop(1));
      case kTuple2:
        return stack_.push(Kind::tuple, stack_.pop(2));
      case kTuple3:
        return stack_.push(Kind::tuple, stack_.pop(3));
      case kAppend:
        return stack_.extend(Kind::list, stack_.pop(1));
      case kAppends:
      case kAddItems:
        return stack_.extend(Kind::list, stack_.pop_to_mark());
      case kSetItem:
        return stack_.extend(Kind::dict, stack_.pop(2));
      case kSetItems:
        return stack_.extend(Kind::dict, stack_.pop_to_mark());
    }
    return false;
  }

  bool memo(uint8_t opcode) {
    switch (opcode) {
      case kBinPut:
        return stack_.remember(reader_.number<uint8_t>());
      case kLongBinPut:
        return stack_.remember(reader_.number<uint32_t>());
      case kMemoize:
        return stack_.memoize();
      case kBinGet:
        return stack_.recall(reader_.number<uint8_t>());
      case kLongBinGet:
        return stack_.recall(reader_.number<uint32_t>());
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
        const Items names = stack_.pop(2);
        OCTET_CHECK(names[0]->kind == Kind::text && names[1]->kind == Kind::text,
                    "the pickle asks for a global whose name is not a text; refused");
        push_global(names[0]->text, names[1]->text);
        return;
      }
      case kReduce: {
        const Items call = stack_.pop(2);
        reduce(*call[0], *call[1]);
        return;
      }
      case kBuild: {
        const Items state = stack_.pop(1);
        // An OrderedDict's attributes: torch.save writes the version numbers of the modules.
        OCTET_CHECK(stack_.top() != nullptr && stack_.top()->kind == Kind::dict &&
                        state[0]->kind == Kind::dict,
                    "the pickle sets the state of an object (BUILD), expected an OrderedDict with "
                    "a dict as its state; refused, nothing was executed");
        return;
      }
      case kBinPersId: {
        const Items id = stack_.pop(1);
        OCTET_CHECK(id[0]->kind == Kind::tuple, "the pickle has ", name_of(id[0]->kind),
                    " as a persistent id, expected a tuple");
        stack_.push(Kind::storage, id[0]->items);
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
      stack_.push(Kind::dict, pairs(items));
    } else if (function.text == kTensor || function.text == kTensorV1) {
      OCTET_CHECK(items.size() >= 4 && items[0]->kind == Kind::storage,
                  "the pickle makes a tensor of something that is not a storage");
      stack_.push(Kind::tensor, items);
    } else if (function.text == kQuantizedTensor) {
      OCTET_CHECK(items.size() >= 5 && items[0]->kind == Kind::storage,
                  "the pickle makes a quantized tensor of something that is not a storage");
      stack_.push(Kind::quantized_tensor, items);
    } else if (function.text == kParameter) {
      OCTET_CHECK(!items.empty() && items[0]->kind == Kind::tensor,
                  "the pickle makes a parameter of something that is not a tensor");
      stack_.push_again(items[0]);
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

  void push_global(std::string_view module, std::string_view name) {
    const std::string full = std::string(module) + "." + std::string(name);
    const auto* known = std::find(std::begin(kGlobals), std::end(kGlobals), full);
    if (known == std::end(kGlobals)) refuse_global(full);
    stack_.add(Kind::global).text = *known;
  }

  ByteReader reader_;
  PickleStack stack_;
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
