// Optimizers on weights with bfloat16 copies.
#include "kernels/rounded_step.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "train/fused_optimizer.h"
#include "train/optimizer.h"
#include "train/optimizer_cases.h"

namespace pleat {
namespace {

// The same values twice: with bfloat16 copies, and without.
struct RoundedPair {
  std::vector<TrainedParameter> rounded;
  NamedTensors plain;
};

RoundedPair rounded_pair(std::uint64_t seed) {
  RoundedPair pair{.plain = parameters_of(seed, at::MemoryFormat::ChannelsLast)};
  for (const auto& [name, tensor] : pair.plain) {
    const auto value = tensor.detach().clone();
    pair.rounded.push_back({name, value, value.to(at::kBFloat16).requires_grad_()});
  }
  return pair;
}

// Sets the same gradients for both, exactly representable in bfloat16.
void set_rounded_gradients(const RoundedPair& pair, int step) {
  set_gradients(pair.plain, step);
  for (std::size_t i = 0; i < pair.plain.size(); ++i) {
    const auto gradient = pair.plain[i].second.grad().to(at::kBFloat16);
    torch::Tensor(pair.rounded[i].network).mutable_grad() = gradient;
    torch::Tensor(pair.plain[i].second).mutable_grad() = gradient.to(at::kFloat);
  }
}

TEST(RoundedStep, WeightsWithRoundingsTakeTheSameSteps) {
  for (const std::string name : {"adamw", "sgd", "plain"}) {
    SCOPED_TRACE(name);
    TrainConfig config = config_of(name == "plain" ? "sgd" : name);
    if (name == "plain") config.momentum = 0.0;
    const RoundedPair pair = rounded_pair(9);
    const auto with = make_optimizer(config, pair.rounded), without = make_optimizer(config, unrounded(pair.plain));
    for (int step = 0; step < 10; ++step) {
      set_rounded_gradients(pair, step);
      with->step(rate(step));
      without->step(rate(step));
    }
    for (std::size_t i = 0; i < pair.plain.size(); ++i) {
      const auto& [parameter, value, network] = pair.rounded[i];
      EXPECT_LE((value - pair.plain[i].second).abs().max().item<double>(), 2e-6) << parameter;
      EXPECT_TRUE(network.equal(value.to(at::kBFloat16))) << parameter;
    }
    expect_close(with->state(), without->state(), 2e-6);
  }
}

// An optimizer with nothing but the update of a list, as a new one may be.
class PlainDescent : public FusedOptimizer {
 public:
  using FusedOptimizer::FusedOptimizer;

 private:
  void update(Lists& lists, double weight_decay, double lr) override {
    for (std::size_t i = 0; i < lists.parameters.size(); ++i) {
      lists.parameters[i].mul_(1 - lr * weight_decay);
      lists.parameters[i].sub_(lists.gradients[i] * lr);
    }
  }
};

TEST(RoundedStep, AnOptimizerWithoutItsOwnRoundedUpdateTakesTheSameSteps) {
  const RoundedPair pair = rounded_pair(9);
  PlainDescent with(config_of("sgd"), pair.rounded), without(config_of("sgd"), unrounded(pair.plain));
  for (int step = 0; step < 5; ++step) {
    set_rounded_gradients(pair, step);
    with.step(rate(step));
    without.step(rate(step));
  }
  for (std::size_t i = 0; i < pair.plain.size(); ++i) {
    const auto& [parameter, value, network] = pair.rounded[i];
    EXPECT_TRUE(value.equal(pair.plain[i].second)) << parameter;
    EXPECT_TRUE(network.equal(value.to(at::kBFloat16))) << parameter;
  }
}

// A gradient in another memory layout than its weights must not be read in the wrong order or type.
TEST(RoundedStep, AGradientInAnotherLayoutMeetsItsWeights) {
  const RoundedPair pair = rounded_pair(11), other = rounded_pair(11);
  const auto a = make_optimizer(config_of("sgd"), pair.rounded), b = make_optimizer(config_of("sgd"), other.rounded);
  set_rounded_gradients(pair, 0);
  set_rounded_gradients(other, 0);
  for (const TrainedParameter& each : other.rounded) {
    torch::Tensor network = each.network;
    if (network.dim() == 4) network.mutable_grad() = network.grad().contiguous();
  }
  a->step(rate(0));
  b->step(rate(0));
  for (std::size_t i = 0; i < pair.rounded.size(); ++i)
    EXPECT_TRUE(pair.rounded[i].value.equal(other.rounded[i].value)) << pair.rounded[i].name;
}

// The tensors are large enough to be split among threads.
TEST(RoundedStep, IsTheSameOnAnyNumberOfThreads) {
  torch::manual_seed(12);
  const auto first = torch::randn({300, 401}), gradient = torch::randn({300, 401}).to(at::kBFloat16);
  const int threads = at::get_num_threads();
  std::vector<torch::Tensor> values;
  for (const int count : {1, 3}) {
    at::set_num_threads(count);
    const auto value = first.clone();
    const auto network = value.to(at::kBFloat16).requires_grad_();
    const auto optimizer = make_optimizer(config_of("adamw"), {{"w", value, network}});
    for (int step = 0; step < 3; ++step) {
      torch::Tensor(network).mutable_grad() = gradient;
      optimizer->step(0.01);
    }
    EXPECT_TRUE(network.equal(value.to(at::kBFloat16)));
    values.push_back(value);
  }
  at::set_num_threads(threads);
  EXPECT_TRUE(values[0].equal(values[1]));
  EXPECT_FALSE(values[0].equal(first));
}

TEST(RoundedStep, ARoundingWithoutAGradientStandsStill) {
  const RoundedPair pair = rounded_pair(10);
  const auto optimizer = make_optimizer(config_of("adamw"), pair.rounded);
  set_rounded_gradients(pair, 0);
  torch::Tensor(pair.rounded[0].network).mutable_grad().reset();
  const auto before = pair.rounded[0].value.clone(), moving = pair.rounded[1].value.clone();
  optimizer->step(0.01);
  EXPECT_TRUE(pair.rounded[0].value.equal(before));
  EXPECT_FALSE(pair.rounded[1].value.equal(moving));
}

TEST(RoundedStep, ARoundingOfAnotherLayoutIsRefused) {
  const auto value = torch::randn({4, 3, 3, 3});
  const auto network = value.contiguous(at::MemoryFormat::ChannelsLast).to(at::kBFloat16);
  EXPECT_THROW(make_optimizer(config_of("adamw"), {{"conv.weight", value, network}}), std::invalid_argument);
}

}  // namespace
}  // namespace pleat
