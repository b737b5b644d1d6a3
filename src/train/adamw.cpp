// AdamW. Source: Loshchilov & Hutter 2019, arXiv:1711.05101, as in torch.
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_fused_adamw.h>

#include "train/fused_optimizer.h"

namespace pleat {
namespace {

class AdamW : public FusedOptimizer {
 public:
  AdamW(const TrainConfig& config, const std::vector<TrainedParameter>& parameters)
      : FusedOptimizer(config, parameters) {
    add_state("exp_avg", false);
    add_state("exp_avg_sq", false);
    add_state("step", true);  // for each parameter: one without a gradient does not advance
  }

 private:
  void update(Lists& lists, double weight_decay, double lr) override {
    at::_foreach_add_(lists.state[2], 1);  // the kernel takes the number of the current step, from 1
    at::_fused_adamw_(lists.parameters, lists.gradients, lists.state[0], lists.state[1], /*max_exp_avg_sqs=*/{},
                      lists.state[2], lr, config().momentum, config().beta2, weight_decay, kEpsilon, /*amsgrad=*/false,
                      /*maximize=*/false);
  }

  void update_rounded(OptimizedParameter& parameter, double weight_decay, double lr) override {
    auto* first = parameter.state[0].mutable_data_ptr<float>();
    auto* second = parameter.state[1].mutable_data_ptr<float>();
    const AdamWStep step{.lr = lr,
                         .beta1 = config().momentum,
                         .beta2 = config().beta2,
                         .weight_decay = weight_decay,
                         .epsilon = kEpsilon,
                         .number = parameter.state[2].add_(1).item<double>()};
    walk_rounded(parameter, [&](const RoundedWeights& weights, std::int64_t offset) {
      adamw_step(weights, first + offset, second + offset, step);
    });
  }

  static constexpr double kEpsilon = 1e-8;
};

}  // namespace

std::unique_ptr<Optimizer> make_adamw(const TrainConfig& config, const std::vector<TrainedParameter>& parameters) {
  return std::make_unique<AdamW>(config, parameters);
}

}  // namespace pleat
