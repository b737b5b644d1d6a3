#include "model/initial_weights.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "model/state_fit.h"
#include "model/weights_guess.h"
#include "weight_formats/state_dict.h"

namespace pleat {
namespace {

// Logs a line only once per process: every fold starts from the same file.
void say_once(const std::string& line) {
  static std::mutex mutex;
  static std::set<std::string> said;
  const std::lock_guard lock(mutex);
  if (said.insert(line).second) spdlog::info(line);
}

TensorFile from_state_dict(const std::string& bytes, const std::string& path) {
  const StateDict read = read_state_dict(bytes, path);
  if (!read.wrapper.empty()) say_once(fmt::format("{}: a checkpoint; reads weights under '{}'", path, read.wrapper));
  return to_tensor_file(read.tensors, path);
}

[[noreturn]] void refuse_other(const std::string& bytes, const std::string& path) {
  // The pickled magic number at the start of torch.save's format before 1.6, which it still writes on request.
  constexpr std::string_view kLegacy = "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.";
  if (bytes.starts_with(kLegacy)) {
    throw DataError(
        "{}: in PyTorch's format before 1.6, which pleat does not read; convert it: python3 -c \"import torch; "
        "torch.save(torch.load('{}', map_location='cpu', weights_only=True), 'weights.pth')\"",
        path, path);
  }
  if (bytes.starts_with("version https://git-lfs"))
    throw DataError("{}: a Git LFS pointer, not the file itself; run `git lfs pull`", path);
  const char* what = bytes.empty()        ? "an empty file"
                     : bytes[0] == '\x80' ? "a pickle that torch.save did not write"
                                          : "another kind of file";
  throw DataError(
      "{}: {}, neither safetensors nor a state dict of torch.save; get it again, or save the weights in Python: "
      "torch.save(model.state_dict(), 'weights.pth')",
      path, what);
}

// Removes the prefixes that wrappers of networks put before every name; wrappers may nest in any order.
void take_prefix_off(TensorFile& file, const NamedTensors& own) {
  for (const std::string prefix : {"module.", "_orig_mod.", "module."}) {
    const auto has = [&](const auto& named) { return named.first.starts_with(prefix); };
    if (file.tensors.empty() || !std::all_of(file.tensors.begin(), file.tensors.end(), has)) continue;
    if (std::any_of(own.begin(), own.end(), has)) continue;
    for (auto& [name, tensor] : file.tensors) name.erase(0, prefix.size());
    say_once(fmt::format("{}: reads its names without '{}'", file.source, prefix));
  }
}

// BatchNorm counts its batches only since PyTorch 0.4.1. Like PyTorch, adds zero counters for older files.
void add_counters(TensorFile& file, const NamedTensors& own) {
  const auto counts = [](const auto& named) { return named.first.ends_with("num_batches_tracked"); };
  if (std::any_of(file.tensors.begin(), file.tensors.end(), counts)) return;
  for (const auto& named : own) {
    if (counts(named)) file.tensors.emplace_back(named.first, at::zeros_like(named.second));
  }
}

std::set<std::string> head_of(const Classifier& classifier, const ModelConfig& config) {
  const auto names = classifier.head_parameters();
  if (!names.empty()) return {names.begin(), names.end()};
  if (config.script.empty()) {
    throw UsageError("models: new_head does not go with {}, whose last layer is unknown; leave new_head out",
                     config.name.value_or("this network"));
  }
  throw DataError(
      "{}: it does not say which layer is its last, which new_head needs; export it again with "
      "launch/export_model.py, or leave new_head out",
      config.script);
}

void leave_out(NamedTensors& tensors, const std::set<std::string>& names) {
  std::erase_if(tensors, [&](const auto& named) { return names.contains(named.first); });
}

// Whether only the last layer does not fit, since it has another width or is missing.
bool only_head_misfits(const Misfits& found, const Classifier& classifier) {
  const auto names = classifier.head_parameters();
  const std::set<std::string> head(names.begin(), names.end());
  std::vector<std::string> all = found.missing;
  all.insert(all.end(), found.wrong_shape.begin(), found.wrong_shape.end());
  const bool others =
      found.problems.size() != std::size_t(!found.missing.empty()) + std::size_t(!found.wrong_shape.empty());
  return !others && std::all_of(all.begin(), all.end(), [&](const auto& name) { return head.contains(name); });
}

std::string whose(const NamedTensors& tensors, const ModelConfig& config, const ClassifierShape& shape) {
  const std::string network = whose_weights(tensors, config, shape);
  return network.empty()
             ? ""
             : fmt::format("; it holds the weights of {}: change the model to that, or give another file", network);
}

}  // namespace

TensorFile read_weights(const std::string& path) {
  const std::string bytes = read_file(path);
  if (bytes.size() > 8 && bytes[8] == '{') return tensors_from_bytes(bytes, path);  // after the header's length
  if (bytes.starts_with("PK")) return from_state_dict(bytes, path);
  refuse_other(bytes, path);
}

void load_weights(Classifier& classifier, const ModelConfig& config, const ClassifierShape& shape) {
  NamedTensors own = state_of(classifier);
  const std::set<std::string> kept = config.new_head ? head_of(classifier, config) : std::set<std::string>{};
  TensorFile file = read_weights(config.weights);
  take_prefix_off(file, own);
  add_counters(file, own);
  leave_out(own, kept);
  leave_out(file.tensors, kept);
  const Misfits found = misfits_of(own, file.tensors, file.source);
  if (found.problems.empty()) return copy_state(own, file.tensors, file.source);
  throw DataError("{} does not fit: {}{}", file.source, fmt::join(found.problems, "; "),
                  only_head_misfits(found, classifier)
                      ? "; only the last layer differs: to train a new one on the rest, set new_head: true"
                      : whose(file.tensors, config, shape));
}

}  // namespace pleat
