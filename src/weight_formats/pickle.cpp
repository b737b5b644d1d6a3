#include "weight_formats/pickle.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "weight_formats/pickle_names.h"
#include "weight_formats/pickled_tensor.h"

namespace pleat {
namespace {

constexpr std::size_t kMostValues = 4'000'000;  // a state dict of 1,000 tensors has about 20,000

class Machine {
 public:
  Machine(std::string_view pickle, std::string_view file) : pickle_(pickle), file_(file) {}
  Pickled run();
  std::size_t size() const { return at_; }

 private:
  using Kind = PickleKind;

  // Reading.
  [[noreturn]] void refuse(const std::string& what) const {
    refuse_weights(file_, fmt::format("{} (byte {} of its pickle)", what, begin_));
  }
  bool is(PickleId id, Kind kind) const { return value(id).kind == kind; }
  std::string_view take(std::size_t size);
  std::uint64_t number(std::size_t size);
  std::string_view line();
  void long_integer(std::size_t size);

  // The stack.
  PickleId make(PickleValue value);
  void push(PickleId id) { stack_.push_back(id); }
  void push(Kind kind, std::int64_t number = 0) { push(make({.kind = kind, .number = number})); }
  PickleId pop();
  void drop();
  std::vector<PickleId> pop_to_mark();
  PickleValue* top(Kind kind, const char* what);
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
  bool call_known(const PickleName& known, const std::vector<PickleId>& arguments);
  bool dict_of_pairs(const std::vector<PickleId>& pairs);
  void persistent();
  void foreign(PickledForeign made);
  bool pass_on_foreign(const std::vector<PickleId>& parts);
  void tensor(PickledTensor made);
  void storage(const PickledStorage& made);
  void remember(std::uint64_t place) { memo_[place] = top_of_stack(); }
  void recall(std::uint64_t place);
  PickleId top_of_stack() const;

