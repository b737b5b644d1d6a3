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

// Those of the file's tensors whose name starts with `prefix`, without it.
NamedTensors with_prefix(const TensorFile& file, const std::string& prefix) {
  NamedTensors found;
  for (const auto& [name, tensor] : file.tensors) {
    if (name.starts_with(prefix)) found.emplace_back(name.substr(prefix.size()), tensor);
  }
  return found;
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
  const TensorFile weights = read_tensors(arguments[1]);
  const ClassifierShape shape{.channels = static_cast<int>(weights.at("conv1.weight").size(1)),
                              .classes = static_cast<int>(weights.at("fc.weight").size(0))};
  const auto net = make_classifier({.name = arguments[0], .weights = arguments[1]}, shape, {});
  net->train(arguments[3] == "train");
  const torch::NoGradGuard no_grad;
  NamedTensors out = {{"logits", net->forward(read_tensors(arguments[2]).at("images"))}};
  for (const auto& [name, tensor] : state_of(*net)) out.emplace_back("state." + name, tensor);
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
