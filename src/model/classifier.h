// The networks that pleat can train, by name, behind one interface.
#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/fields.h"
#include "base/random.h"

namespace pleat {

struct ModelConfig {
  std::string id;
  std::optional<std::string> name;
  std::string script;
  std::string stem = "auto";
  std::string weights;
  bool new_head = false;
  Auto<double> dropout, stochastic_depth;
  static constexpr auto fields() {
    return std::tuple{
        field("id", &ModelConfig::id, any(), identity,
              "folder name of this model's results; default: its name, or its script's file name without the ending"),
        field("name", &ModelConfig::name,
              one_of("resnet18", "resnet34", "resnet50", "resnet20", "efficientnet_b0", "efficientnet_b1",
                     "efficientnet_b2", "efficientnet_b3", "efficientnet_b4"),
              identity,
              "network: resnet18, resnet34, resnet50 (ImageNet form) and resnet20 (CIFAR form), He et al. 2015; "
              "efficientnet_b0 to efficientnet_b4, Tan & Le 2019; default: resnet18, unless script is given"),
        field("script", &ModelConfig::script, any(), runtime,
              "instead of name: TorchScript file with a network and the weights it starts from, made by "
              "launch/export_model.py of any of timm's; what is in it, not where it lies, enters the job key"),
        field("stem", &ModelConfig::stem, one_of("auto", "imagenet", "small"), identity,
              "imagenet: 7x7 stride 2 and max-pool (efficientnet: 3x3 stride 2); small: 3x3 stride 1, for images under "
              "about 64 pixels; auto: "
              "imagenet, but small for resnet20"),
        field("weights", &ModelConfig::weights, any(), runtime,
              "file of weights to start from, .safetensors or .pth (a state dict); none: random, or as in script; what "
              "is in it, not where it lies, enters the job key"),
        field("new_head", &ModelConfig::new_head, any(), identity,
              "take all from the file of weights but the last layer, which stays random: for weights that were trained "
              "on other classes"),
        field("dropout", &ModelConfig::dropout, below_one(), identity,
              "share of features that training hides from the last layer; auto: the network's own (efficientnet_b0 and "
              "b1 0.2, b2 and b3 0.3, b4 0.4, resnets 0)"),
        field("stochastic_depth", &ModelConfig::stochastic_depth, below_one(), identity,
              "probability that training skips a residual block, rising evenly from 0 at the first to nearly this at "
              "the last, as torchvision has it; auto: the network's own (efficientnet 0.2, resnets 0)")};
  }
};

struct ClassifierShape {
  int channels = 3;
  int classes = 2;
  int height = 64, width = 64;  // of the images; a script is tried out on them, pleat's own networks take any
};

class Classifier : public torch::nn::Module {
 public:
  /// images [N, C, H, W], normalised; returns logits [N, classes].
  virtual torch::Tensor forward(const torch::Tensor& images) = 0;

  /// Names of parameters that only ever enter convolutions and matrix products, which autocast does in bfloat16: their
  /// rounding is all that a pass sees of them. Empty where that is not known.
  virtual std::vector<std::string> product_weights() const { return {}; }

  /// Names of the parameters of the last layer, whose width is the number of logits. Empty where that is not known.
  virtual std::vector<std::string> head_parameters() const { return {}; }
};

/// Parameters and buffers by torchvision's (or the script's) names, in registration order. The tensors are the
/// classifier's own.
using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;
NamedTensors state_of(const Classifier& classifier);

/// Of the parameters, those that train.
NamedTensors trained_parameters(const Classifier& classifier);

/// Fills in what is left out of id, name and stem, and leaves out what is the network's own; so one network has one
/// spelling. Throws UsageError for a name or stem there is no network for, and for a script beside a name or stem.
void complete_model(ModelConfig& config);

/// The stem that `auto` means, or the one that was given; a script's is its own business and stays `auto`. Throws
/// UsageError for a name or stem there is no network for.
std::string resolve_stem(const ModelConfig& config);

/// The names that ModelConfig::name may have.
std::vector<std::string> classifier_names();

/// Makes the network and draws its initial weights from `init` alone, or takes them from the script; `config.weights`,
/// if given, then replace them. Reseeds torch's CPU generator. Throws UsageError for a name, stem or shape that there
/// is no network for, DataError for a script that does not fit (scripted.h), and for a weights file that does not,
/// listing missing, extra and wrong-shaped keys.
std::shared_ptr<Classifier> make_classifier(const ModelConfig& config, const ClassifierShape& shape,
                                            const RandomKey& init);

/// Copies values by name; every name of the classifier must be there with its shape, and no other.
/// `source` names the file in errors. Throws DataError listing missing, extra and wrong-shaped keys.
void load_state(Classifier& classifier, const NamedTensors& state, const std::string& source);

/// The same for any set of tensors: each of `to` takes the values of its namesake and keeps its strides, dtype, device.
void copy_state(const NamedTensors& to, const NamedTensors& from, const std::string& source);

}  // namespace pleat
