#include "train/optimizer.h"

#include <ATen/Parallel.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <torch/utils.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "base/error.h"
#include "train/layer_rates.h"
#include "train/rounded_step.h"

namespace pleat {
namespace {

// Whether both walk their memory in the same order; the stride of a dimension of size 1 is never taken.
bool same_layout(const torch::Tensor& a, const torch::Tensor& b) {
  for (std::int64_t d = 0; d < a.dim(); ++d) {
    if (a.size(d) > 1 && a.stride(d) != b.stride(d)) return false;
  }
  return true;
}

// `tensor` with the strides of `like`, a view where memory is in that order already. The fused kernels walk flat
// memory: on CPU they do not compare strides and would pair the wrong elements, on CUDA they refuse.
torch::Tensor laid_out_like(const torch::Tensor& tensor, const torch::Tensor& like) {
  if (tensor.strides() == like.strides()) return tensor;
  if (same_layout(tensor, like)) return tensor.as_strided(like.sizes(), like.strides(), tensor.storage_offset());
  return torch::empty_like(like).copy_(tensor);
}

// One parameter with what its optimizer remembers of it.
struct Slot : TrainedParameter {
  bool decays() const { return value.dim() > 1; }
  double rate = 1;                   // of the learning rate (train.layer_decay)
  std::vector<torch::Tensor> state;  // in the order of FusedOptimizer::state_names_
};

// Those slots of one step that share weight decay and rate and have no rounding, as lists for ATen's fused kernels.
struct Lists {
  std::vector<torch::Tensor> parameters, gradients;
  std::vector<std::vector<torch::Tensor>> state;  // [state][parameter]
};

// Calls work(weights, place) for pieces of a slot's flat memory, which its state shares.
template <class Work>
void walk_rounded(const Slot& slot, const Work& work) {
  constexpr std::int64_t kPiece = 1 << 15;  // elements; less is not worth a thread
  const torch::Tensor gradient = laid_out_like(slot.network.grad(), slot.value);
  auto* values = slot.value.mutable_data_ptr<float>();
  auto* roundings = static_cast<Bf16*>(slot.network.mutable_data_ptr());
  const auto* gradients = static_cast<const Bf16*>(gradient.const_data_ptr());
  // Pieces begin at multiples of their size, so that the same elements share a register, and get the same bits, on any
  // number of threads.
  const std::int64_t size = slot.value.numel(), pieces = (size + kPiece - 1) / kPiece;
  at::parallel_for(0, pieces, 1, [&](std::int64_t first, std::int64_t last) {
    const std::int64_t begin = first * kPiece, end = std::min(size, last * kPiece);
    work(RoundedWeights{values + begin, roundings + begin, gradients + begin, end - begin}, begin);
  });
}

class FusedOptimizer : public Optimizer {
 public:
  FusedOptimizer(const TrainConfig& config, const std::vector<TrainedParameter>& parameters) : config_(config) {
    for (const TrainedParameter& each : parameters) {
      if (!each.value.is_non_overlapping_and_dense() || !same_layout(each.value, each.network)) {
        throw std::invalid_argument(
            "parameter '" + each.name +
            "' has gaps in memory, or another layout than its rounding: a flat walk needs both");
      }
      slots_.push_back({each});
    }
    if (config.layer_decay == 1.0) return;
    const std::vector<double> rates = layer_rates(parameters, config.layer_decay);
    for (std::size_t i = 0; i < rates.size(); ++i) slots_[i].rate = rates[i];
    rates_ = {rates.begin(), rates.end()};
  }

  void step(double lr) override {
    const torch::NoGradGuard no_grad;
    for (const double rate : rates_) {
      for (const bool decays : {true, false}) {
        Lists lists = gather(decays, rate);
        if (!lists.parameters.empty()) update(lists, decays ? config_.weight_decay : 0.0, lr * rate);
      }
    }
    for (Slot& slot : slots_) {
      if (slot.rounded() && slot.network.grad().defined())
        update_rounded(slot, slot.decays() ? config_.weight_decay : 0.0, lr * slot.rate);
    }
  }

  NamedTensors state() const override {
    NamedTensors all;
    for (std::size_t kind = 0; kind < state_names_.size(); ++kind) {
      for (const Slot& slot : slots_) all.emplace_back(state_names_[kind] + "." + slot.name, slot.state[kind]);
    }
    return all;
  }

  void load(const NamedTensors& state, const std::string& source) override { copy_state(this->state(), state, source); }

 protected:
  virtual void update(Lists& lists, double weight_decay, double lr) = 0;

  /// A slot with a rounding, whose gradient is there.
  virtual void update_rounded(Slot& slot, double weight_decay, double lr) = 0;

