#include "train/job_loss.h"

#include <ATen/Functions.h>
#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

#include "class_head.h"

namespace pleat {
namespace {

torch::Tensor logits_of_four() {
  return torch::tensor({1.5F, -0.3F, 0.2F, 0.1F, 2.0F, -1.0F, -0.5F, 0.4F, 0.9F, 3.0F, 1.0F, -2.0F}).reshape({4, 3});
}
const std::vector<std::int64_t> kLabels{0, 2, 1, 0};

FoldJob job_of(std::vector<Head> heads) {
  FoldJob job;
  job.heads = std::move(heads);
  return job;
}
FoldJob job_of_four() { return job_of({class_head(3, kLabels)}); }
FoldJob job_of_four(const TrainConfig& train) {
  FoldJob job = job_of_four();
  job.train = train;
  return job;
}

TrainConfig smoothed(double smoothing) {
  TrainConfig train;
  train.label_smoothing = smoothing;
  return train;
}

// Loss of rows `begin` to `end` of the four, as one part of a batch.
torch::Tensor loss_of(const FoldJob& job, const torch::Tensor& logits, std::int64_t begin = 0, std::int64_t end = 4,
                      std::int64_t batch = 4, const Batch& mixed = {}) {
  std::vector<std::int64_t> positions(std::size_t(end - begin));
  std::iota(positions.begin(), positions.end(), begin);
  return JobLoss(job, at::kCPU)(logits.slice(0, begin, end), positions, mixed, batch);
}
double value_of(const FoldJob& job) { return loss_of(job, logits_of_four()).item<double>(); }

// torch.nn.functional.cross_entropy(..., reduction="sum") in float64, torch 2.14.
TEST(JobLoss, IsTorchsCrossEntropyWithSmoothing) {
  EXPECT_NEAR(value_of(job_of_four()), 4.794640027193217 / 4, 1e-6);
  EXPECT_NEAR(value_of(job_of_four(smoothed(0.1))), 5.007973361966996 / 4, 1e-6);
}

TEST(JobLoss, PartsOfUnlikeSizeAddUpToTheBatchsMeanAndItsGradient) {
  TrainConfig focal = smoothed(0.1);
  focal.loss.focal = 2.0;
  focal.loss.class_weights = "balanced";
  for (const FoldJob& job : {job_of_four(smoothed(0.1)), job_of_four(focal)}) {
    const auto logits = logits_of_four().requires_grad_();
    const torch::Tensor whole = loss_of(job, logits);
    whole.backward();
    const auto gradient = logits.grad().clone();
    logits.mutable_grad().zero_();
    double sum = 0;
    for (const auto& [begin, end] : {std::pair{0, 1}, {1, 4}}) {
      const auto part = loss_of(job, logits, begin, end);
      part.backward();
      sum += part.item<double>();
    }
    EXPECT_NEAR(sum, whole.item<double>(), 1e-6);
    EXPECT_TRUE(at::allclose(logits.grad(), gradient, 1e-6, 1e-7));
  }
}

TEST(JobLoss, OfMixedImagesIsTheSharesSumOfBothLabels) {
  Batch mixed;
  mixed.partners = torch::tensor({1, 2, 3, 0}, at::kLong);
  mixed.share = torch::tensor({1.0F, 0.25F, 0.0F, 0.6F});
  for (const double focal : {0.0, 2.0}) {
    TrainConfig train = smoothed(0.1);
    train.loss.focal = focal;
    double expected = 0;
    for (std::int64_t i = 0; i < 4; ++i) {
      const auto loss = [&](std::int64_t label) {
        FoldJob one = job_of({class_head(3, {label})});
        one.train = train;
        return JobLoss(one, at::kCPU)(logits_of_four().slice(0, i, i + 1), std::vector<std::int64_t>{0}, {}, 1)
            .item<double>();
      };
      const double share = mixed.share[i].item<double>();
      expected += share * loss(kLabels[std::size_t(i)]) +
                  (1 - share) * loss(kLabels[std::size_t(mixed.partners[i].item<std::int64_t>())]);
    }
    EXPECT_NEAR(loss_of(job_of_four(train), logits_of_four(), 0, 4, 8, mixed).item<double>(), expected / 8, 1e-6);
  }
}

TEST(JobLoss, IsComputedInFloat32WhateverTheOutputsAre) {
  const auto half = logits_of_four().to(at::kBFloat16);
  const auto loss = loss_of(job_of_four(), half);
  EXPECT_EQ(loss.scalar_type(), at::kFloat);
  EXPECT_EQ(loss.item<float>(), loss_of(job_of_four(), half.to(at::kFloat)).item<float>());
}

TEST(JobLoss, FocalLossIsThePlainFormula) {
  TrainConfig train;
  train.loss.focal = 2.0;
  const auto p = at::softmax(logits_of_four().to(at::kDouble), 1);
  double expected = 0;
  for (std::int64_t i = 0; i < 4; ++i) {
    const double own = p[i][kLabels[std::size_t(i)]].item<double>();
    expected -= (1 - own) * (1 - own) * std::log(own) / 4;
  }
  EXPECT_NEAR(value_of(job_of_four(train)), expected, 1e-6);
  train.loss.focal = 1e-9;  // so small that the loss is as without
  EXPECT_NEAR(value_of(job_of_four(train)), value_of(job_of_four()), 1e-5);
}

TEST(JobLoss, MacroF1IsThatOfCertainPredictions) {
  TrainConfig train;
  train.loss.f1 = 1.0;
  const torch::Tensor right = at::one_hot(torch::tensor(kLabels), 3).to(at::kFloat) * 100;
  EXPECT_NEAR(loss_of(job_of_four(train), right).item<double>(), 0.0, 1e-5);
  // Predicted classes 0, 2, 2, 0. F1 is 1 for class 0, 0 for class 1, 2/3 for class 2.
  const torch::Tensor wrong = at::one_hot(torch::tensor({0, 2, 2, 0}), 3).to(at::kFloat) * 100;
  EXPECT_NEAR(loss_of(job_of_four(train), wrong).item<double>(), 1 - (1 + 0 + 2.0 / 3) / 3, 1e-5);
  train.loss.f1 = 0.25;
  EXPECT_NEAR(
      value_of(job_of_four(train)),
      0.75 * value_of(job_of_four()) + 0.25 *
                                           [&] {
                                             TrainConfig alone;
                                             alone.loss.f1 = 1.0;
                                             return value_of(job_of_four(alone));
                                           }(),
      1e-6);
}

TEST(RowWeights, GiveClassesTheSameSumAndRowsAMeanOfOne) {
  const std::vector<std::int64_t> labels{0, 0, 0, 0, 0, 0, 1, 1, 3};
  EXPECT_TRUE(row_weights("none", labels).empty());
  for (const char* kind : {"balanced", "balanced_sqrt"}) {
    const std::vector<float> weights = row_weights(kind, labels);
    EXPECT_NEAR(std::accumulate(weights.begin(), weights.end(), 0.0), 9.0, 1e-5) << kind;
    EXPECT_GT(weights[8], weights[6]) << kind;
  }
  const std::vector<float> balanced = row_weights("balanced", labels);
  EXPECT_FLOAT_EQ(balanced[0] * 6, balanced[6] * 2);
  EXPECT_FLOAT_EQ(balanced[8], 3.0F);
  const std::vector<float> root = row_weights("balanced_sqrt", labels);
  EXPECT_NEAR(root[8] / root[0], std::sqrt(6.0), 1e-5);
}

Head binned_head(double spread) {
  return {.target = "age",
          .code = {.teaching = Teaching::kBins,
                   .classes = 2,
                   .outputs = 3,
                   .cuts = {20, 40},
                   .shares = {{1, 0}, {0.5, 0.5}, {0, 1}}},
          .bin_spread = spread,
          .labels = {0, 1, 0, 1},
          .numbers = {10, 50, 30, 35}};
}

TEST(JobLoss, BinsAreToldByTheirNumbersAndMaySpread) {
  FoldJob job = job_of({binned_head(0)});
  const FoldJob bins_as_classes = job_of({class_head(3, {0, 2, 1, 1})});
  EXPECT_FLOAT_EQ(value_of(job), value_of(bins_as_classes));
  job.heads = {binned_head(0.01)};  // so narrow that neighbouring bins get nothing
  EXPECT_NEAR(value_of(job), value_of(bins_as_classes), 1e-6);
  job.heads = {binned_head(1.0)};
  const auto logs = at::log_softmax(logits_of_four().to(at::kDouble), 1);
  double expected = 0;
  const std::vector<std::int64_t> bins{0, 2, 1, 1};
  for (std::int64_t i = 0; i < 4; ++i) {
    double sum = 0, terms = 0;
    for (std::int64_t bin = 0; bin < 3; ++bin) {
      const auto away = static_cast<double>(bin - bins[std::size_t(i)]);
      sum += std::exp(-away * away / 2);
      terms += std::exp(-away * away / 2) * logs[i][bin].item<double>();
    }
    expected -= terms / sum / 4;
  }
  EXPECT_NEAR(value_of(job), expected, 1e-6);
}

TEST(JobLoss, OfANumberIsLeastAtItsMeanAndDeviation) {
  const FoldJob job = job_of(
      {{.target = "age",
        .code = {.teaching = Teaching::kNumber, .classes = 2, .outputs = 2, .mean = 40, .deviation = 10, .edges = {30}},
        .labels = {0, 1, 1, 1},
        .numbers = {20, 30, 50, 60}}});
  const auto outputs = [](double mean, double log_deviation) {
    return torch::tensor({mean, log_deviation}).repeat({4, 1}).to(at::kFloat);
  };
  const double best_log = std::log(std::sqrt(2.5));  // deviation of -2, -1, 1, 2; far from the bounds
  const double best = loss_of(job, outputs(0, best_log)).item<double>();
  EXPECT_NEAR(best, 0.5 + best_log, 1e-3);
  for (const auto& [mean, log] :
       {std::pair{0.2, best_log}, {-0.2, best_log}, {0.0, best_log + 0.2}, {0.0, best_log - 0.2}})
    EXPECT_GT(loss_of(job, outputs(mean, log)).item<double>(), best);
}

TEST(JobLoss, HeadsAddUpByTheirWeights) {
  FoldJob both = job_of({class_head(3, kLabels), class_head(3, {1, 1, 0, 2})});
  both.heads[1].weight = 0.5;
  const torch::Tensor outputs = at::cat({logits_of_four(), logits_of_four().flip(0)}, 1);
  const FoldJob second = job_of({class_head(3, {1, 1, 0, 2})});
  EXPECT_NEAR(loss_of(both, outputs).item<double>(),
              value_of(job_of_four()) + 0.5 * loss_of(second, logits_of_four().flip(0)).item<double>(), 1e-6);
}

// The loss of each row alone, out of a batch of one.
std::vector<double> row_losses(const FoldJob& job) {
  std::vector<double> losses;
  for (std::int64_t row = 0; row < 4; ++row)
    losses.push_back(loss_of(job, logits_of_four(), row, row + 1, 1).item<double>());
  return losses;
}

TEST(JobLoss, RowsCountByTheirWeights) {
  FoldJob job = job_of_four();
  const std::vector<double> alone = row_losses(job);
  job.heads[0].weights = {1.0F, 0.5F, 0.0F, 2.0F};
  EXPECT_NEAR(value_of(job), (alone[0] + 0.5 * alone[1] + 2 * alone[3]) / 4, 1e-6);
}

TEST(JobLoss, SoftLabelsAreCrossEntropyWithTheirDistribution) {
  FoldJob job = job_of_four();
  const std::vector<double> hard = row_losses(job);
  job.pseudo.rows = 2;
  job.heads[0].soft = {0.0F, 1.0F, 0.0F, 0.2F, 0.3F, 0.5F};  // of the last two rows
  const std::vector<double> soft = row_losses(job);
  for (int row : {0, 1, 2}) EXPECT_NEAR(soft[std::size_t(row)], hard[std::size_t(row)], 1e-6) << row;
  const torch::Tensor logs = at::log_softmax(logits_of_four()[3], 0);
  const double expected = -(0.2 * logs[0] + 0.3 * logs[1] + 0.5 * logs[2]).item<double>();
  EXPECT_NEAR(soft[3], expected, 1e-6);
}

TEST(JobLoss, PseudoLabelledRowsOfBinsHaveOnlyADistribution) {
  Head head = class_head(3, {0, 0, 1, 1});
  head.code = {
      .teaching = Teaching::kBins, .classes = 2, .outputs = 3, .cuts = {1, 2}, .shares = {{1, 0}, {1, 0}, {0, 1}}};
  head.numbers = {0.5, 1.5, 2.5};
  head.soft = {0.5F, 0.5F, 0.0F};
  FoldJob job = job_of({head});
  job.pseudo.rows = 1;
  const torch::Tensor logs = at::log_softmax(logits_of_four(), 1);
  const double expected = -(logs[0][0] + logs[1][1] + logs[2][2] + 0.5 * logs[3][0] + 0.5 * logs[3][1]).item<double>();
  EXPECT_NEAR(value_of(job), expected / 4, 1e-6);
}

}  // namespace
}  // namespace pleat
