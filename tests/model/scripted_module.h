// Small TorchScript networks for tests, made without Python.
#pragma once

#include <ATen/core/jit_type.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/types.h>

#include <filesystem>
#include <memory>
#include <string>

namespace pleat {

inline const char* const kUsualForward = R"(
def forward(self, x):
    x = torch.conv2d(x, self.conv.weight, None, [1, 1], [1, 1])
    x = torch.batch_norm(x, self.bn.weight, self.bn.bias, self.bn.running_mean, self.bn.running_var, self.training,
                         0.1, 1e-5, False)
    x = torch.dropout(torch.relu(x), 0.5, self.training)
    return torch.addmm(self.fc.bias, torch.mean(x, [2, 3]), torch.t(self.fc.weight))
)";

// Convolution, BatchNorm, dropout and a linear layer: conv.weight, bn.*, fc.*; `forward` is TorchScript.
inline torch::jit::Module scripted_module(int channels, int classes, const std::string& forward = kUsualForward) {
  const auto unit = std::make_shared<torch::jit::CompilationUnit>();
  const auto module = [&](const char* name) {
    torch::jit::Module made(c10::QualifiedName(std::string("__torch__.") + name), unit);
    made.register_attribute("training", c10::BoolType::get(), true);
    return made;
  };
  torch::jit::Module conv = module("Conv"), bn = module("Norm"), fc = module("Linear"), net = module("Net");
  const auto parameter = [](torch::jit::Module& owner, const char* name, const torch::Tensor& value) {
    owner.register_parameter(name, value.set_requires_grad(true), /*is_buffer=*/false);
  };
  constexpr int kWidth = 6;
  parameter(conv, "weight", torch::randn({kWidth, channels, 3, 3}) * 0.3);
  parameter(bn, "weight", torch::ones({kWidth}));
  parameter(bn, "bias", torch::zeros({kWidth}));
  bn.register_buffer("running_mean", torch::zeros({kWidth}));
  bn.register_buffer("running_var", torch::ones({kWidth}));
  bn.register_buffer("num_batches_tracked", torch::zeros({}, at::kLong));
  parameter(fc, "weight", torch::randn({classes, kWidth}));
  parameter(fc, "bias", torch::zeros({classes}));
  net.register_module("conv", conv);
  net.register_module("bn", bn);
  net.register_module("fc", fc);
  if (!forward.empty()) net.define(forward);
  return net;
}

}  // namespace pleat
