#include "weight_formats/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"
#include "base/utf8.h"

namespace pleat {
namespace {

constexpr std::array<std::string_view, 7> kUsual{"state_dict", "model", "model_state_dict", "model_state", "net",
                                                 "module",     "ema"};
constexpr int kDeepest = 3;  // as in ema: {module: …}

class Search {
 public:
  Search(const Pickled& pickled, std::string_view file) : pickled_(pickled), file_(file) {}

  FoundState run() {
    const PickleValue& root = pickled_[pickled_.root];
    if (root.kind == PickleKind::kForeign) refuse_foreign(foreign(root), "", file_);
    if (root.kind != PickleKind::kDict)
      refuse_weights(file_, fmt::format("it holds {} in place of a state dict", kind_name(root.kind)));
    if (is_state(root)) return {.dict = pickled_.root};
    search(pickled_.root, "", kDeepest);
    if (found_.empty()) refuse_stranger(root);
    if (found_.size() > 1) refuse_several();
    return {.dict = found_[0].dict, .key = found_[0].key, .others = other_states(root)};
  }

 private:
  const PickledForeign& foreign(const PickleValue& value) const {
    return pickled_.foreign[static_cast<std::size_t>(value.number)];
  }

  bool is_state(const PickleValue& dict) const {
    if (dict.kind != PickleKind::kDict) return false;
    for (std::size_t i = 1; i < dict.items.size(); i += 2) {
      if (pickled_[dict.items[i]].kind != PickleKind::kTensor) return false;
    }
    return true;
  }

  // Adds the states under the usual keys of a dict. Visits each dict once: a dict may hold itself.
  void search(PickleId id, const std::string& path, int depth) {
    if (!visited_.insert(id).second) return;
    const PickleValue& dict = pickled_[id];
    for (std::size_t i = 0; depth > 0 && dict.kind == PickleKind::kDict && i < dict.items.size(); i += 2) {
      const PickleValue& key = pickled_[dict.items[i]];
      if (key.kind != PickleKind::kText || std::find(kUsual.begin(), kUsual.end(), key.text) == kUsual.end()) continue;
      const std::string below = path.empty() ? std::string(key.text) : fmt::format("{}.{}", path, key.text);
      const PickleValue& value = pickled_[dict.items[i + 1]];
      if (!is_state(value)) {
        search(dict.items[i + 1], below, depth - 1);
      } else if (!value.items.empty()) {
        found_.push_back({.dict = dict.items[i + 1], .key = below});
      }
      if (found_.size() > kUsual.size()) return;  // keys that repeat
    }
  }

  std::vector<std::string> other_states(const PickleValue& root) const {
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < root.items.size(); i += 2) {
      const PickleValue &key = pickled_[root.items[i]], &value = pickled_[root.items[i + 1]];
      const bool other = key.kind == PickleKind::kText && root.items[i + 1] != found_[0].dict && is_state(value);
      if (other && !value.items.empty()) keys.push_back(shown(key.text));
    }
    return keys;
  }

  [[noreturn]] void refuse_several() const {
    std::vector<std::string> keys;
    for (const FoundState& each : found_) keys.push_back(each.key);
    throw DataError(
        "{}: a checkpoint with weights under {}; save the weights that you want in Python: "
        "torch.save(torch.load(FILE)['{}'], 'weights.pth')",
        file_, fmt::join(keys, " and "), subscripts(keys[0]));
  }

  // "a.b" as the subscripts a']['b.
  static std::string subscripts(const std::string& path) {
    std::string text;
    for (const char letter : path) text += letter == '.' ? "']['" : std::string(1, letter);
    return text;
  }

  // Refuses a dict that is not a state dict; names its first value that is not a tensor.
  [[noreturn]] void refuse_stranger(const PickleValue& root) const {
    std::size_t i = 0;
    while (pickled_[root.items[i + 1]].kind == PickleKind::kTensor) i += 2;
    for (std::size_t at = 0; at < root.items.size(); at += 2) {  // a whole network says more than an epoch
      const PickleValue& value = pickled_[root.items[at + 1]];
      if (value.kind == PickleKind::kForeign && foreign(value).network) i = at;
    }
    const PickleValue &key = pickled_[root.items[i]], &value = pickled_[root.items[i + 1]];
    const std::string name = key.kind == PickleKind::kText ? shown(key.text) : kind_name(key.kind);
    if (value.kind == PickleKind::kForeign) refuse_foreign(foreign(value), fmt::format("'{}' in it", name), file_);
    throw DataError(
        "{}: '{}' in it is {}, not a tensor, and none of {} holds a state dict; save only the weights in Python: "
        "torch.save(model.state_dict(), 'weights.pth')",
        file_, name, kind_name(value.kind), fmt::join(kUsual, ", "));
  }

  const Pickled& pickled_;
  std::string_view file_;
  std::set<PickleId> visited_;
  std::vector<FoundState> found_;
};

}  // namespace

FoundState find_state(const Pickled& pickled, std::string_view file) { return Search(pickled, file).run(); }

}  // namespace pleat
