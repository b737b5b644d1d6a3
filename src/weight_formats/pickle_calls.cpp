// The machine's instructions that name, call and build objects.
#include <algorithm>
#include <optional>
#include <utility>

#include "weight_formats/pickle_machine.h"
#include "weight_formats/pickled_tensor.h"

namespace pleat {

void PickleMachine::name() {
  const std::string_view module = line(), word = line();
  if (const auto place = find_pickle_name(module, word)) return push(Kind::kName, static_cast<std::int64_t>(*place));
  foreign({.name = fmt::format("{}.{}", module, word)});
}

void PickleMachine::foreign(PickledForeign made) {
  read_.foreign.push_back(std::move(made));
  push(Kind::kForeign, static_cast<std::int64_t>(read_.foreign.size() - 1));
}

// A call or tuple with a foreign object where torch.save writes something else is foreign, too.
bool PickleMachine::pass_on_foreign(const std::vector<PickleId>& parts) {
  const auto found = std::find_if(parts.begin(), parts.end(), [&](PickleId id) { return is(id, Kind::kForeign); });
  if (found == parts.end()) return false;
  return push(Kind::kForeign, value(*found).number), true;
}

// Skips attributes, such as a state dict's `_metadata`: module versions, which no weight depends on.
void PickleMachine::build() {
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

void PickleMachine::call() {
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
bool PickleMachine::call_known(const PickleName& known, const std::vector<PickleId>& arguments) {
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
bool PickleMachine::dict_of_pairs(const std::vector<PickleId>& pairs) {
  paired_ += pairs.size();  // one list may be called for again and again
  if (paired_ > kMostValues) refuse(fmt::format("it holds more than {} values", kMostValues));
  PickleValue dict{.kind = Kind::kDict};
  for (const PickleId pair : pairs) {
    const PickleValue& each = value(pair);
    if ((each.kind != Kind::kList && each.kind != Kind::kTuple) || each.items.size() != 2) return false;
    dict.items.insert(dict.items.end(), each.items.begin(), each.items.end());
  }
  return push(make(std::move(dict))), true;
}

// A tensor's storage, or the class of a module in a whole network before PyTorch 1.6: ('module', class, file, source).
void PickleMachine::persistent() {
  const PickleId id = pop();
  const auto& parts = value(id).items;
  if (is(id, Kind::kTuple) && parts.size() > 1 && is(parts[1], Kind::kForeign))
    return push(Kind::kForeign, value(parts[1]).number);
  storage(storage_of(read_, id));
}

void PickleMachine::tensor(PickledTensor made) {
  read_.tensors.push_back(std::move(made));
  push(Kind::kTensor, static_cast<std::int64_t>(read_.tensors.size() - 1));
}

void PickleMachine::storage(const PickledStorage& made) {
  read_.storages.push_back(made);
  push(Kind::kStorage, static_cast<std::int64_t>(read_.storages.size() - 1));
}

}  // namespace pleat
