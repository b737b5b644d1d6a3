#include "model/weights_guess.h"

#include <algorithm>

#include "model/state_fit.h"
#include "model/weight_names.h"

namespace pleat {
namespace {

enum class Fit { kNone, kNamesAlone, kWholeButHead, kWhole };

// Compares the tensors with a network, without its last layer.
Fit fit_of(const NamedTensors& tensors, const ModelConfig& config, const ClassifierShape& shape) {
  const auto network = make_classifier(config, shape, {});
  const auto head = network->head_parameters();
  const Misfits found = misfits_of(without_counters(state_of(*network)), tensors, "the file of weights");
  const auto within_head = [&](const std::vector<std::string>& names) {
    return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
      return std::find(head.begin(), head.end(), name) != head.end();
    });
  };
  const std::size_t names_and_shapes =
      std::size_t(!found.missing.empty()) + std::size_t(!found.extra.empty()) + std::size_t(!found.wrong_shape.empty());
  const bool other_numbers = found.problems.size() > names_and_shapes;
  if (!within_head(found.missing) || !within_head(found.extra) || other_numbers) return Fit::kNone;
  if (!within_head(found.wrong_shape)) return Fit::kNamesAlone;
  return found.problems.empty() ? Fit::kWhole : Fit::kWholeButHead;
}

// Compares the tensors with one network. Stem and channels change only the first layer's shape, and no name.
WeightsGuess guess_with_name(const std::string& name, const NamedTensors& tensors, const ModelConfig& config,
                             const ClassifierShape& shape) {
  for (const int channels : {shape.channels, shape.channels == 3 ? 1 : 3}) {
    for (const char* stem : {"auto", "small"}) {
      ClassifierShape other = shape;
      other.channels = channels;
      const ModelConfig guess{.name = name, .stem = stem};
      const Fit fit = fit_of(tensors, guess, other);
      if (fit == Fit::kNone) return {};
      if (fit == Fit::kNamesAlone) continue;
      if (name == config.name && channels == shape.channels && resolve_stem(guess) == resolve_stem(config)) return {};
      const std::string fitting = resolve_stem(guess);
      const bool names_stem = std::string(stem) == "small" || (name == config.name && fitting != resolve_stem(config));
      return {.name = name,
              .stem = names_stem ? fitting : "",
              .channels = channels,
              .other_head = fit == Fit::kWholeButHead};
    }
  }
  return {};
}

}  // namespace

WeightsGuess network_of_weights(const NamedTensors& tensors, const ModelConfig& config, const ClassifierShape& shape) {
  const NamedTensors given = without_counters(tensors);  // which loading may have added
  for (const std::string& name : classifier_names()) {
    if (WeightsGuess found = guess_with_name(name, given, config, shape); !found.name.empty()) return found;
  }
  return {};
}

}  // namespace pleat