  // Adds a state tensor of zeros to each slot: like the parameter, strides and device too, or one number.
  void add_state(const std::string& name, bool scalar) {
    state_names_.push_back(name);
    for (Slot& slot : slots_) {
      const auto options = slot.value.options().requires_grad(false);
      slot.state.push_back(scalar ? torch::zeros({}, options.dtype(at::kFloat))
                                  : torch::zeros_like(slot.value, options));
    }
  }

  const TrainConfig& config() const { return config_; }

 private:
  Lists gather(bool decays, double rate) {
    Lists lists;
    lists.state.resize(state_names_.size());
    for (Slot& slot : slots_) {
      const torch::Tensor& gradient = slot.value.grad();
      if (slot.rounded() || slot.decays() != decays || slot.rate != rate || !gradient.defined()) continue;
      lists.parameters.push_back(slot.value);
      lists.gradients.push_back(laid_out_like(gradient, slot.value));
      for (std::size_t kind = 0; kind < slot.state.size(); ++kind) {
        torch::Tensor& state = slot.state[kind];
        // A parameter may have changed its memory format since. set_data: whoever holds the tensor sees the new layout.
        if (state.dim() > 0 && state.strides() != slot.value.strides()) {
          state.set_data(laid_out_like(state, slot.value));
        }
        lists.state[kind].push_back(state);
      }
    }
    return lists;
  }

  TrainConfig config_;
  std::vector<std::string> state_names_;
  std::vector<Slot> slots_;
  std::set<double> rates_{1.0};  // of the slots
};

/// Source: Loshchilov & Hutter 2019, arXiv:1711.05101, as in torch.
class AdamW : public FusedOptimizer {
 public:
  AdamW(const TrainConfig& config, const std::vector<TrainedParameter>& parameters)
      : FusedOptimizer(config, parameters) {
    add_state("exp_avg", false);
    add_state("exp_avg_sq", false);
    add_state("step", true);  // each parameter's own: one without a gradient stands still
  }

 private:
  void update(Lists& lists, double weight_decay, double lr) override {
    at::_foreach_add_(lists.state[2], 1);  // the kernel takes the number of the step that it does, from 1
    at::_fused_adamw_(lists.parameters, lists.gradients, lists.state[0], lists.state[1], /*max_exp_avg_sqs=*/{},
                      lists.state[2], lr, config().momentum, config().beta2, weight_decay, kEpsilon, /*amsgrad=*/false,
                      /*maximize=*/false);
  }

  void update_rounded(Slot& slot, double weight_decay, double lr) override {
    auto* first = slot.state[0].mutable_data_ptr<float>();
    auto* second = slot.state[1].mutable_data_ptr<float>();
    const AdamWStep step{.lr = lr,
                         .beta1 = config().momentum,
                         .beta2 = config().beta2,
                         .weight_decay = weight_decay,
                         .epsilon = kEpsilon,
                         .number = slot.state[2].add_(1).item<double>()};
    walk_rounded(slot, [&](const RoundedWeights& weights, std::int64_t place) {
      adamw_step(weights, first + place, second + place, step);
    });
  }

  static constexpr double kEpsilon = 1e-8;
};

/// Source: Sutskever et al. 2013, "On the importance of initialization and momentum", as in torch.
class Sgd : public FusedOptimizer {
 public:
  Sgd(const TrainConfig& config, const std::vector<TrainedParameter>& parameters) : FusedOptimizer(config, parameters) {
    if (config.momentum > 0.0) add_state("momentum", false);
  }

 private:
  void update(Lists& lists, double weight_decay, double lr) override {
    const bool has_momentum = !lists.state.empty();
    // Never "the first step": from a buffer of zeros and without dampening the first is like any other.
    at::_fused_sgd_(lists.parameters, lists.gradients, has_momentum ? at::TensorList(lists.state[0]) : at::TensorList(),
                    weight_decay, config().momentum, lr, /*dampening=*/0.0, /*nesterov=*/has_momentum,
                    /*maximize=*/false, /*is_first_step=*/false);
  }

  void update_rounded(Slot& slot, double weight_decay, double lr) override {
    float* momentum = slot.state.empty() ? nullptr : slot.state[0].mutable_data_ptr<float>();
    walk_rounded(slot, [&](const RoundedWeights& weights, std::int64_t place) {
      sgd_step(weights, momentum != nullptr ? momentum + place : nullptr, lr, config().momentum, weight_decay);
    });
  }
};

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const TrainConfig& config, const std::vector<TrainedParameter>& parameters) {
  if (config.optimizer == "sgd") return std::make_unique<Sgd>(config, parameters);
  if (config.optimizer == "adamw") return std::make_unique<AdamW>(config, parameters);
  throw UsageError("train.optimizer '{}' is not one of adamw, sgd", config.optimizer);
}

}  // namespace pleat
