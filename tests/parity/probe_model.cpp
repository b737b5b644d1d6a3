#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty_like.h>
#include <torch/utils.h>

#include <stdexcept>

#include "base/files.h"
#include "model/classifier.h"
#include "model/tensor_file.h"
#include "parity_probe.h"
#include "train/optimizer.h"

namespace pleat {
namespace {

void expect_count(const Arguments& arguments, std::size_t count, const char* usage) {
  if (arguments.size() != count) throw std::invalid_argument(std::string("expected ") + usage);
}

// Returns the file's tensors with names that start with `prefix`; removes the prefix.
NamedTensors with_prefix(const TensorFile& file, const std::string& prefix) {
  NamedTensors found;
  for (const auto& [name, tensor] : file.tensors) {
    if (name.starts_with(prefix)) found.emplace_back(name.substr(prefix.size()), tensor);
  }
  return found;
}

// Returns the network that the file's weights belong to. It drops nothing in training.
std::shared_ptr<Classifier> network_of(const std::string& name, const std::string& weights) {
  const TensorFile file = read_tensors(weights);
  const bool resnet = name.starts_with("resnet");
  const ClassifierShape shape{
      .channels = static_cast<int>(file.at(resnet ? "conv1.weight" : "features.0.0.weight").size(1)),
      .classes = static_cast<int>(file.at(resnet ? "fc.bias" : "classifier.1.bias").size(0))};
  return make_classifier({.name = name, .weights = weights, .dropout = {0.0}, .stochastic_depth = {0.0}}, shape, {});
}

}  // namespace

void probe_init(const Arguments& arguments) {
  expect_count(arguments, 5, "NAME CHANNELS CLASSES SEED OUT");
  const auto net =
      make_classifier({.name = arguments[0]}, {.channels = std::stoi(arguments[1]), .classes = std::stoi(arguments[2])},
                      {.seed = std::stoull(arguments[3]), .purpose = Purpose::kInit});
  write_file(arguments[4], tensors_to_bytes(state_of(*net)));
}

void probe_logits(const Arguments& arguments) {
  expect_count(arguments, 5, "NAME WEIGHTS IMAGES eval|train OUT");
  const auto net = network_of(arguments[0], arguments[1]);
  net->train(arguments[3] == "train");
  const torch::NoGradGuard no_grad;
  NamedTensors out = {{"logits", net->forward(read_tensors(arguments[2]).at("images"))}};
  for (const auto& [name, tensor] : state_of(*net)) out.emplace_back("state." + name, tensor);
  write_file(arguments[4], tensors_to_bytes(out));
}

void probe_gradients(const Arguments& arguments) {
  expect_count(arguments, 5, "NAME WEIGHTS GIVEN planes|rows OUT");
  const auto net = network_of(arguments[0], arguments[1]);
  const TensorFile given = read_tensors(arguments[2]);
  const auto format = arguments[3] == "rows" ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  const torch::Tensor logits = net->forward(given.at("images").contiguous(format));
  at::cross_entropy_loss(logits, given.at("labels")).backward();
  NamedTensors out = {{"logits", logits}};
  for (const auto& [name, parameter] : trained_parameters(*net)) out.emplace_back("gradient." + name, parameter.grad());
  write_file(arguments[4], tensors_to_bytes(out));
}

void probe_optimize(const Arguments& arguments) {
  expect_count(arguments, 7, "adamw|sgd LR DECAY MOMENTUM BETA2 GIVEN OUT");
  TrainConfig config;
  config.optimizer = arguments[0];
  config.weight_decay = std::stod(arguments[2]);
  config.momentum = std::stod(arguments[3]);
  config.beta2 = std::stod(arguments[4]);
  const TensorFile given = read_tensors(arguments[5]);
  const NamedTensors parameters = with_prefix(given, "parameter.");
  const auto optimizer = make_optimizer(config, unrounded(parameters));
  for (int step = 0;; ++step) {
    const NamedTensors gradients = with_prefix(given, "gradient." + std::to_string(step) + ".");
    if (gradients.empty()) break;
    NamedTensors grads;
    for (const auto& [name, parameter] : parameters) {
      torch::Tensor(parameter).mutable_grad() = at::empty_like(parameter);
      grads.emplace_back(name, parameter.grad());
    }
    copy_state(grads, gradients, arguments[5]);
    optimizer->step(std::stod(arguments[1]));
  }
  write_file(arguments[6], tensors_to_bytes(parameters));
}

}  // namespace pleat
