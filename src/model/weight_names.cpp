#include "model/weight_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/once.h"
#include "base/wording.h"

namespace pleat {
namespace {

constexpr const char* kAveraged = "n_averaged";

bool all_begin_with(const NamedTensors& tensors, const std::string& prefix) {
  return std::all_of(tensors.begin(), tensors.end(),
                     [&](const auto& named) { return named.first.starts_with(prefix); });
}

void take_off(TensorFile& file, const std::string& prefix) {
  for (auto& [name, tensor] : file.tensors) name.erase(0, prefix.size());
  say_once(fmt::format("{}: reads its names without '{}'", file.source, prefix));
}

}  // namespace

bool is_counter(const std::string& name) { return name.ends_with("num_batches_tracked"); }

NamedTensors without_counters(const NamedTensors& tensors) {
  NamedTensors rest;
  std::copy_if(tensors.begin(), tensors.end(), std::back_inserter(rest),
               [](const auto& named) { return !is_counter(named.first); });
  return rest;
}

bool names_fit(const NamedTensors& tensors, const std::string& prefix, const NamedTensors& own,
               const std::set<std::string>& head) {
  std::set<std::string> wanted, needed;
  for (const auto& [name, tensor] : own) {
    wanted.insert(name);
    if (!is_counter(name) && !head.contains(name)) needed.insert(name);
  }
  for (const auto& [name, tensor] : tensors) {
    const std::string rest = name.substr(prefix.size());
    if (!wanted.contains(rest)) return false;
    needed.erase(rest);
  }
  return needed.empty();
}

std::vector<std::string> common_prefixes(const NamedTensors& tensors) {
  std::vector<std::string> prefixes;
  if (tensors.empty()) return prefixes;
  const std::string& first = tensors.front().first;
  for (std::size_t dot = first.find('.'); dot != std::string::npos; dot = first.find('.', dot + 1)) {
    const std::string prefix = first.substr(0, dot + 1);
    if (!all_begin_with(tensors, prefix)) break;
    prefixes.push_back(prefix);
  }
  return prefixes;
}

void take_prefix_off(TensorFile& file, const NamedTensors& own, const std::set<std::string>& head) {
  const auto counts = [](const auto& named) { return named.first == kAveraged && named.second.numel() == 1; };
  if (std::erase_if(file.tensors, counts) > 0) say_once(fmt::format("{}: ignores '{}'", file.source, kAveraged));
  if (names_fit(file.tensors, "", own, head)) return;
  for (const std::string& prefix : common_prefixes(file.tensors)) {
    if (names_fit(file.tensors, prefix, own, head)) return take_off(file, prefix);
  }
  // DataParallel and torch.compile wrap in either order: "module._orig_mod." needs the first two, "_orig_mod.module."
  // the last two.
  for (const std::string prefix : {"module.", "_orig_mod.", "module."}) {
    const auto has = [&](const auto& named) { return named.first.starts_with(prefix); };
    if (file.tensors.empty() || !all_begin_with(file.tensors, prefix)) continue;
    if (std::none_of(own.begin(), own.end(), has)) take_off(file, prefix);
  }
}

NamedTensors by_order(const TensorFile& file, const NamedTensors& own, const std::set<std::string>& head,
                      std::string& problem) {
  if (!file.keeps_order) {
    problem = "safetensors files do not keep the network's order; save the weights as a .pth file";
    return {};
  }
  const NamedTensors given = without_counters(file.tensors);
  NamedTensors wanted = without_counters(own);
  const auto in_head = [&](const auto& named) { return head.contains(named.first); };
  if (given.size() + head.size() == wanted.size()) std::erase_if(wanted, in_head);
  if (given.size() != wanted.size()) {
    problem =
        fmt::format("it has {}, and the network {}", counted(std::int64_t(given.size()), "tensor"), wanted.size());
    return {};
  }
  NamedTensors named;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto& [theirs, tensor] = given[i];
    if (tensor.sizes() != wanted[i].second.sizes() && !in_head(wanted[i])) {
      problem = fmt::format("in order, its {} [{}] is {} [{}]", theirs, fmt::join(tensor.sizes(), ", "),
                            wanted[i].first, fmt::join(wanted[i].second.sizes(), ", "));
      return {};
    }
    named.emplace_back(wanted[i].first, tensor);
  }
  return named;
}

}  // namespace pleat
