#include "train/optimizer.h"

#include <gmock/gmock.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <cmath>

#include "base/error.h"
#include "model/tensor_file.h"
#include "train/optimizer_cases.h"

namespace pleat {
namespace {

void run(Optimizer& optimizer, const NamedTensors& parameters, int begin, int end) {
  for (int step = begin; step < end; ++step) {
    set_gradients(parameters, step);
    optimizer.step(rate(step));
  }
}

std::string all_bytes(const NamedTensors& parameters, const Optimizer& optimizer) {
  return tensors_to_bytes(parameters) + tensors_to_bytes(optimizer.state());
}

class PlainAdamW {
 public:
  void step(torch::Tensor p, const torch::Tensor& g, double lr, double decay, double beta1, double beta2) {
    if (!m_.defined()) m_ = torch::zeros_like(g), v_ = torch::zeros_like(g);
    ++t_;
    p.mul_(1 - lr * decay);
    m_ = beta1 * m_ + (1 - beta1) * g;
    v_ = beta2 * v_ + (1 - beta2) * g * g;
    const auto m_hat = m_ / (1 - std::pow(beta1, t_)), v_hat = v_ / (1 - std::pow(beta2, t_));
    p.sub_(lr * m_hat / (v_hat.sqrt() + 1e-8));
  }

 private:
  torch::Tensor m_, v_;
  int t_ = 0;
};

class PlainSgd {
 public:
  void step(torch::Tensor p, torch::Tensor g, double lr, double decay, double momentum, double) {
    g = g + decay * p;
    buffer_ = buffer_.defined() ? momentum * buffer_ + g : g;
    p.sub_(lr * (g + momentum * buffer_));
  }

