// The config of one network: name or script, initial weights and options. docs/config.md is generated from it.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.h"

namespace pleat {

struct ModelConfig {
  std::string id;
  std::optional<std::string> name;
  std::string script;
  std::string stem = "auto";
  std::string weights;
  bool new_head = false;
  bool map_by_order = false;
  Auto<double> dropout, stochastic_depth;
  std::vector<double> mean, std;
  Auto<double> lr;
  bool zero_last_norm = false, whiten = false;
  static constexpr auto fields() {
    return std::tuple{
        field("id", &ModelConfig::id, any(), identity,
              "folder name of this model's results; default: its name, or its script's file name without extension"),
        field("name", &ModelConfig::name,
              one_of("resnet18", "resnet34", "resnet50", "resnet20", "efficientnet_b0", "efficientnet_b1",
                     "efficientnet_b2", "efficientnet_b3", "efficientnet_b4"),
              identity,
              "network: resnet18, resnet34, resnet50 (ImageNet form) and resnet20 (CIFAR form), He et al. 2015; "
              "efficientnet_b0 to efficientnet_b4, Tan & Le 2019; default: resnet18, unless script is given"),
        field("script", &ModelConfig::script, any(), runtime,
              "instead of name: TorchScript file of a network with its initial weights, made by "
              "launch/export_model.py from a network of timm, torchvision or your own; the job key depends on its "
              "contents, not on its path"),
        field("stem", &ModelConfig::stem, one_of("auto", "imagenet", "small"), identity,
              "imagenet: 7x7 stride 2 and max-pool (efficientnet: 3x3 stride 2); small: 3x3 stride 1, for images under "
              "about 64 pixels; auto: "
              "imagenet, but small for resnet20"),
        field("weights", &ModelConfig::weights, any(), runtime,
              "file of initial weights, .safetensors or .pth (a state dict or a checkpoint); none: random, or those in "
              "script; the job key depends on its contents, not on its path"),
        field("new_head", &ModelConfig::new_head, any(), omit_at_default,
              "load all but the last layer from the file of weights; the last layer starts random: for weights trained "
              "on other classes"),
        field(
            "map_by_order", &ModelConfig::map_by_order, any(), runtime,
            "give the tensors of the file of weights the network's names in order, if the names differ and the shapes "
            "match one to one: for the same network as another program names it"),
        field("dropout", &ModelConfig::dropout, below_one(), omit_at_default,
              "share of features dropped before the last layer in training; auto: the network's own (efficientnet_b0 "
              "and b1 0.2, b2 and b3 0.3, b4 0.4, resnets 0)"),
        field("stochastic_depth", &ModelConfig::stochastic_depth, below_one(), omit_at_default,
              "probability that training skips a residual block, rising linearly from 0 at the first to nearly this at "
              "the last, as in torchvision; auto: the network's own (efficientnet 0.2, resnets 0)"),
        field("mean", &ModelConfig::mean, between(0, 1), omit_at_default,
              "pixel mean per channel (0 to 1) of this model's images, for weights that were trained with it; default: "
              "the mean in its script, or data.mean"),
        field("std", &ModelConfig::std, above(0), omit_at_default,
              "pixel standard deviation per channel of this model's images; default: that in its script, or data.std"),
        field("lr", &ModelConfig::lr, above(0.0), omit_at_default,
              "peak learning rate of this model, such as a lower one for pretrained weights; auto: train.lr"),
        field(
            "zero_last_norm", &ModelConfig::zero_last_norm, any(), omit_at_default,
            "start the last BatchNorm of each residual block at 0, so that the block begins as its shortcut (Goyal et "
            "al. 2017)"),
        field("whiten", &ModelConfig::whiten, any(), omit_at_default,
              "start the first convolution as a whitening of image patches, fitted on the fold's training rows; it is "
              "trained as the others are (Page 2018, Jordan 2024)")};
  }
};

/// Fills in id, name and stem, and clears options that equal the network's defaults: one network has one spelling.
/// Throws: UsageError for an unknown name or stem; a script with a name, stem or drop rate; new_head or
/// map_by_order without weights; a mean without a std.
void complete_model(ModelConfig& config);

/// Returns the given stem, or the network's stem for `auto`. A script's stem stays `auto`.
/// Throws: UsageError for an unknown name, or a stem that the network or script does not take.
std::string resolve_stem(const ModelConfig& config);

}  // namespace pleat
