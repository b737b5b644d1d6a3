#include "weight_formats/pickle.h"

#include <fmt/format.h>

#include <array>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "weight_formats/pickle_names.h"
#include "weight_formats/pickled_tensor.h"

namespace pleat {
namespace {

constexpr std::size_t kMostValues = 4'000'000;  // a state dict of 1,000 tensors has about 20,000

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

// Two's complement, in as few bytes as it needs.
std::int64_t Machine::long_integer() {
  const std::size_t size = number(1);
  if (size > 8) refuse("an integer in it has more than 64 bits");
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
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse("its pickle pops from an empty stack");
  return stack_.back();
}

PickleId Machine::pop() {
  const PickleId id = top_of_stack();
  stack_.pop_back();
  return id;
}

std::vector<PickleId> Machine::pop_to_mark() {
  if (marks_.empty()) refuse("its pickle pops from an empty stack");
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
  const std::size_t place = find_pickle_name(module, word, file_, pickle_.substr(at_), read_.values.empty());
  push(Kind::kName, static_cast<std::int64_t>(place));
}

// Skips attributes, such as a state dict's `_metadata`: module versions, which no weight depends on.
void Machine::build() {
  if (value(pop()).kind != Kind::kDict) refuse("it sets attributes that are not a dict");
  top(Kind::kDict, "sets attributes of");
}

void Machine::recall(std::uint64_t place) {
  const auto found = memo_.find(place);
  if (found == memo_.end()) refuse("its pickle reads a memo entry that it never wrote");
  push(found->second);
}

void Machine::call() {
  const PickleValue given = value(pop());
  if (given.kind != Kind::kTuple) refuse("it calls something without a tuple of arguments");
  const PickleValue& called = value(pop());
  if (called.kind != Kind::kName) refuse(fmt::format("it calls {}", kind_name(called.kind)));
  const PickleName& known = pickle_name(static_cast<std::size_t>(called.number));
  const auto& arguments = given.items;
  const auto is = [&](std::size_t i, Kind kind) { return arguments.size() > i && value(arguments[i]).kind == kind; };
  if (known.role == PickleRole::kOrderedDict && arguments.empty()) return push(Kind::kDict);
  if (known.role == PickleRole::kSize && arguments.size() == 1 && is(0, Kind::kTuple)) return push(arguments[0]);
  if (known.role == PickleRole::kParameter && arguments.size() == 3 && is(0, Kind::kTensor) && is(1, Kind::kBool) &&
      is(2, Kind::kDict))
    return push(arguments[0]);
  if (known.role == PickleRole::kTensor && (arguments.size() == 6 || arguments.size() == 7) && is(0, Kind::kStorage) &&
      is(2, Kind::kTuple) && is(3, Kind::kTuple) && is(4, Kind::kBool) && is(5, Kind::kDict))
    return tensor(tensor_of(read_, arguments));
  refuse(fmt::format("it calls {}.{} in a way that torch.save does not write", known.module, known.name));
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
      return push(Kind::kInt, long_integer()), true;
    case 'G':  // a float; its value is never used
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

// Returns false at the pickle's end.
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
      return storage(storage_of(read_, pop())), true;
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
  if (at_ != pickle_.size()) refuse("its pickle has bytes after its end");
  return std::move(read_);
}

}  // namespace

const char* kind_name(PickleKind kind) {
  constexpr std::array kNames{"nothing", "true or false", "a whole number", "a number",  "a string", "a tuple",
                              "a list",  "a dict",        "a name",         "a storage", "a tensor"};
  return kNames[static_cast<std::size_t>(kind)];
}

Pickled read_pickle(std::string_view pickle, std::string_view file) { return Machine(pickle, file).run(); }

void refuse_weights(std::string_view file, const std::string& what) {
  throw DataError(
      "{}: {}; the file is damaged or not a state dict written by torch.save; get it again, or save the weights in "
      "Python: torch.save(model.state_dict(), 'weights.pth')",
      file, what);
}

}  // namespace pleat