 private:
  torch::Tensor buffer_;
};

template <class Plain>
void compare_with_plain(const TrainConfig& config) {
  const NamedTensors ours = parameters_of(1), theirs = parameters_of(1);
  const auto optimizer = make_optimizer(config, unrounded(ours));
  std::vector<Plain> plain(theirs.size());
  run(*optimizer, ours, 0, 10);
  const torch::NoGradGuard no_grad;
  for (int step = 0; step < 10; ++step) {
    set_gradients(theirs, step);
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      const auto& parameter = theirs[i].second;
      plain[i].step(parameter, parameter.grad(), rate(step), parameter.dim() > 1 ? config.weight_decay : 0.0,
                    config.momentum, config.beta2);
    }
  }
  expect_close(ours, theirs, 1e-6);
}

TEST(Optimizer, AdamWIsItsFormula) { compare_with_plain<PlainAdamW>(config_of("adamw")); }
TEST(Optimizer, SgdIsItsFormula) { compare_with_plain<PlainSgd>(config_of("sgd")); }
TEST(Optimizer, SgdWithoutMomentumIsItsFormula) {
  TrainConfig config = config_of("sgd");
  config.momentum = 0.0;
  compare_with_plain<PlainSgd>(config);
}

template <class Torch, class Options>
void compare_with_torch(const TrainConfig& config, const Options& options, const Options& no_decay) {
  const NamedTensors ours = parameters_of(1), theirs = parameters_of(1);
  const auto optimizer = make_optimizer(config, unrounded(ours));
  std::vector<torch::optim::OptimizerParamGroup> groups;
  for (const auto& [name, parameter] : theirs) {
    groups.emplace_back(std::vector<torch::Tensor>{parameter},
                        std::make_unique<Options>(parameter.dim() > 1 ? options : no_decay));
  }
  // torch replaces a group's default option values by the optimizer's, so the optimizer gets the options without decay.
  Torch reference(groups, no_decay);
  run(*optimizer, ours, 0, 10);
  for (int step = 0; step < 10; ++step) {
    set_gradients(theirs, step);
    for (auto& group : reference.param_groups()) group.options().set_lr(rate(step));
    reference.step();
  }
  expect_close(ours, theirs, 1e-6);
}

TEST(Optimizer, AdamWIsTorchsInTenSteps) {
  const TrainConfig config = config_of("adamw");
  auto options = torch::optim::AdamWOptions(1.0).betas({config.momentum, config.beta2}).weight_decay(0.1);
  auto no_decay = options;
  compare_with_torch<torch::optim::AdamW>(config, options, no_decay.weight_decay(0.0));
}

TEST(Optimizer, SgdIsTorchsInTenSteps) {
  const TrainConfig config = config_of("sgd");
  auto options = torch::optim::SGDOptions(1.0).momentum(config.momentum).nesterov(true).weight_decay(0.1);
  auto no_decay = options;
  compare_with_torch<torch::optim::SGD>(config, options, no_decay.weight_decay(0.0));
}

class ResumedOptimizer : public testing::TestWithParam<std::tuple<const char*, at::MemoryFormat>> {};

TEST_P(ResumedOptimizer, GoesOnByteForByteAsIfItHadNotStopped) {
  const auto& [name, format] = GetParam();
  const TrainConfig config = config_of(name);
  const NamedTensors whole = parameters_of(2, format);
  const auto never_stopped = make_optimizer(config, unrounded(whole));
  run(*never_stopped, whole, 0, 4);
  const std::string weights = tensors_to_bytes(whole), state = tensors_to_bytes(never_stopped->state());
  run(*never_stopped, whole, 4, 9);

  const NamedTensors resumed = parameters_of(3, format);
  const auto optimizer = make_optimizer(config, unrounded(resumed));
  const NamedTensors held = optimizer->state();
  copy_state(resumed, tensors_from_bytes(weights, "weights").tensors, "weights");
  optimizer->load(tensors_from_bytes(state, "optimizer").tensors, "optimizer");
  run(*optimizer, resumed, 4, 9);
  EXPECT_EQ(all_bytes(resumed, *optimizer), all_bytes(whole, *never_stopped));
  EXPECT_EQ(tensors_to_bytes(held), tensors_to_bytes(optimizer->state())) << "state() is the optimizer's own, for good";
  EXPECT_EQ(resumed[0].second.is_contiguous(), format == at::MemoryFormat::Contiguous);
}

INSTANTIATE_TEST_SUITE_P(BothInBothFormats, ResumedOptimizer,
                         testing::Combine(testing::Values("adamw", "sgd"),
                                          testing::Values(at::MemoryFormat::Contiguous,
                                                          at::MemoryFormat::ChannelsLast)));

TEST(Optimizer, TheMemoryFormatDoesNotChangeTheResult) {
  for (const char* name : {"adamw", "sgd"}) {
    const NamedTensors plain = parameters_of(4), channels_last = parameters_of(4, at::MemoryFormat::ChannelsLast);
    const auto a = make_optimizer(config_of(name), unrounded(plain)),
               b = make_optimizer(config_of(name), unrounded(channels_last));
    run(*a, plain, 0, 5);
    run(*b, channels_last, 0, 5);
    expect_close(plain, channels_last, 1e-7);
  }
}

TEST(Optimizer, GradientsInAnotherMemoryFormatMeetTheirParameters) {
  for (const char* name : {"adamw", "sgd"}) {
    const NamedTensors plain = parameters_of(4), mixed = parameters_of(4);
    const auto a = make_optimizer(config_of(name), unrounded(plain)),
               b = make_optimizer(config_of(name), unrounded(mixed));
    for (int step = 0; step < 5; ++step) {
      set_gradients(plain, step);
      set_gradients(mixed, step);
      auto conv = mixed[0].second;
      conv.mutable_grad() = conv.grad().contiguous(at::MemoryFormat::ChannelsLast);
      a->step(0.01);
      b->step(0.01);
    }
    EXPECT_EQ(all_bytes(plain, *a), all_bytes(mixed, *b));
  }
}

TEST(Optimizer, StateFollowsAParameterThatChangesItsMemoryFormat) {
  const NamedTensors plain = parameters_of(4), moved = parameters_of(4);
  const auto a = make_optimizer(config_of("adamw"), unrounded(plain)),
             b = make_optimizer(config_of("adamw"), unrounded(moved));
  const NamedTensors held = b->state();
  run(*a, plain, 0, 6);
  run(*b, moved, 0, 3);
  torch::Tensor conv = moved[0].second;
  conv.set_data(conv.detach().contiguous(at::MemoryFormat::ChannelsLast));
  run(*b, moved, 3, 6);
  expect_close(plain, moved, 1e-7);
  EXPECT_EQ(tensors_to_bytes(held), tensors_to_bytes(b->state()));
}

TEST(Optimizer, AParameterWithoutGradientIsLeftAloneAndItsStepsDoNotCount) {
  for (const char* name : {"adamw", "sgd"}) {
    const NamedTensors late = parameters_of(5), fresh = parameters_of(5);
    const auto optimizer = make_optimizer(config_of(name), unrounded(late)),
               reference = make_optimizer(config_of(name), unrounded(fresh));
    const auto before = late[2].second.detach().clone();
    for (int step = 0; step < 3; ++step) {
      set_gradients(late, step);
      torch::Tensor(late[2].second).mutable_grad().reset();
      optimizer->step(0.01);
    }
    EXPECT_TRUE(torch::equal(late[2].second, before));
    run(*optimizer, late, 3, 5);
    run(*reference, fresh, 3, 5);
    EXPECT_TRUE(torch::equal(late[2].second, fresh[2].second)) << name;
  }
}

TEST(Optimizer, StateThatDoesNotFitIsRefusedByName) {
  const NamedTensors parameters = parameters_of(1);
  const auto optimizer = make_optimizer(config_of("adamw"), unrounded(parameters));
  const auto sgd = make_optimizer(config_of("sgd"), unrounded(parameters));
  try {
    optimizer->load(sgd->state(), "resume/optimizer.safetensors");
    ADD_FAILURE() << "was accepted";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("resume/optimizer.safetensors"),
                                             testing::HasSubstr("missing exp_avg.conv.weight"),
                                             testing::HasSubstr("extra momentum.conv.weight")));
  }
}

}  // namespace
}  // namespace pleat