  std::string_view pickle_, file_;
  std::size_t at_ = 0, begin_ = 0;  // place in the pickle, and begin of the current instruction
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

// Two's complement, in as few bytes as it needs. One of more than 64 bits (a random seed) is no size of a tensor.
void Machine::long_integer(std::size_t size) {
  if (size > 8) return take(size), push(Kind::kNumber);
  if (size == 0) return push(Kind::kInt, 0);
  const unsigned unused = static_cast<unsigned>(64 - 8 * size);
  push(Kind::kInt, static_cast<std::int64_t>(number(size) << unused) >> unused);
}

PickleId Machine::make(PickleValue value) {
  if (read_.values.size() == kMostValues) refuse(fmt::format("it holds more than {} values", kMostValues));
  read_.values.push_back(std::move(value));
  return static_cast<PickleId>(read_.values.size() - 1);
}

PickleId Machine::top_of_stack() const {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse("its pickle pops from an empty stack");
  return stack_.back();
}

PickleId Machine::pop() {
  const PickleId id = top_of_stack();
  stack_.pop_back();
  return id;
}

// Pops a value, or the mark if there is no value above it.
void Machine::drop() {
  if (!marks_.empty() && marks_.back() == stack_.size()) return marks_.pop_back();
  pop();
}

std::vector<PickleId> Machine::pop_to_mark() {
  if (marks_.empty()) refuse("its pickle pops from an empty stack");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<PickleId> items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

// Returns null for a foreign object, which takes anything.
PickleValue* Machine::top(Kind kind, const char* what) {
  const PickleId id = top_of_stack();
  if (is(id, Kind::kForeign)) return nullptr;
  if (!is(id, kind)) refuse(fmt::format("it {} {}", what, kind_name(value(id).kind)));
  return &value(id);
}

void Machine::tuple(std::vector<PickleId> items) { push(make({.kind = Kind::kTuple, .items = std::move(items)})); }

void Machine::fill_list(const std::vector<PickleId>& items) {
  PickleValue* list = top(Kind::kList, "appends to");
  if (list != nullptr) list->items.insert(list->items.end(), items.begin(), items.end());
}

void Machine::fill_dict(const std::vector<PickleId>& items) {
  if (items.size() % 2 != 0) refuse("a key in it has no value");
  PickleValue* dict = top(Kind::kDict, "sets a key of");
  if (dict != nullptr) dict->items.insert(dict->items.end(), items.begin(), items.end());
}

void Machine::name() {
  const std::string_view module = line(), word = line();
  if (const auto place = find_pickle_name(module, word)) return push(Kind::kName, static_cast<std::int64_t>(*place));
  foreign({.name = fmt::format("{}.{}", module, word)});
}

void Machine::foreign(PickledForeign made) {
  read_.foreign.push_back(std::move(made));
  push(Kind::kForeign, static_cast<std::int64_t>(read_.foreign.size() - 1));
}

// What holds a foreign object where torch.save has something else is foreign too.
bool Machine::pass_on_foreign(const std::vector<PickleId>& parts) {
  const auto found = std::find_if(parts.begin(), parts.end(), [&](PickleId id) { return is(id, Kind::kForeign); });
  if (found == parts.end()) return false;
  return push(Kind::kForeign, value(*found).number), true;
}

// Skips attributes, such as a state dict's `_metadata`: module versions, which no weight depends on.
void Machine::build() {
  const PickleId state = pop();
  if (top(Kind::kDict, "sets attributes of") != nullptr) {
    if (!is(state, Kind::kDict)) refuse("it sets attributes that are not a dict");
    return;
  }
  const auto& keys = value(state).items;
  PickledForeign& object = read_.foreign[static_cast<std::size_t>(value(top_of_stack()).number)];
  for (std::size_t i = 0; is(state, Kind::kDict) && i < keys.size(); i += 2)
    object.network = object.network || value(keys[i]).text == "_modules";
}

void Machine::recall(std::uint64_t place) {
  const auto found = memo_.find(place);
  if (found == memo_.end()) refuse("its pickle reads a memo entry that it never wrote");
  push(found->second);
}

void Machine::call() {
  const PickleValue given = value(pop());
  if (given.kind != Kind::kTuple) refuse("it calls something without a tuple of arguments");
  const PickleValue called = value(pop());
  if (called.kind == Kind::kForeign) return push(Kind::kForeign, called.number);
  if (called.kind != Kind::kName) refuse(fmt::format("it calls {}", kind_name(called.kind)));
  const PickleName& known = pickle_name(static_cast<std::size_t>(called.number));
  if (call_known(known, given.items) || pass_on_foreign(given.items)) return;
  refuse(fmt::format("it calls {}.{} in a way that torch.save does not write", known.module, known.name));
}

// Returns false for arguments that the name does not take.
bool Machine::call_known(const PickleName& known, const std::vector<PickleId>& arguments) {
  const auto kinds_are = [&](const std::vector<std::optional<Kind>>& kinds) {
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      if (i >= arguments.size() || (kinds[i] && !is(arguments[i], *kinds[i]))) return false;
    }
    return true;
  };
  const std::size_t count = arguments.size();
  const bool tensor_view = kinds_are({Kind::kStorage, std::nullopt, Kind::kTuple, Kind::kTuple});
  switch (known.role) {
    case PickleRole::kOrderedDict:
      if (count == 0) return push(Kind::kDict), true;
      return count == 1 && kinds_are({Kind::kList}) && dict_of_pairs(value(arguments[0]).items);
    case PickleRole::kSize:
      return count == 1 && kinds_are({Kind::kTuple}) && (push(arguments[0]), true);
    case PickleRole::kParameter:
      return count == 3 && kinds_are({Kind::kTensor, Kind::kBool, Kind::kDict}) && (push(arguments[0]), true);
    case PickleRole::kOldTensor:
      return count == 4 && tensor_view && (tensor(tensor_of(read_, arguments)), true);
    case PickleRole::kTensor:
      return (count == 6 || count == 7) && tensor_view && is(arguments[4], Kind::kBool) &&
             is(arguments[5], Kind::kDict) && (tensor(tensor_of(read_, arguments)), true);
    case PickleRole::kStorage:
      return false;
  }
  return false;
}

// Python 2 wrote an OrderedDict as a list of lists of a key and a value.
bool Machine::dict_of_pairs(const std::vector<PickleId>& pairs) {
  PickleValue dict{.kind = Kind::kDict};
  for (const PickleId pair : pairs) {
    const PickleValue& each = value(pair);
    if ((each.kind != Kind::kList && each.kind != Kind::kTuple) || each.items.size() != 2) return false;
    dict.items.insert(dict.items.end(), each.items.begin(), each.items.end());
  }
  return push(make(std::move(dict))), true;
}

// A tensor's storage, or the class of a module in a whole network before PyTorch 1.6: ('module', class, file, source).
void Machine::persistent() {
  const PickleId id = pop();
  const auto& parts = value(id).items;
  if (is(id, Kind::kTuple) && parts.size() > 1 && is(parts[1], Kind::kForeign))
    return push(Kind::kForeign, value(parts[1]).number);
  storage(storage_of(read_, id));
}

void Machine::tensor(PickledTensor made) {
  read_.tensors.push_back(std::move(made));
  push(Kind::kTensor, static_cast<std::int64_t>(read_.tensors.size() - 1));
}

void Machine::storage(const PickledStorage& made) {
  read_.storages.push_back(made);
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
      return long_integer(number(1)), true;
    case '\x8b':
      return long_integer(number(4)), true;
    case 'G':  // a float; its value is never used
      return take(8), push(Kind::kNumber), true;
    case 'X':
    case 'T':
    case 'U': {  // the latter two are Python 2's
      const std::string_view text = take(number(code == 'U' ? 1 : 4));
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

// Returns false at the pickle's end.
bool Machine::step() {
  begin_ = at_;
  const char code = take(1)[0];
  if (step_number(code) || step_container(code)) return true;
  switch (code) {
    case 'c':
      return name(), true;
    case 'R':
    case '\x81':  // a new object; only foreign classes are written so
      return call(), true;
    case '0':
      return drop(), true;
    case '1':
      return pop_to_mark(), true;
    case '2':
      return push(top_of_stack()), true;
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
  if (take(1)[0] != '\x80') refuse("its pickle does not start with a protocol");
  if (const auto protocol = number(1); protocol != 2) {
    throw DataError("{}: pickle protocol {}, but pleat reads only protocol 2; save it again without pickle_protocol",
                    file_, protocol);
  }
  try {
    while (step()) {
    }
  } catch (const PickleFault& fault) {
    refuse(fault.what());
  }
  read_.root = pop();
  if (!stack_.empty() || !marks_.empty()) refuse("its pickle ends with values left on the stack");
  return std::move(read_);
}

}  // namespace

const char* kind_name(PickleKind kind) {
  constexpr std::array kNames{"nothing",  "true or false", "a whole number", "a number",
                              "a string", "a tuple",       "a list",         "a dict",
                              "a name",   "a storage",     "a tensor",       "a foreign object"};
  return kNames[static_cast<std::size_t>(kind)];
}

Pickled read_pickle(std::string_view pickle, std::string_view file) {
  std::size_t size = 0;
  Pickled read = read_pickle_at_begin(pickle, file, size);
  if (size != pickle.size()) refuse_weights(file, fmt::format("its pickle has bytes after its end at byte {}", size));
  return read;
}

Pickled read_pickle_at_begin(std::string_view bytes, std::string_view file, std::size_t& size) {
  Machine machine(bytes, file);
  Pickled read = machine.run();
  size = machine.size();
  return read;
}

void refuse_foreign(const PickledForeign& foreign, const std::string& where, std::string_view file) {
  if (foreign.network) {
    throw DataError(
        "{}: {}a whole network of class {}, but pleat reads only weights; save the weights in Python, where that class "
        "can be imported: torch.save(model.state_dict(), 'weights.pth')",
        file, where.empty() ? "" : where + " is ", shown(foreign.name));
  }
  throw DataError(
      "{}: {} names {}, which does not belong in a state dict; pleat ran nothing from it; if you trust the file, save "
      "only its weights in Python: torch.save(model.state_dict(), 'weights.pth')",
      file, where.empty() ? "its pickle" : where, shown(foreign.name));
}

void refuse_weights(std::string_view file, const std::string& what) {
  throw DataError(
      "{}: {}; the file is damaged or not a state dict written by torch.save; get it again, or save the weights in "
      "Python: torch.save(model.state_dict(), 'weights.pth')",
      file, what);
}

}  // namespace pleat
