#include "weight_formats/pickle.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "weight_formats/little_endian.h"
#include "weight_formats/pickle_machine.h"
#include "weight_formats/pickled_tensor.h"

namespace pleat {
std::string_view PickleMachine::take(std::size_t size) {
  if (size > pickle_.size() - at_) refuse("its pickle is cut short");
  at_ += size;
  return pickle_.substr(at_ - size, size);
}

std::uint64_t PickleMachine::number(std::size_t size) { return little_endian(take(size)); }

std::string_view PickleMachine::line() {
  const std::size_t end = pickle_.find('\n', at_);
  if (end == std::string_view::npos) refuse("its pickle is cut short");
  const std::string_view text = take(end - at_);
  ++at_;
  return text;
}

// Two's complement, in as few bytes as it needs. One of more than 64 bits (a random seed) is no size of a tensor.
void PickleMachine::long_integer(std::size_t size) {
  if (size > 8) return take(size), push(Kind::kNumber);
  if (size == 0) return push(Kind::kInt, 0);
  const unsigned unused = static_cast<unsigned>(64 - 8 * size);
  push(Kind::kInt, static_cast<std::int64_t>(number(size) << unused) >> unused);
}

PickleId PickleMachine::make(PickleValue value) {
  if (read_.values.size() == kMostValues) refuse(fmt::format("it holds more than {} values", kMostValues));
  read_.values.push_back(std::move(value));
  return static_cast<PickleId>(read_.values.size() - 1);
}

PickleId PickleMachine::top_of_stack() const {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse("its pickle pops from an empty stack");
  return stack_.back();
}

PickleId PickleMachine::pop() {
  const PickleId id = top_of_stack();
  stack_.pop_back();
  return id;
}

// Pops a value, or the mark if there is no value above it.
void PickleMachine::drop() {
  if (!marks_.empty() && marks_.back() == stack_.size()) return marks_.pop_back();
  pop();
}

std::vector<PickleId> PickleMachine::pop_to_mark() {
  if (marks_.empty()) refuse("its pickle pops from an empty stack");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<PickleId> items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

// Returns null for a foreign object, which takes anything.
PickleValue* PickleMachine::top(Kind kind, const char* what) {
  const PickleId id = top_of_stack();
  if (is(id, Kind::kForeign)) return nullptr;
  if (!is(id, kind)) refuse(fmt::format("it {} {}", what, kind_name(value(id).kind)));
  return &value(id);
}

void PickleMachine::tuple(std::vector<PickleId> items) {
  push(make({.kind = Kind::kTuple, .items = std::move(items)}));
}

void PickleMachine::fill_list(const std::vector<PickleId>& items) {
  PickleValue* list = top(Kind::kList, "appends to");
  if (list != nullptr) list->items.insert(list->items.end(), items.begin(), items.end());
}

void PickleMachine::fill_dict(const std::vector<PickleId>& items) {
  if (items.size() % 2 != 0) refuse("a key in it has no value");
  PickleValue* dict = top(Kind::kDict, "sets a key of");
  if (dict != nullptr) dict->items.insert(dict->items.end(), items.begin(), items.end());
}

void PickleMachine::recall(std::uint64_t place) {
  const auto found = memo_.find(place);
  if (found == memo_.end()) refuse("its pickle reads a memo entry that it never wrote");
  push(found->second);
}

bool PickleMachine::step_number(char code) {
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

bool PickleMachine::step_container(char code) {
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
bool PickleMachine::step() {
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

Pickled PickleMachine::run() {
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
  PickleMachine machine(bytes, file);
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
