#include "model/pickle.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace pleat {
namespace {

constexpr std::size_t kMostValues = 4'000'000;  // a state dict of a thousand tensors has some 20,000
constexpr std::size_t kMostDimensions = 16;

// The names that a state dict needs, and what each is.
enum class Role : std::int64_t { kOrderedDict, kTensor, kParameter, kSize, kStorage };

struct Known {
  std::string_view module, name;
  Role role;
  std::string_view dtype = "";  // of a storage
  std::size_t item = 0;
};
constexpr std::array kKnown{Known{"collections", "OrderedDict", Role::kOrderedDict},
                            Known{"torch._utils", "_rebuild_tensor_v2", Role::kTensor},
                            Known{"torch._utils", "_rebuild_parameter", Role::kParameter},
                            Known{"torch", "Size", Role::kSize},
                            Known{"torch", "FloatStorage", Role::kStorage, "F32", 4},
                            Known{"torch", "LongStorage", Role::kStorage, "I64", 8},
                            Known{"torch", "HalfStorage", Role::kStorage, "F16", 2},
                            Known{"torch", "BFloat16Storage", Role::kStorage, "BF16", 2},
                            Known{"torch", "DoubleStorage", Role::kStorage, "F64", 8},
                            Known{"torch", "IntStorage", Role::kStorage, "I32", 4},
                            Known{"torch", "ShortStorage", Role::kStorage, "I16", 2},
                            Known{"torch", "CharStorage", Role::kStorage, "I8", 1},
                            Known{"torch", "ByteStorage", Role::kStorage, "U8", 1},
                            Known{"torch", "BoolStorage", Role::kStorage, "BOOL", 1},
                            Known{"torch", "ComplexFloatStorage", Role::kStorage, "C64", 8}};

class Machine {
 public:
  Machine(std::string_view pickle, std::string_view file) : pickle_(pickle), file_(file) {}
  Pickled run();

 private:
  using Kind = PickleKind;

  // Reading.
  [[noreturn]] void refuse(const std::string& what) const {
    refuse_weights(file_, fmt::format("{} (byte {} of its pickle)", what, begin_));
  }
  std::string_view take(std::size_t size);
  std::uint64_t number(std::size_t size);
  std::string_view line();
  std::int64_t long_integer();

  // The stack.
  PickleId make(PickleValue value);
  void push(PickleId id) { stack_.push_back(id); }
  void push(Kind kind, std::int64_t number = 0) { push(make({.kind = kind, .number = number})); }
  PickleId pop();
  std::vector<PickleId> pop_to_mark();
  PickleId top(Kind kind, const char* what) const;
  PickleValue& value(PickleId id) { return read_.values[id]; }
  const PickleValue& value(PickleId id) const { return read_.values[id]; }

  // Instructions.
  bool step();
  bool step_number(char code);
  bool step_container(char code);
  void tuple(std::vector<PickleId> items);
  void fill_list(const std::vector<PickleId>& items);
  void fill_dict(const std::vector<PickleId>& items);
  void name();
  void build();
  void call();
  void persistent();
  void remember(std::uint64_t place) { memo_[place] = top_of_stack(); }
  void recall(std::uint64_t place);
  PickleId top_of_stack() const;

  // What is called.
  PickleId make_tensor(const std::vector<PickleId>& arguments);
  std::vector<std::int64_t> sizes(PickleId tuple) const;
  std::int64_t size(PickleId id, const char* what) const;
  void check_inside(const PickledTensor& tensor) const;

