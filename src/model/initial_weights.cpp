#include "model/initial_weights.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/once.h"
#include "base/wording.h"
#include "model/state_fit.h"
#include "model/weight_names.h"
#include "model/weights_guess.h"
#include "weight_formats/saved_file.h"
#include "weight_formats/state_dict.h"

namespace pleat {
namespace {

TensorFile from_state_dict(const std::string& bytes, const std::string& path) {
  const StateDict read = read_state_dict(bytes, path);
  if (!read.wrapper.empty()) {
    say_once(fmt::format("{}: a checkpoint; reads weights under '{}'{}{}", path, read.wrapper,
                         read.others.empty() ? "" : ", not those under ", fmt::join(read.others, " and ")));
  }
  TensorFile file = to_tensor_file(read.tensors, path);
  file.keeps_order = true;
  return file;
}

[[noreturn]] void refuse_other(const std::string& bytes, const std::string& path) {
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

// BatchNorm counts its batches only since PyTorch 0.4.1. Like PyTorch, adds zero counters for older files.
void add_counters(TensorFile& file, const NamedTensors& own) {
  const auto counts = [](const auto& named) { return is_counter(named.first); };
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

// Guesses with and without the prefixes that all names share.
WeightsGuess guess_network(const NamedTensors& tensors, const ModelConfig& config, const ClassifierShape& shape) {
  WeightsGuess guess = network_of_weights(tensors, config, shape);
  for (const std::string& prefix : common_prefixes(tensors)) {
    if (!guess.name.empty()) break;
    NamedTensors inner = tensors;
    for (auto& [name, tensor] : inner) name.erase(0, prefix.size());
    guess = network_of_weights(inner, config, shape);
  }
  return guess;
}

// Advice for the weights of another network of pleat's; else "".
std::string advice_on_network(const NamedTensors& tensors, const ModelConfig& config, const ClassifierShape& shape) {
  const WeightsGuess guess = guess_network(tensors, config, shape);
  if (guess.name.empty()) return "";
  const std::string network = guess.name + (guess.stem.empty() ? "" : " with stem " + guess.stem);
  if (guess.channels != shape.channels) {
    return fmt::format("; these are weights of {}, for images of {}; give weights for images of {}", network,
                       counted(guess.channels, "channel"), counted(shape.channels, "channel"));
  }
  std::vector<std::string> keys;
  if (guess.name != config.name)
    keys.push_back(fmt::format("name: {}{}", guess.name, config.script.empty() ? "" : " instead of script"));
  if (!guess.stem.empty()) keys.push_back("stem: " + guess.stem);
  if (guess.other_head && !config.new_head) keys.push_back("new_head: true");
  return fmt::format("; these are weights of {}: set {}, or give another file", network, fmt::join(keys, " and "));
}

// Renames the tensors in order, and says so.
void map_by_order(TensorFile& file, const NamedTensors& own, const std::set<std::string>& kept) {
  std::string problem;
  NamedTensors named = by_order(file, own, kept, problem);
  if (!problem.empty()) {
    throw DataError("{}: map_by_order does not go with it: {}; leave map_by_order out, or give another file",
                    file.source, problem);
  }
  const auto pair = [&](std::size_t i) { return fmt::format("{} -> {}", file.tensors[i].first, named[i].first); };
  file.tensors = without_counters(file.tensors);
  if (!named.empty())
    say_once(fmt::format("{}: maps {} tensors by order, {} to {}", file.source, named.size(), pair(0),
                         pair(named.size() - 1)));
  file.tensors = std::move(named);
}

// Advice for names that do not fit, if all shapes match in order; else "".
std::string advice_on_names(const TensorFile& file, const NamedTensors& own, const std::set<std::string>& head,
                            const ModelConfig& config) {
  std::string problem;
  if (by_order(file, own, config.new_head ? head : std::set<std::string>{}, problem); problem.empty()) {
    return "; its names differ, but all its shapes match the network's one to one in order: if it is the same network, "
           "set map_by_order: true";
  }
  if (by_order(file, own, head, problem = ""); problem.empty()) {
    return "; its names differ, but all its shapes except the last layer's match the network's one to one in order: if "
           "it is the same network, set map_by_order: true and new_head: true";
  }
  return "";
}

}  // namespace

TensorFile read_weights(const std::string& path) {
  const std::string bytes = read_file(path);
  if (bytes.size() > 8 && bytes[8] == '{') return tensors_from_bytes(bytes, path);  // after the header's length
  if (bytes.starts_with("PK") || is_old_save(bytes)) return from_state_dict(bytes, path);
  refuse_other(bytes, path);
}

void load_weights(Classifier& classifier, const ModelConfig& config, const ClassifierShape& shape) {
  NamedTensors own = state_of(classifier);
  const NamedTensors all = own;
  const auto head_names = classifier.head_parameters();
  const std::set<std::string> head(head_names.begin(), head_names.end());
  const std::set<std::string> kept = config.new_head ? head_of(classifier, config) : std::set<std::string>{};
  TensorFile file = read_weights(config.weights);
  take_prefix_off(file, own, head);
  if (config.map_by_order && !names_fit(file.tensors, "", own, kept)) map_by_order(file, own, kept);
  const TensorFile before = file;
  add_counters(file, own);
  leave_out(own, kept);
  leave_out(file.tensors, kept);
  const Misfits found = misfits_of(own, file.tensors, file.source);
  if (found.problems.empty()) return copy_state(own, file.tensors, file.source);
  std::string advice;
  if (!found.whole_numbers.empty()) {
    advice = "; weights of whole numbers (quantised) cannot be trained; give the float weights";
  } else if (only_head_misfits(found, classifier)) {
    advice = "; only the last layer differs: to train a new one on the rest, set new_head: true";
  } else {
    if (!found.missing.empty() || !found.extra.empty()) advice = advice_on_names(before, all, head, config);
    if (advice.empty()) advice = advice_on_network(before.tensors, config, shape);
  }
  throw DataError("{} does not fit: {}{}", file.source, fmt::join(found.problems, "; "), advice);
}

}  // namespace pleat
