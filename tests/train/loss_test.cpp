#include "train/loss.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

namespace pleat {
namespace {

torch::Tensor logits_of_four() {
  return torch::tensor({1.5F, -0.3F, 0.2F, 0.1F, 2.0F, -1.0F, -0.5F, 0.4F, 0.9F, 3.0F, 1.0F, -2.0F}).reshape({4, 3});
}
torch::Tensor labels_of_four() { return torch::tensor({0, 2, 1, 0}, at::kLong); }

// torch.nn.functional.cross_entropy(..., reduction="sum") in float64, torch 2.14.
TEST(Loss, IsTorchsCrossEntropyWithSmoothing) {
  EXPECT_NEAR(part_loss(logits_of_four(), labels_of_four(), 0.0, 4).item<double>(), 4.794640027193217 / 4, 1e-6);
  EXPECT_NEAR(part_loss(logits_of_four(), labels_of_four(), 0.1, 4).item<double>(), 5.007973361966996 / 4, 1e-6);
}

TEST(Loss, IsThePlainFormula) {
  const double smoothing = 0.2;
  const auto log_p = at::log_softmax(logits_of_four().to(at::kDouble), 1);
  auto target = torch::full({4, 3}, smoothing / 3, at::kDouble);
  for (int i = 0; i < 4; ++i) target[i][labels_of_four()[i].item<std::int64_t>()] += 1 - smoothing;
  const double expected = -(target * log_p).sum().item<double>() / 8;
  EXPECT_NEAR(part_loss(logits_of_four(), labels_of_four(), smoothing, 8).item<double>(), expected, 1e-6);
}

TEST(Loss, PartsOfUnlikeSizeAddUpToTheBatchsMeanAndItsGradient) {
  const auto logits = logits_of_four().requires_grad_();
  part_loss(logits, labels_of_four(), 0.1, 4).backward();
  const auto whole_gradient = logits.grad().clone();
  const double whole = part_loss(logits, labels_of_four(), 0.1, 4).item<double>();
  logits.mutable_grad().zero_();
  double sum = 0;
  for (const auto& [begin, end] : {std::pair{0, 1}, {1, 4}, {4, 4}}) {
    const auto part = part_loss(logits.slice(0, begin, end), labels_of_four().slice(0, begin, end), 0.1, 4);
    part.backward();
    sum += part.item<double>();
  }
  EXPECT_NEAR(sum, whole, 1e-6);
  EXPECT_TRUE(at::allclose(logits.grad(), whole_gradient, 1e-6, 1e-7));
}

TEST(Loss, OfMixedImagesIsTheSharesSumOfBothLabels) {
  Batch part{.labels = labels_of_four()};
  part.partners = torch::tensor({1, 2, 3, 0}, at::kLong);
  part.share = torch::tensor({1.0F, 0.25F, 0.0F, 0.6F});
  double expected = 0;
  for (std::int64_t i = 0; i < 4; ++i) {
    const auto loss = [&](std::int64_t label) {
      return part_loss(logits_of_four().slice(0, i, i + 1), torch::tensor({label}, at::kLong), 0.1, 1).item<double>();
    };
    const double share = part.share[i].item<double>();
    const auto own = part.labels[i].item<std::int64_t>();
    const auto other = part.labels[part.partners[i].item<std::int64_t>()].item<std::int64_t>();
    expected += share * loss(own) + (1 - share) * loss(other);
  }
  EXPECT_NEAR(part_loss(logits_of_four(), part, 0.1, 8).item<double>(), expected / 8, 1e-6);
  part.share = part.partners = torch::Tensor();
  EXPECT_EQ(part_loss(logits_of_four(), part, 0.1, 4).item<float>(),
            part_loss(logits_of_four(), labels_of_four(), 0.1, 4).item<float>());
}

TEST(Loss, IsComputedInFloat32WhateverTheLogitsAre) {
  const auto half = logits_of_four().to(at::kBFloat16);
  const auto loss = part_loss(half, labels_of_four(), 0.1, 4);
  EXPECT_EQ(loss.scalar_type(), at::kFloat);
  EXPECT_EQ(loss.item<float>(), part_loss(half.to(at::kFloat), labels_of_four(), 0.1, 4).item<float>());
}

}  // namespace
}  // namespace pleat
