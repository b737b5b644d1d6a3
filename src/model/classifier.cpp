#include "model/classifier.h"

#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/utils.h>

#include <algorithm>
#include <filesystem>
#include <mutex>

#include "base/config_node.h"
#include "base/error.h"
#include "model/efficientnet.h"
#include "model/initial_weights.h"
#include "model/resnet.h"
#include "model/scripted.h"

namespace pleat {
namespace {

struct Registered {
  const char* name;
  std::shared_ptr<Classifier> (*make)(int form, const ModelConfig&, const ClassifierShape&);
  int form;
  bool small_stem_alone = false;             // the only stem is small; otherwise `auto` means imagenet
  double dropout = 0, stochastic_depth = 0;  // the values for `auto`
};

// A new network needs a line here and its name among ModelConfig's choices.
constexpr Registered kClassifiers[] = {
    {"resnet18", make_resnet, 18},
    {"resnet34", make_resnet, 34},
    {"resnet50", make_resnet, 50},
    {"resnet20", make_resnet, 20, true},
    {"efficientnet_b0", make_efficientnet, 0, false, 0.2, 0.2},
    {"efficientnet_b1", make_efficientnet, 1, false, 0.2, 0.2},
    {"efficientnet_b2", make_efficientnet, 2, false, 0.3, 0.2},
    {"efficientnet_b3", make_efficientnet, 3, false, 0.3, 0.2},
    {"efficientnet_b4", make_efficientnet, 4, false, 0.4, 0.2},
};

constexpr const char* kDefaultName = "resnet18";

const Registered& registered(const ModelConfig& config) {
  const std::string name = config.name.value_or(kDefaultName);
  for (const auto& entry : kClassifiers) {
    if (entry.name == name) return entry;
  }
  const auto names = classifier_names();
  const std::string near = nearest_name(name, names);
  throw UsageError("no network is named '{}'; expected one of {}{}", name, fmt::join(names, ", "),
                   near.empty() ? "" : fmt::format("; did you mean '{}'?", near));
}

// Modules draw their initial weights from torch's own generator. After this call, the draws depend only on `init`.
void reseed_generator(const RandomKey& init) {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  generator.set_current_seed(RandomStream(init).next64());
}

void collect_state(const torch::nn::Module& module, const std::string& prefix, NamedTensors& state) {
  for (const auto& parameter : module.named_parameters(/*recurse=*/false)) {
    state.emplace_back(prefix + parameter.key(), parameter.value());
  }
  for (const auto& buffer : module.named_buffers(/*recurse=*/false)) {
    state.emplace_back(prefix + buffer.key(), buffer.value());
  }
  for (const auto& child : module.named_children()) collect_state(*child.value(), prefix + child.key() + ".", state);
}

std::shared_ptr<Classifier> make_named(const ModelConfig& config, const ClassifierShape& shape) {
  const Registered& entry = registered(config);
  ModelConfig resolved = config;
  resolved.stem = resolve_stem(config);
  resolved.dropout.value = config.dropout.value.value_or(entry.dropout);
  resolved.stochastic_depth.value = config.stochastic_depth.value.value_or(entry.stochastic_depth);
  return entry.make(entry.form, resolved, shape);
}

void refuse_beside_script(const char* field, const Auto<double>& given, const ModelConfig& config) {
  if (!given.value) return;
  throw UsageError("{} {} does not go with the script {}, which has its own; leave {} out", field, *given.value,
                   config.script, field);
}

// A script or a file of weights brings all initial weights.
void refuse_unused_start(const char* field, bool given, const ModelConfig& config) {
  if (!given || (config.script.empty() && config.weights.empty())) return;
  throw UsageError("models: {} changes initial weights, but these come from {}; leave {} out", field,
                   config.script.empty() ? config.weights : config.script, field);
}

}  // namespace

std::vector<std::string> classifier_names() {
  std::vector<std::string> names;
  for (const auto& entry : kClassifiers) names.emplace_back(entry.name);
  return names;
}

void complete_model(ModelConfig& config) {
  if (config.name && !config.script.empty()) {
    throw UsageError("models: a network has either a name ({}) or a script ({}); leave one of them out", *config.name,
                     config.script);
  }
  if (!config.script.empty()) {
    refuse_beside_script("dropout", config.dropout, config);
    refuse_beside_script("stochastic_depth", config.stochastic_depth, config);
  }
  refuse_unused_start("zero_last_norm", config.zero_last_norm, config);
  refuse_unused_start("whiten", config.whiten, config);
  if (config.new_head && config.weights.empty()) {
    throw UsageError(
        "models: new_head takes all but the last layer from a file of weights, and none is given; add weights, or "
        "leave new_head out");
  }
  if (config.map_by_order && config.weights.empty()) {
    throw UsageError(
        "models: map_by_order names the tensors of a file of weights, and none is given; add weights, or leave "
        "map_by_order out");
  }
  if (config.mean.size() != config.std.size()) {
    throw UsageError("models: mean has {} values and std {}; give both, one value per channel, or neither",
                     config.mean.size(), config.std.size());
  }
  if (config.script.empty() && !config.name) config.name = kDefaultName;
  if (config.id.empty()) config.id = config.name ? *config.name : std::filesystem::path(config.script).stem().string();
  config.stem = resolve_stem(config);
  if (!config.name) return;
  // Clears values that equal the network's defaults, so that one network has one key.
  const Registered& entry = registered(config);
  if (config.dropout.value == entry.dropout) config.dropout.value.reset();
  if (config.stochastic_depth.value == entry.stochastic_depth) config.stochastic_depth.value.reset();
}

std::string resolve_stem(const ModelConfig& config) {
  if (!config.script.empty()) {
    if (config.stem == "auto") return config.stem;
    throw UsageError("stem '{}' does not go with the script {}, which has its own; leave stem out", config.stem,
                     config.script);
  }
  const Registered& entry = registered(config);
  if (config.stem == "auto") return entry.small_stem_alone ? "small" : "imagenet";
  if (entry.small_stem_alone && config.stem != "small") {
    throw UsageError("stem '{}' does not go with {}, which is made for small images; leave stem out", config.stem,
                     entry.name);
  }
  return config.stem;
}

NamedTensors state_of(const Classifier& classifier) {
  NamedTensors state;
  collect_state(classifier, "", state);
  return state;
}

NamedTensors trained_parameters(const Classifier& classifier) {
  NamedTensors parameters;
  for (const auto& item : classifier.named_parameters()) {
    if (item.value().requires_grad()) parameters.emplace_back(item.key(), item.value());
  }
  return parameters;
}

std::shared_ptr<Classifier> make_classifier(const ModelConfig& config, const ClassifierShape& shape,
                                            const RandomKey& init) {
  const std::string what = config.script.empty() ? registered(config).name : config.script;
  if (shape.channels != 1 && shape.channels != 3) {
    throw UsageError("{} takes images of 1 or 3 channels, not {}", what, shape.channels);
  }
  if (shape.classes < 1) throw UsageError("{} cannot tell {} classes apart", what, shape.classes);
  reseed_generator(init);
  auto classifier = config.script.empty() ? make_named(config, shape) : make_scripted(config, shape);
  if (!config.weights.empty()) load_weights(*classifier, config, shape);
  return classifier;
}

}  // namespace pleat
