#include "inference/member_memory.h"

#include <gmock/gmock.h>

namespace pleat {
namespace {

const ImageShape kCrops{.height = 12, .width = 12, .channels = 1};

// An ensemble of one run for one target, whose members are folds of these networks, by candidate.
TrainedEnsemble ensemble_of(const std::vector<int>& candidates) {
  const std::vector<std::string> networks{"resnet20", "resnet18"};
  TrainedRun run;
  run.config.train.precision = "fp32";
  run.targets = plan_targets(run.config, {{.name = "mask", .column = "mask", .classes = {"no", "wear"}}});
  TrainedEnsemble ensemble;
  ensemble.runs.push_back(run);
  for (const int candidate : candidates) {
    const std::string& name = networks.at(std::size_t(candidate));
    ensemble.members.push_back({.candidate = candidate, .model = {.id = "my-" + name, .name = name}});
  }
  return ensemble;
}

TEST(MemberMemory, TheLargestNetworkCountsWhereverItStands) {
  const auto largest = double(predicting_memory({.id = "my-resnet18", .name = "resnet18"}, kCrops, 2, /*bf16=*/false));
  for (const std::vector<int>& candidates : {std::vector{0, 1, 0}, {1, 1, 0}, {1}}) {
    const auto need = need_of_members(ensemble_of(candidates), kCrops, at::kCPU, {});
    ASSERT_TRUE(need);
    EXPECT_EQ(need->what, "predicting with my-resnet18");
    EXPECT_NEAR(need->tensors, largest, largest / 100);
    EXPECT_EQ(need->least, need->tensors) << "no batch to choose";
  }
  const auto small = need_of_members(ensemble_of({0, 0}), kCrops, at::kCPU, {});
  ASSERT_TRUE(small);
  EXPECT_EQ(small->what, "predicting with my-resnet20");
  EXPECT_LT(small->tensors, largest / 2);
}

TEST(MemberMemory, AGpuAndOtherRanksHaveNone) {
  EXPECT_FALSE(need_of_members(ensemble_of({0}), kCrops, torch::Device(at::kCUDA, 0), {}));
  const Ranks second{.rank = 1, .size = 2, .all_gather = [](const std::string& mine) {
                       return std::vector<std::string>{mine, mine};
                     }};
  EXPECT_FALSE(need_of_members(ensemble_of({0}), kCrops, at::kCPU, second));
}

}  // namespace
}  // namespace pleat
