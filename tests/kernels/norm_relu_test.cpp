// norm_relu.h against BatchNorm, sum and activation in float64, forward and back, over shapes, types and modes.
#include "kernels/norm_relu.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/nn/functional/batchnorm.h>
#include <torch/utils.h>

#include <string>

namespace pleat {
namespace {

using torch::Tensor;

enum class After { kNothing, kRelu, kSilu };

struct Case {
  std::int64_t images, channels, height, width;
  bool shortcut;
  After after;
  double mean = 0.5;  // of the input, beside a spread of 1
};

// All results of forward and backward.
struct Outcome {
  Tensor y, of_x, of_weight, of_bias, of_shortcut, running_mean, running_var;
};

torch::nn::BatchNorm2d layer(std::int64_t channels) {
  torch::nn::BatchNorm2d norm(channels);
  const torch::NoGradGuard no_grad;
  norm->weight.uniform_(-1.5, 1.5);
  norm->bias.uniform_(-1, 1);
  norm->running_mean.uniform_(-1, 1);
  norm->running_var.uniform_(0.5, 2);
  return norm;
}

Outcome ours(torch::nn::BatchNorm2d& norm, Tensor x, Tensor shortcut, const Tensor& of_y, After after) {
  x = x.clone().requires_grad_(true);
  if (shortcut.defined()) shortcut = shortcut.clone().requires_grad_(true);
  const Tensor y = after == After::kRelu   ? norm_relu(norm, x, shortcut)
                   : after == After::kSilu ? norm_silu(norm, x)
                                           : batch_norm(norm, x, shortcut);
  y.backward(of_y);
  return {y.detach(),
          x.grad(),
          norm->weight.grad(),
          norm->bias.grad(),
          shortcut.defined() ? shortcut.grad() : Tensor(),
          norm->running_mean,
          norm->running_var};
}

// The expected results, by torch's operators in float64. The ReLU passes a gradient where our rounded `y` is positive:
// otherwise an element that only one side rounds to 0 would differ by its whole gradient.
Outcome wanted(torch::nn::BatchNorm2d& norm, Tensor x, Tensor shortcut, const Tensor& of_y, After after,
               const Tensor& y_ours) {
  x = x.to(at::kDouble).requires_grad_(true);
  if (shortcut.defined()) shortcut = shortcut.to(at::kDouble).requires_grad_(true);
  const Tensor weight = norm->weight.detach().to(at::kDouble).requires_grad_(true);
  const Tensor bias = norm->bias.detach().to(at::kDouble).requires_grad_(true);
  const Tensor mean = norm->running_mean.to(at::kDouble), var = norm->running_var.to(at::kDouble);
  Tensor y = torch::batch_norm(x, weight, bias, mean, var, true, 0.1, 1e-5, false);
  if (shortcut.defined()) y = y + shortcut;
  if (after == After::kSilu) y = torch::silu(y);
  Tensor passed = of_y.to(at::kDouble);
  if (after == After::kRelu) passed = passed * (y_ours > 0);
  y.backward(passed);
  return {after == After::kRelu ? y.detach().relu() : y.detach(),
          x.grad(),
          weight.grad(),
          bias.grad(),
          shortcut.defined() ? shortcut.grad() : Tensor(),
          mean,
          var};
}

double worst(const Tensor& a, const Tensor& b) {
  const Tensor wanted = b.to(at::kDouble);
  return ((a.to(at::kDouble) - wanted).abs().max() / wanted.abs().max().clamp_min(1e-3)).item<double>();
}

void expect_near(const Outcome& got, const Outcome& want, double tensors, double statistics) {
  EXPECT_LT(worst(got.y, want.y), tensors) << "y";
  EXPECT_LT(worst(got.of_x, want.of_x), tensors) << "gradient of x";
  if (want.of_shortcut.defined()) {
    EXPECT_LT(worst(got.of_shortcut, want.of_shortcut), tensors) << "of shortcut";
  }
  EXPECT_LT(worst(got.of_weight, want.of_weight), statistics) << "of weight";
  EXPECT_LT(worst(got.of_bias, want.of_bias), statistics) << "of bias";
  EXPECT_LT(worst(got.running_mean, want.running_mean), statistics) << "running mean";
  EXPECT_LT(worst(got.running_var, want.running_var), statistics) << "running variance";
}

std::vector<Case> cases() {
  using enum After;
  return {{64, 64, 8, 8, false, kRelu},  {64, 64, 8, 8, true, kRelu},      {7, 16, 5, 3, false, kNothing},
          {2, 1, 1, 1, true, kRelu},     {3, 33, 17, 9, true, kRelu},      {64, 512, 1, 1, false, kRelu},
          {32, 20, 32, 32, true, kRelu}, {5, 24, 4, 4, false, kNothing},   {16, 64, 16, 16, true, kRelu, 50.0},
          {6, 40, 7, 5, true, kNothing}, {64, 64, 8, 8, false, kSilu},     {3, 33, 17, 9, false, kSilu},
          {64, 96, 1, 1, false, kSilu},  {9, 24, 6, 6, false, kSilu, 50.0}};
}

TEST(NormRelu, EqualsBatchNormSumAndReluInFloat64) {
  for (const Case& c : cases()) {
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      SCOPED_TRACE(testing::Message() << c.images << "x" << c.channels << "x" << c.height << "x" << c.width << " "
                                      << toString(type) << (c.shortcut ? " shortcut" : "")
                                      << (c.after == After::kRelu   ? " relu"
                                          : c.after == After::kSilu ? " silu"
                                                                    : ""));
      torch::manual_seed(3);
      const auto random = [&] {
        return torch::randn({c.images, c.channels, c.height, c.width})
            .contiguous(at::MemoryFormat::ChannelsLast)
            .to(type);
      };
      const Tensor x = (random() + c.mean).to(type), of_y = random(), shortcut = c.shortcut ? random() : Tensor();
      torch::nn::BatchNorm2d norm = layer(c.channels),
                             same(std::dynamic_pointer_cast<torch::nn::BatchNorm2dImpl>(norm->clone()));
      const Outcome got = ours(norm, x, shortcut, of_y, c.after);
      EXPECT_EQ(got.y.scalar_type(), type);
      EXPECT_TRUE(got.of_x.is_contiguous(at::MemoryFormat::ChannelsLast));
      EXPECT_EQ(norm->num_batches_tracked.item<std::int64_t>(), 1);
      const bool half = type == at::kBFloat16;
      // With two rows, the spread may be near 0, and gradients are then differences of nearly equal numbers.
      const double exact = c.images * c.height * c.width < 4 ? 1e-2 : 2e-4;
      expect_near(got, wanted(same, x, shortcut, of_y, c.after, got.y), half ? 8e-3 + exact : exact, exact);
    }
  }
}

TEST(NormRelu, IsTheSameForAnyNumberOfThreads) {
  torch::manual_seed(5);
  const Tensor x = torch::randn({33, 20, 9, 7}).contiguous(at::MemoryFormat::ChannelsLast).to(at::kBFloat16);
  const Tensor of_y = torch::randn_like(x);
  const torch::nn::BatchNorm2d first = layer(20);
  std::vector<Outcome> outcomes;
  const int before = at::get_num_threads();
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    torch::nn::BatchNorm2d norm(std::dynamic_pointer_cast<torch::nn::BatchNorm2dImpl>(first->clone()));
    outcomes.push_back(ours(norm, x, x, of_y, After::kRelu));
  }
  at::set_num_threads(before);
  for (const Outcome& other : outcomes) {
    EXPECT_TRUE(torch::equal(other.y, outcomes[0].y));
    EXPECT_TRUE(torch::equal(other.of_x, outcomes[0].of_x));
    EXPECT_TRUE(torch::equal(other.of_weight, outcomes[0].of_weight));
    EXPECT_TRUE(torch::equal(other.running_var, outcomes[0].running_var));
  }
}

