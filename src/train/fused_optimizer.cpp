#include "train/fused_optimizer.h"

#include <ATen/Parallel.h>
#include <torch/utils.h>

#include <algorithm>
#include <stdexcept>

#include "train/layer_rates.h"

namespace pleat {
namespace {

// True if both walk their memory in the same order. The stride of a dimension of size 1 does not matter.
bool same_layout(const torch::Tensor& a, const torch::Tensor& b) {
  for (std::int64_t d = 0; d < a.dim(); ++d) {
    if (a.size(d) > 1 && a.stride(d) != b.stride(d)) return false;
  }
  return true;
}

// `tensor` with the strides of `like`; a view if its memory has that order already. The fused kernels walk flat memory:
// on CPU they would silently pair wrong elements of different strides, on CUDA they refuse.
torch::Tensor laid_out_like(const torch::Tensor& tensor, const torch::Tensor& like) {
  if (tensor.strides() == like.strides()) return tensor;
  if (same_layout(tensor, like)) return tensor.as_strided(like.sizes(), like.strides(), tensor.storage_offset());
  return torch::empty_like(like, like.options().dtype(tensor.scalar_type())).copy_(tensor);
}

}  // namespace

FusedOptimizer::FusedOptimizer(const TrainConfig& config, const std::vector<TrainedParameter>& parameters)
    : config_(config) {
  for (const TrainedParameter& each : parameters) {
    if (!each.value.is_non_overlapping_and_dense() || !same_layout(each.value, each.network)) {
      throw std::invalid_argument("parameter '" + each.name +
                                  "' has gaps in memory, or another layout than its rounding: a flat walk needs both");
    }
    parameters_.push_back({each});
  }
  const std::vector<double> rates = parameter_rates(parameters, config);
  for (std::size_t i = 0; i < rates.size(); ++i) parameters_[i].rate = rates[i];
  rates_ = {rates.begin(), rates.end()};
}

void FusedOptimizer::step(double lr) {
  const torch::NoGradGuard no_grad;
  for (const double rate : rates_) {
    for (const bool decays : {true, false}) {
      Lists lists = gather(decays, rate);
      if (!lists.parameters.empty()) update(lists, decays ? config_.weight_decay : 0.0, lr * rate);
    }
  }
  for (OptimizedParameter& each : parameters_) {
    if (each.rounded() && each.network.grad().defined())
      update_rounded(each, each.decays() ? config_.weight_decay : 0.0, lr * each.rate);
  }
}

NamedTensors FusedOptimizer::state() const {
  NamedTensors all;
  for (std::size_t kind = 0; kind < state_names_.size(); ++kind) {
    for (const OptimizedParameter& each : parameters_)
      all.emplace_back(state_names_[kind] + "." + each.name, each.state[kind]);
  }
  return all;
}

void FusedOptimizer::load(const NamedTensors& state, const std::string& source) {
  copy_state(this->state(), state, source);
}

void FusedOptimizer::update_rounded(OptimizedParameter& parameter, double weight_decay, double lr) {
  const torch::Tensor gradient = laid_out_like(parameter.network.grad(), parameter.value).to(at::kFloat);
  Lists one{.parameters = {parameter.value}, .gradients = {gradient}};
  for (const torch::Tensor& state : parameter.state) one.state.push_back({state});
  update(one, weight_decay, lr);
  parameter.network.copy_(parameter.value);
}

void FusedOptimizer::add_state(const std::string& name, bool scalar) {
  state_names_.push_back(name);
  for (OptimizedParameter& each : parameters_) {
    const auto options = each.value.options().requires_grad(false);
    each.state.push_back(scalar ? torch::zeros({}, options.dtype(at::kFloat)) : torch::zeros_like(each.value, options));
  }
}

void FusedOptimizer::walk_rounded(const OptimizedParameter& parameter,
                                  const std::function<void(const RoundedWeights&, std::int64_t)>& work) {
  constexpr std::int64_t kPiece = 1 << 15;  // elements; less is not worth a thread
  const torch::Tensor gradient = laid_out_like(parameter.network.grad(), parameter.value);
  auto* values = parameter.value.mutable_data_ptr<float>();
  auto* roundings = static_cast<Bf16*>(parameter.network.mutable_data_ptr());
  const auto* gradients = static_cast<const Bf16*>(gradient.const_data_ptr());
  // Pieces begin at multiples of their size, so that the same elements share a vector register, and get the same bits,
  // on any number of threads.
  const std::int64_t size = parameter.value.numel(), pieces = (size + kPiece - 1) / kPiece;
  at::parallel_for(0, pieces, 1, [&](std::int64_t first, std::int64_t last) {
    const std::int64_t begin = first * kPiece, end = std::min(size, last * kPiece);
    work(RoundedWeights{values + begin, roundings + begin, gradients + begin, end - begin}, begin);
  });
}

FusedOptimizer::Lists FusedOptimizer::gather(bool decays, double rate) {
  Lists lists;
  lists.state.resize(state_names_.size());
  for (OptimizedParameter& each : parameters_) {
    const torch::Tensor& gradient = each.value.grad();
    if (each.rounded() || each.decays() != decays || each.rate != rate || !gradient.defined()) continue;
    lists.parameters.push_back(each.value);
    lists.gradients.push_back(laid_out_like(gradient, each.value));
    for (std::size_t kind = 0; kind < each.state.size(); ++kind) {
      torch::Tensor& state = each.state[kind];
      // The parameter may have changed its memory format since. With set_data every holder of the tensor sees the new
      // layout.
      if (state.dim() > 0 && state.strides() != each.value.strides()) state.set_data(laid_out_like(state, each.value));
      lists.state[kind].push_back(state);
    }
  }
  return lists;
}

}  // namespace pleat