  std::string_view pickle_, file_;
  std::size_t at_ = 0, begin_ = 0;  // where the instruction at work goes on, and began
  Pickled read_;
  std::vector<PickleId> stack_;
  std::vector<std::size_t> marks_;  // heights of the stack
  std::unordered_map<std::uint64_t, PickleId> memo_;
};

std::string_view Machine::take(std::size_t size) {
  if (size > pickle_.size() - at_) refuse("its pickle is cut short");
  at_ += size;
  return pickle_.substr(at_ - size, size);
}

// Little-endian, at most eight bytes.
std::uint64_t Machine::number(std::size_t size) {
  const std::string_view bytes = take(size);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return value;
}

std::string_view Machine::line() {
  const std::size_t end = pickle_.find('\n', at_);
  if (end == std::string_view::npos) refuse("its pickle is cut short");
  const std::string_view text = take(end - at_);
  ++at_;
  return text;
}

// Two's complement, in as few bytes as it needs.
std::int64_t Machine::long_integer() {
  const std::size_t size = number(1);
  if (size > 8) refuse("a whole number in it has more than 64 bits");
  if (size == 0) return 0;
  const unsigned unused = static_cast<unsigned>(64 - 8 * size);
  return static_cast<std::int64_t>(number(size) << unused) >> unused;
}

PickleId Machine::make(PickleValue value) {
  if (read_.values.size() == kMostValues) refuse(fmt::format("it holds more than {} values", kMostValues));
  read_.values.push_back(std::move(value));
  return static_cast<PickleId>(read_.values.size() - 1);
}

PickleId Machine::top_of_stack() const {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse("its pickle takes what it did not put down");
  return stack_.back();
}

PickleId Machine::pop() {
  const PickleId id = top_of_stack();
  stack_.pop_back();
  return id;
}

std::vector<PickleId> Machine::pop_to_mark() {
  if (marks_.empty()) refuse("its pickle takes what it did not put down");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<PickleId> items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

PickleId Machine::top(Kind kind, const char* what) const {
  const PickleId id = top_of_stack();
  if (value(id).kind != kind) refuse(fmt::format("it {} {}", what, kind_name(value(id).kind)));
  return id;
}

void Machine::tuple(std::vector<PickleId> items) { push(make({.kind = Kind::kTuple, .items = std::move(items)})); }

void Machine::fill_list(const std::vector<PickleId>& items) {
  auto& list = value(top(Kind::kList, "appends to")).items;
  list.insert(list.end(), items.begin(), items.end());
}

void Machine::fill_dict(const std::vector<PickleId>& items) {
  if (items.size() % 2 != 0) refuse("a key in it has no value");
  auto& dict = value(top(Kind::kDict, "sets a key of")).items;
  dict.insert(dict.end(), items.begin(), items.end());
}

void Machine::name() {
  const std::string_view module = line(), word = line();
  const auto* known = std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& each) {
    const bool storage = each.role == Role::kStorage && module == "torch.storage";
    return each.name == word && (each.module == module || storage);
  });
  if (known != kKnown.end()) return push(Kind::kName, known - kKnown.begin());
  const std::string full = shown(std::string(module) + "." + std::string(word));
  std::string_view next = pickle_.substr(at_);
  if (next.starts_with('q')) next.remove_prefix(std::min<std::size_t>(2, next.size()));
  if (read_.values.empty() && next.starts_with(")\x81")) {
    throw DataError(
        "{}: a whole network of class {}, pickled as such, of which pleat reads the weights alone; save these in "
        "Python, where that class is known: torch.save(model.state_dict(), 'weights.pth')",
        file_, full);
  }
  throw DataError(
      "{}: its pickle names {}, which is no part of a state dict; nothing of it was run; if you trust the file, save "
      "its weights alone in Python: torch.save(model.state_dict(), 'weights.pth')",
      file_, full);
}

// Attributes, such as a state dict's `_metadata`: versions of modules, which no weight depends on.
void Machine::build() {
  if (value(pop()).kind != Kind::kDict) refuse("it sets attributes that are no dict");
  top(Kind::kDict, "sets attributes of");
}

void Machine::recall(std::uint64_t place) {
  const auto found = memo_.find(place);
  if (found == memo_.end()) refuse("its pickle asks for what it did not keep");
  push(found->second);
}

