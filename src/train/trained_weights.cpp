#include "train/trained_weights.h"

#include <algorithm>
#include <map>

namespace pleat {

std::vector<TrainedParameter> unrounded(const NamedTensors& parameters) {
  std::vector<TrainedParameter> all;
  for (const auto& [name, tensor] : parameters) all.push_back({.name = name, .value = tensor, .network = tensor});
  return all;
}

TrainedWeights::TrainedWeights(Classifier& classifier, bool round)
    : state_(state_of(classifier)), trained_(unrounded(trained_parameters(classifier))) {
  if (!round) return;
  std::map<std::string, torch::Tensor> values;
  const std::vector<std::string> multiplied = classifier.product_weights();
  for (TrainedParameter& parameter : trained_) {
    if (std::find(multiplied.begin(), multiplied.end(), parameter.name) == multiplied.end()) continue;
    parameter.value = parameter.network.detach().clone();
    parameter.network.set_data(parameter.value.to(at::kBFloat16));
    values.emplace(parameter.name, parameter.value);
  }
  for (auto& [name, tensor] : state_) {
    if (const auto value = values.find(name); value != values.end()) tensor = value->second;
  }
}

std::vector<torch::Tensor> TrainedWeights::networks() const {
  std::vector<torch::Tensor> tensors;
  for (const TrainedParameter& parameter : trained_) tensors.push_back(parameter.network);
  return tensors;
}

void TrainedWeights::load(const NamedTensors& state, const std::string& source) {
  copy_state(state_, state, source);
  const torch::NoGradGuard no_grad;
  for (const TrainedParameter& parameter : trained_) {
    if (parameter.rounded()) torch::Tensor(parameter.network).copy_(parameter.value);
  }
}

}  // namespace pleat
