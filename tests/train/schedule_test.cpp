#include "train/schedule.h"

#include <gtest/gtest.h>

#include <vector>

namespace pleat {
namespace {

TrainConfig config_of(const std::string& schedule, double lr, double warmup) {
  TrainConfig config;
  config.schedule = schedule;
  config.lr = lr;
  config.warmup = warmup;
  return config;
}

// torch.optim.lr_scheduler.OneCycleLR(max_lr=lr, total_steps=len(rates), pct_start=warmup), torch 2.14.
TEST(Schedule, OneCycleIsTorchsOneCycleLR) {
  struct Case {
    double lr, warmup;
    std::vector<double> rates;
  };
  for (const Case& torch : std::vector<Case>{
           {1e-3,
            0.25,
            {4e-05, 0.00052, 0.001, 0.000969846431008, 0.000883022689471, 0.000750001, 0.000586825741537,
             0.000413178258463, 0.000250003, 0.000116981310529, 3.01575689923e-05, 4e-09}},
           {0.1,
            0.3,
            {0.004, 0.0980556627335, 0.091904437627, 0.0672683836481, 0.035773877574, 0.00992967918933, 4e-07}},
           {0.1, 0.25, {0.0969846431008, 0.0413178258463, 4e-07}}}) {
    const TrainConfig config = config_of("one_cycle", torch.lr, torch.warmup);
    const auto steps = static_cast<std::int64_t>(torch.rates.size());
    for (std::int64_t step = 0; step < steps; ++step) {
      const double expected = torch.rates[static_cast<std::size_t>(step)];
      EXPECT_NEAR(learning_rate(config, step, steps), expected, 1e-10 * torch.lr + 1e-11 * expected) << step;
    }
  }
}

TEST(Schedule, ALonelyStepOfOneCycleLearns) {
  EXPECT_EQ(learning_rate(config_of("one_cycle", 0.1, 0.25), 0, 1), 0.1);
  EXPECT_GT(learning_rate(config_of("one_cycle", 0.1, 0.25), 0, 2), 0.01);
  EXPECT_EQ(learning_rate(config_of("one_cycle", 0.1, 0.25), 0, 4), 0.1);  // where torch divides by zero
}

TEST(Schedule, CosineRisesInALineAndFallsByHalfACosine) {
  const TrainConfig config = config_of("cosine", 0.8, 0.4);
  const std::vector<double> expected = {0.2, 0.4, 0.6, 0.8, 0.8, 0.746410161514, 0.6, 0.4, 0.2, 0.053589838486};
  for (std::size_t step = 0; step < expected.size(); ++step) {
    EXPECT_NEAR(learning_rate(config, static_cast<std::int64_t>(step), 10), expected[step], 1e-12) << step;
  }
}

TEST(Schedule, ConstantStaysAtThePeakAfterWarmUp) {
  const TrainConfig config = config_of("constant", 0.3, 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(config, 0, 6), 0.1);
  EXPECT_DOUBLE_EQ(learning_rate(config, 1, 6), 0.2);
  for (int step = 2; step < 6; ++step) EXPECT_EQ(learning_rate(config, step, 6), 0.3);
}

TEST(Schedule, EveryRateOfEveryScheduleIsPositiveAndAtMostThePeak) {
  for (const char* schedule : {"one_cycle", "cosine", "constant"}) {
    for (const double warmup : {0.0, 0.01, 0.25, 0.999}) {
      for (std::int64_t steps = 1; steps < 40; ++steps) {
        for (std::int64_t step = 0; step < steps; ++step) {
          const double rate = learning_rate(config_of(schedule, 0.5, warmup), step, steps);
          EXPECT_GT(rate, 0.0) << schedule << " " << warmup << ": " << step << " of " << steps;
          EXPECT_LE(rate, 0.5 * (1 + 1e-12)) << schedule << " " << warmup << ": " << step << " of " << steps;
        }
      }
    }
  }
}

}  // namespace
}  // namespace pleat
