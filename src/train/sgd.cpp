// SGD with Nesterov momentum. Source: Sutskever et al. 2013, "On the importance of initialization and momentum in deep
// learning", as in torch.
#include <ATen/ops/_fused_sgd.h>

#include "train/fused_optimizer.h"

namespace pleat {
namespace {

class Sgd : public FusedOptimizer {
 public:
  Sgd(const TrainConfig& config, const std::vector<TrainedParameter>& parameters) : FusedOptimizer(config, parameters) {
    if (config.momentum > 0.0) add_state("momentum", false);
  }

 private:
  void update(Lists& lists, double weight_decay, double lr) override {
    const bool has_momentum = !lists.state.empty();
    // is_first_step is never needed: with a buffer of zeros and no dampening the first step is like any other.
    at::_fused_sgd_(lists.parameters, lists.gradients, has_momentum ? at::TensorList(lists.state[0]) : at::TensorList(),
                    weight_decay, config().momentum, lr, /*dampening=*/0.0, /*nesterov=*/has_momentum,
                    /*maximize=*/false, /*is_first_step=*/false);
  }

  void update_rounded(OptimizedParameter& parameter, double weight_decay, double lr) override {
    float* momentum = parameter.state.empty() ? nullptr : parameter.state[0].mutable_data_ptr<float>();
    walk_rounded(parameter, [&](const RoundedWeights& weights, std::int64_t offset) {
      sgd_step(weights, momentum != nullptr ? momentum + offset : nullptr, lr, config().momentum, weight_decay);
    });
  }
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(const TrainConfig& config, const std::vector<TrainedParameter>& parameters) {
  return std::make_unique<Sgd>(config, parameters);
}

}  // namespace pleat
