// Base class of the optimizers: walks the parameters' flat memory with fused kernels, and keeps their state.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "kernels/rounded_step.h"
#include "train/optimizer.h"

namespace pleat {

/// A parameter with its optimizer state.
struct OptimizedParameter : TrainedParameter {
  bool decays() const { return value.dim() > 1; }
  double rate = 1;                   // factor of the learning rate (layer_rates.h)
  std::vector<torch::Tensor> state;  // in the order of add_state calls
};

class FusedOptimizer : public Optimizer {
 public:
  /// Throws: std::invalid_argument for a parameter with gaps in memory, or in another layout than its rounding.
  FusedOptimizer(const TrainConfig& config, const std::vector<TrainedParameter>& parameters);

  void step(double lr) override;
  NamedTensors state() const override;
  void load(const NamedTensors& state, const std::string& source) override;

 protected:
  /// The parameters of one update, as lists for ATen's fused kernels. All of them share weight decay and rate, and have
  /// float32 gradients in their own layout.
  struct Lists {
    std::vector<torch::Tensor> parameters, gradients;
    std::vector<std::vector<torch::Tensor>> state;  // [state][parameter]
  };

  virtual void update(Lists& lists, double weight_decay, double lr) = 0;

  /// Updates one parameter that has a rounding, and the rounding. The default calls update() with the gradient in
  /// float32, then rounds. Override it with walk_rounded for one pass over memory.
  virtual void update_rounded(OptimizedParameter& parameter, double weight_decay, double lr);

  /// Adds a float32 state tensor of zeros to each parameter: in the parameter's layout, or one number.
  void add_state(const std::string& name, bool scalar);

  /// Calls work(weights, offset) for pieces of a parameter's flat memory, on all threads. State tensors share the
  /// memory order. The pieces, and so the bits, do not depend on the number of threads.
  static void walk_rounded(const OptimizedParameter& parameter,
                           const std::function<void(const RoundedWeights& weights, std::int64_t offset)>& work);

  const TrainConfig& config() const { return config_; }

 private:
  Lists gather(bool decays, double rate);

  TrainConfig config_;
  std::vector<std::string> state_names_;
  std::vector<OptimizedParameter> parameters_;
  std::set<double> rates_{1.0};  // of the parameters
};

std::unique_ptr<Optimizer> make_adamw(const TrainConfig& config, const std::vector<TrainedParameter>& parameters);
std::unique_ptr<Optimizer> make_sgd(const TrainConfig& config, const std::vector<TrainedParameter>& parameters);

}  // namespace pleat
