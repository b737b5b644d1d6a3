// The networks that pleat can train, by name, behind one interface.
#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "model/model_config.h"

namespace pleat {

struct ClassifierShape {
  int channels = 3;
  int classes = 2;
  int height = 64, width = 64;  // of the images; a script is tested on this size, pleat's own networks take any
};

class Classifier : public torch::nn::Module {
 public:
  /// images [N, C, H, W], normalised; returns logits [N, classes].
  virtual torch::Tensor forward(const torch::Tensor& images) = 0;

  /// Returns the names of parameters used only in convolutions and matrix products; empty if unknown. Autocast computes
  /// those in bfloat16, so a pass needs only the parameters' roundings.
  virtual std::vector<std::string> product_weights() const { return {}; }

  /// Returns the names of the last layer's parameters; the last layer has one output per logit. Empty if unknown.
  virtual std::vector<std::string> head_parameters() const { return {}; }
};

/// Parameters and buffers by torchvision's (or the script's) names, in registration order. The tensors share the
/// classifier's memory.
using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;
NamedTensors state_of(const Classifier& classifier);

/// The parameters that are trained.
NamedTensors trained_parameters(const Classifier& classifier);

/// The values that ModelConfig::name takes.
std::vector<std::string> classifier_names();

/// Makes a network. Its initial weights are drawn from `init` alone, or come from the script. `config.weights` replaces
/// them, if given. Reseeds torch's CPU generator.
/// Throws: UsageError for an unknown name, stem or shape.
/// Throws: DataError for a script that does not fit (scripted.h).
/// Throws: DataError for a weights file that does not fit, listing missing, extra and wrong-shaped keys.
std::shared_ptr<Classifier> make_classifier(const ModelConfig& config, const ClassifierShape& shape,
                                            const RandomKey& init);

/// Copies values by name. `source` is the file named in errors.
/// Throws: DataError listing missing, extra and wrong-shaped keys, if names or shapes differ from the classifier's.
void load_state(Classifier& classifier, const NamedTensors& state, const std::string& source);

/// Like load_state, for any set of tensors. Each tensor of `to` keeps its strides, dtype and device.
void copy_state(const NamedTensors& to, const NamedTensors& from, const std::string& source);

}  // namespace pleat
