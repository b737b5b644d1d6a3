// Shared by pleat's own networks: stochastic depth, and the names of weights that enter matrix products.
#pragma once

#include <torch/nn/module.h>

#include <string>
#include <vector>

namespace pleat {

/// Returns the probability that training skips block `index` of `count`. As in torchvision, the probability rises
/// linearly from 0 and would reach `last` at block `count`.
double skip_probability(double last, std::size_t index, std::size_t count);

/// Returns shortcut + branch. Each image's branch is 0 with probability `skip`, else divided by 1 - skip: its mean
/// stays the same. Draws from torch's generator of the tensors' device.
///   shortcut, branch [N, C, H, W] of one type; 0 < skip < 1
/// Source: Huang et al. 2016, arXiv:1603.09382; mode `row` of torchvision's StochasticDepth.
torch::Tensor add_or_skip(const torch::Tensor& shortcut, const torch::Tensor& branch, double skip);

/// Returns the branch alone, skipped in the same way.
torch::Tensor skip_images(const torch::Tensor& branch, double skip);

/// Sets the share of each batch in the running statistics of all BatchNorm layers. A script's layers keep theirs.
void set_norm_momentum(torch::nn::Module& network, double momentum);

/// Names of the weights of convolutions and linear layers: all parameters of more than one dimension.
std::vector<std::string> matrices_of(const torch::nn::Module& network);

}  // namespace pleat