void Machine::call() {
  const PickleValue given = value(pop());
  if (given.kind != Kind::kTuple) refuse("it calls something without a tuple of arguments");
  const PickleValue& called = value(pop());
  if (called.kind != Kind::kName) refuse(fmt::format("it calls {}", kind_name(called.kind)));
  const Known& known = kKnown[static_cast<std::size_t>(called.number)];
  const auto& arguments = given.items;
  const auto is = [&](std::size_t i, Kind kind) { return arguments.size() > i && value(arguments[i]).kind == kind; };
  if (known.role == Role::kOrderedDict && arguments.empty()) return push(Kind::kDict);
  if (known.role == Role::kSize && arguments.size() == 1 && is(0, Kind::kTuple)) return push(arguments[0]);
  if (known.role == Role::kParameter && arguments.size() == 3 && is(0, Kind::kTensor) && is(1, Kind::kBool) &&
      is(2, Kind::kDict))
    return push(arguments[0]);
  if (known.role == Role::kTensor && (arguments.size() == 6 || arguments.size() == 7) && is(0, Kind::kStorage) &&
      is(2, Kind::kTuple) && is(3, Kind::kTuple) && is(4, Kind::kBool) && is(5, Kind::kDict))
    return push(make_tensor(arguments));
  refuse(fmt::format("it calls {}.{} in a way that torch.save does not write", known.module, known.name));
}

std::int64_t Machine::size(PickleId id, const char* what) const {
  const PickleValue& given = value(id);
  if (given.kind != Kind::kInt || given.number < 0) refuse(fmt::format("a tensor in it has {} that is none", what));
  return given.number;
}

std::vector<std::int64_t> Machine::sizes(PickleId tuple) const {
  const auto& items = value(tuple).items;
  if (items.size() > kMostDimensions)
    refuse(fmt::format("a tensor in it has more than {} dimensions", kMostDimensions));
  std::vector<std::int64_t> all;
  for (const PickleId item : items) all.push_back(size(item, "a size or stride"));
  return all;
}

// Sizes of 0 count as 1 in the check for overflow: products of the others are strides.
void Machine::check_inside(const PickledTensor& tensor) const {
  const PickledStorage& storage = read_.storages[tensor.storage];
  std::int64_t count = 1, last = tensor.offset;
  bool empty = false, overflow = false;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    const std::int64_t wide = std::max<std::int64_t>(tensor.shape[i], 1);
    std::int64_t step = 0;
    empty = empty || tensor.shape[i] == 0;
    overflow = overflow || __builtin_mul_overflow(count, wide, &count) ||
               __builtin_mul_overflow(wide - 1, tensor.strides[i], &step) || __builtin_add_overflow(last, step, &last);
  }
  if (overflow) refuse("a tensor in it has a shape beyond what can be addressed");
  if (empty) return;
  if (last >= storage.count)
    refuse(fmt::format("a tensor in it reaches to number {} of the {} of its storage", last + 1, storage.count));
  if (count > storage.count) {
    refuse(
        fmt::format("a tensor in it shows {} numbers, but its storage has {} (was it expanded? save its .contiguous())",
                    count, storage.count));
  }
}

PickleId Machine::make_tensor(const std::vector<PickleId>& arguments) {
  PickledTensor tensor{.storage = static_cast<std::size_t>(value(arguments[0]).number),
                       .offset = size(arguments[1], "an offset"),
                       .shape = sizes(arguments[2]),
                       .strides = sizes(arguments[3])};
  if (tensor.shape.size() != tensor.strides.size()) refuse("a tensor in it has other strides than sizes");
  check_inside(tensor);
  read_.tensors.push_back(std::move(tensor));
  return make({.kind = Kind::kTensor, .number = static_cast<std::int64_t>(read_.tensors.size() - 1)});
}

// ('storage', its class, its key, the device it was on, the count of its numbers).
void Machine::persistent() {
  const PickleValue& id = value(pop());
  const auto& parts = id.items;
  const auto is = [&](std::size_t i, Kind kind) { return value(parts[i]).kind == kind; };
  if (id.kind != Kind::kTuple || parts.size() != 5 || !is(0, Kind::kText) || value(parts[0]).text != "storage" ||
      !is(1, Kind::kName) || !is(2, Kind::kText) || !is(3, Kind::kText))
    refuse("it holds something outside of the pickle that is no storage of a tensor");
  const Known& known = kKnown[static_cast<std::size_t>(value(parts[1]).number)];
  if (known.role != Role::kStorage) refuse(fmt::format("it has {}.{} for a storage", known.module, known.name));
  const std::int64_t count = size(parts[4], "a storage of a size");
  read_.storages.push_back({value(parts[2]).text, known.dtype, known.item, count});
  push(Kind::kStorage, static_cast<std::int64_t>(read_.storages.size() - 1));
}