TEST(NormRelu, EvaluationAndOtherLayoutsGoByTorchItself) {
  torch::manual_seed(7);
  torch::nn::BatchNorm2d norm = layer(6);
  const Tensor plain = torch::randn({4, 6, 5, 5});
  torch::nn::BatchNorm2d same(std::dynamic_pointer_cast<torch::nn::BatchNorm2dImpl>(norm->clone()));
  EXPECT_TRUE(torch::equal(norm_relu(norm, plain, plain), (same(plain) + plain).relu()));
  norm->eval();
  const Tensor rows = plain.contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor mean_before = norm->running_mean.clone();
  EXPECT_TRUE(torch::equal(norm_relu(norm, rows), norm(rows).relu()));
  EXPECT_TRUE(torch::equal(norm->running_mean, mean_before));
}

TEST(NormRelu, SiluIsRightFarFromZero) {
  torch::nn::BatchNorm2d norm(1);
  {
    const torch::NoGradGuard no_grad;
    norm->weight.fill_(200);
  }
  const Tensor x = torch::linspace(-1, 1, 4001).reshape({1, 1, 1, 4001}).contiguous(at::MemoryFormat::ChannelsLast);
  const auto both = [&](Tensor in, bool ours) {
    in = in.clone().requires_grad_(true);
    const Tensor y = ours ? norm_silu(norm, in) : torch::silu(norm(in));
    (y * y.detach().cos()).sum().backward();
    return std::pair{y.detach(), in.grad()};
  };
  const auto [y, of_x] = both(x, true);
  const auto [want_y, want_of_x] = both(x, false);
  EXPECT_TRUE(torch::allclose(y, want_y, 1e-5, 1e-4));
  EXPECT_LT(worst(of_x, want_of_x), 1e-3);
}

TEST(NormRelu, ANanIsPassedOn) {
  torch::nn::BatchNorm2d norm = layer(4);
  Tensor x = torch::randn({4, 4, 2, 2}).contiguous(at::MemoryFormat::ChannelsLast);
  x[0][1][0][0] = std::numeric_limits<float>::quiet_NaN();
  const Tensor y = norm_relu(norm, x);
  EXPECT_TRUE(torch::isnan(y.select(1, 1)).all().item<bool>());
  EXPECT_FALSE(torch::isnan(y.select(1, 2)).any().item<bool>());
  EXPECT_TRUE(torch::isnan(norm_silu(norm, x).select(1, 1)).all().item<bool>());
}

}  // namespace
}  // namespace pleat
