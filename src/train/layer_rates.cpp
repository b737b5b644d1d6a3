#include "train/layer_rates.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <set>

namespace pleat {
namespace {

// Layer of a parameter: "layer1.0" for "layer1.0.conv1.weight", "conv1" for "conv1.weight".
std::string layer_of(const std::string& name) {
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = name.find('.', begin);
    if (end == std::string::npos) return name.substr(0, name.find('.'));
    const std::string part = name.substr(begin, end - begin);
    if (std::all_of(part.begin(), part.end(), [](unsigned char c) { return std::isdigit(c); }))
      return name.substr(0, end);
    begin = end + 1;
  }
}

// Of the layers whose weight has one dimension.
std::set<std::string> norm_biases(const std::vector<TrainedParameter>& parameters) {
  const std::string weight = ".weight";
  std::set<std::string> names;
  for (const TrainedParameter& parameter : parameters) {
    if (parameter.name.ends_with(weight) && parameter.value.dim() == 1)
      names.insert(parameter.name.substr(0, parameter.name.size() - weight.size()) + ".bias");
  }
  return names;
}

}  // namespace

std::vector<double> layer_rates(const std::vector<TrainedParameter>& parameters, double decay) {
  std::vector<std::string> layers;  // in order of appearance
  std::map<std::string, bool> has_matrix;
  for (const TrainedParameter& parameter : parameters) {
    const std::string layer = layer_of(parameter.name);
    if (has_matrix.emplace(layer, false).second) layers.push_back(layer);
    if (parameter.value.dim() > 1) has_matrix[layer] = true;
  }
  std::map<std::string, int> depth;
  int last = -1;
  for (const std::string& layer : layers) depth[layer] = has_matrix[layer] ? ++last : std::max(0, last);
  std::vector<double> rates;
  for (const TrainedParameter& parameter : parameters)
    rates.push_back(std::pow(decay, std::max(0, last) - depth[layer_of(parameter.name)]));
  return rates;
}

std::vector<double> parameter_rates(const std::vector<TrainedParameter>& parameters, const TrainConfig& config) {
  std::vector<double> rates = layer_rates(parameters, config.layer_decay);
  if (config.norm_bias_rate == 1.0) return rates;
  const std::set<std::string> biases = norm_biases(parameters);
  for (std::size_t i = 0; i < rates.size(); ++i)
    if (biases.contains(parameters[i].name)) rates[i] *= config.norm_bias_rate;
  return rates;
}

}  // namespace pleat