bool Machine::step_number(char code) {
  switch (code) {
    case 'N':
      return push(Kind::kNone), true;
    case '\x88':
      return push(Kind::kBool, 1), true;
    case '\x89':
      return push(Kind::kBool, 0), true;
    case 'K':
      return push(Kind::kInt, static_cast<std::int64_t>(number(1))), true;
    case 'M':
      return push(Kind::kInt, static_cast<std::int64_t>(number(2))), true;
    case 'J':
      return push(Kind::kInt, static_cast<std::int32_t>(number(4))), true;
    case '\x8a':
      return push(Kind::kInt, long_integer()), true;
    case 'G':  // a float, of which nobody wants the value
      return take(8), push(Kind::kNumber), true;
    case 'X': {
      const std::string_view text = take(number(4));
      return push(make({.kind = Kind::kText, .text = text})), true;
    }
    default:
      return false;
  }
}

bool Machine::step_container(char code) {
  switch (code) {
    case '(':
      return marks_.push_back(stack_.size()), true;
    case '}':
      return push(Kind::kDict), true;
    case ']':
      return push(Kind::kList), true;
    case ')':
      return push(Kind::kTuple), true;
    case 't':
      return tuple(pop_to_mark()), true;
    case '\x85':
    case '\x86':
    case '\x87': {
      std::vector<PickleId> items(static_cast<std::size_t>(code - '\x84'));
      for (auto item = items.rbegin(); item != items.rend(); ++item) *item = pop();
      return tuple(std::move(items)), true;
    }
    case 'a':
      return fill_list({pop()}), true;
    case 'e':
      return fill_list(pop_to_mark()), true;
    case 's': {
      const PickleId given = pop(), key = pop();
      return fill_dict({key, given}), true;
    }
    case 'u':
      return fill_dict(pop_to_mark()), true;
    default:
      return false;
  }
}

// False at the pickle's end.
bool Machine::step() {
  begin_ = at_;
  const char code = take(1)[0];
  if (step_number(code) || step_container(code)) return true;
  switch (code) {
    case 'c':
      return name(), true;
    case 'R':
      return call(), true;
    case 'b':
      return build(), true;
    case 'Q':
      return persistent(), true;
    case 'q':
      return remember(number(1)), true;
    case 'r':
      return remember(number(4)), true;
    case 'h':
      return recall(number(1)), true;
    case 'j':
      return recall(number(4)), true;
    case '.':
      return false;
    default:
      refuse(fmt::format("its pickle has the instruction 0x{:02x}, which torch.save does not write for weights",
                         static_cast<unsigned char>(code)));
  }
}

Pickled Machine::run() {
  if (take(1)[0] != '\x80') refuse("its pickle does not begin as one");
  if (const auto protocol = number(1); protocol != 2) {
    throw DataError("{}: a pickle of protocol {}, of which pleat reads 2; save it again without pickle_protocol", file_,
                    protocol);
  }
  while (step()) {
  }
  read_.root = pop();
  if (!stack_.empty() || !marks_.empty()) refuse("its pickle ends amid something");
  if (at_ != pickle_.size()) refuse("its pickle goes on behind its end");
  return std::move(read_);
}

}  // namespace

const char* kind_name(PickleKind kind) {
  constexpr std::array kNames{"nothing", "true or false", "a whole number", "a number",  "a text",  "a tuple",
                              "a list",  "a dict",        "a name",         "a storage", "a tensor"};
  return kNames[static_cast<std::size_t>(kind)];
}

Pickled read_pickle(std::string_view pickle, std::string_view file) { return Machine(pickle, file).run(); }

void refuse_weights(std::string_view file, const std::string& what) {
  throw DataError(
      "{}: {}; the file is damaged or not what torch.save writes of a state dict; get it again, or save it anew in "
      "Python: torch.save(model.state_dict(), 'weights.pth')",
      file, what);
}

}  // namespace pleat
