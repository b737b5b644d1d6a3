// What pleat's own networks share besides norm_relu.h: stochastic depth, and which of their weights enter products.
#pragma once

#include <torch/nn/module.h>

#include <string>
#include <vector>

namespace pleat {

/// The probability that training skips block `index` of `count`: evenly from 0, by torchvision's rule, with which
/// `last` would be that of one more block.
double skip_probability(double last, std::size_t index, std::size_t count);

/// shortcut + branch, where each image's branch is 0 with probability `skip`, and else divided by 1 - skip, so that
/// its mean stays. Draws from torch's generator of the tensors' device.
///   shortcut, branch [N, C, H, W] of one type; 0 < skip < 1
/// Source: Huang et al. 2016, arXiv:1603.09382; mode `row` of torchvision's StochasticDepth.
torch::Tensor add_or_skip(const torch::Tensor& shortcut, const torch::Tensor& branch, double skip);

/// The branch alone, skipped likewise.
torch::Tensor skip_images(const torch::Tensor& branch, double skip);

/// Names of the weights of convolutions and linear layers: all parameters of more than one dimension.
std::vector<std::string> matrices_of(const torch::nn::Module& network);

}  // namespace pleat
