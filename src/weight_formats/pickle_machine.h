// The stack machine that reads a pickle; pickle.h has its interface. Free of torch headers: this reads untrusted files.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "weight_formats/pickle.h"
#include "weight_formats/pickle_names.h"

namespace pleat {

inline constexpr std::size_t kMostValues = 4'000'000;  // a state dict of 1,000 tensors has about 20,000

class PickleMachine {
 public:
  PickleMachine(std::string_view pickle, std::string_view file) : pickle_(pickle), file_(file) {}
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
  std::size_t paired_ = 0;  // pairs that became dicts
  std::vector<PickleId> stack_;
  std::vector<std::size_t> marks_;  // heights of the stack
  std::unordered_map<std::uint64_t, PickleId> memo_;
};

}  // namespace pleat
