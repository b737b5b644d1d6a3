// Units that a run trains for its targets, and targets that are derived from other targets' predictions.
#include "run/target_plan.h"

#include <ATen/Functions.h>
#include <gmock/gmock.h>

#include <set>

#include "base/error.h"
#include "base/files.h"
#include "rounds/ensemble_json.h"
#include "rounds/gather.h"
#include "rounds/predictions_csv.h"
#include "rounds/summary.h"
#include "run/finished_job.h"
#include "run/small_run.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

using testing::ElementsAre;

class TargetPlanTest : public testing::Test {
 protected:
  TargetPlanTest() {
    make_crops_of(folder_ / "crops.h5", usual_rows());
    config_ = config_for(folder_ / "crops.h5");
    config_.targets = {{.name = "label"}, {.name = "parity"}, {.name = "number", .edges = {5}, .bins = 4}};
    config_.joint.name = "all";
  }

  SmallRun run_as(const std::string& targets_as) {
    config_.targets_as = targets_as;
    if (targets_as == "joint") config_.targets[2].bins = 0;
    complete_and_check(config_);
    return SmallRun(config_);
  }

  // Finishes all jobs with confident predictions of the true class. Logits are per class, for bins too.
  std::vector<GatheredTarget> finish(const SmallRun& run) {
    const RunPaths paths{folder_ / "run"};
    const TargetPlan& plan = run.dataset.targets;
    for (const PlannedJob& job : run.round.jobs) {
      FoldResult result{.weights = {{"w", at::zeros({2})}}, .history = {{.epoch = 1, .images = 1, .seconds = 1}}};
      for (const int t : plan.units[std::size_t(job.unit)].targets) {
        const auto& rows = job.work.predict_rows;
        torch::Tensor logits = at::zeros({std::int64_t(rows.size()), plan.targets[std::size_t(t)].size()});
        for (std::size_t i = 0; i < rows.size(); ++i) {
          const std::int64_t label = run.dataset.labels[std::size_t(t)].classes[std::size_t(rows[i])];
          if (label >= 0) logits[std::int64_t(i)][label] = 30.0F;
        }
        result.logits.push_back(logits);
        result.temperatures.push_back(1);
        torch::Tensor& normal = result.normals.emplace_back();  // mean: the true number plus 1; deviation: 2
        if (plan.targets[std::size_t(t)].regress) {
          normal = at::full({std::int64_t(rows.size()), 2}, 2.0, at::kDouble);
          normal.select(1, 0).copy_(at::tensor(numbers_of(run.dataset, t, rows), at::kDouble) + 1);
        }
      }
      const std::string& unit = plan.units[std::size_t(job.unit)].name;
      write_result(paths.fold(0, unit, "small", job.fold), job, pack_result(job, result, 1.0),
                   std::vector<Scores>(result.logits.size()));
    }
    std::vector<GatheredTarget> gathered;
    for (std::size_t u = 0; u < plan.units.size(); ++u) {
      for (auto& each : gather_unit(int(u), run.plan, {run.config, run.dataset, paths, 0}))
        gathered.push_back(std::move(each));
    }
    add_derived(run.dataset, gathered);
    ensemble_ = describe_ensemble({run.config, run.dataset, paths, 0}, run.plan, gathered);
    return gathered;
  }

  ScratchFolder folder_;
  RunConfig config_;
  Json ensemble_;
};

TEST_F(TargetPlanTest, SeparateHeadsAndJointAreSoManyNetworksOfSuchWidths) {
  const SmallRun separate = run_as("separate");
  ASSERT_EQ(separate.dataset.targets.units.size(), 3u);
  EXPECT_EQ(separate.round.jobs.size(), 9u);
  EXPECT_EQ(separate.round.jobs[6].work.outputs(), 4);
  const SmallRun heads = run_as("heads");
  ASSERT_EQ(heads.dataset.targets.units.size(), 1u);
  EXPECT_THAT(heads.dataset.targets.units[0].targets, ElementsAre(0, 1, 2));
  EXPECT_EQ(heads.round.jobs[0].work.outputs(), 3 + 2 + 4);
  EXPECT_EQ(heads.round.jobs[0].name, "heads/small/fold 0");
  const SmallRun joint = run_as("joint");
  EXPECT_EQ(joint.round.jobs[0].work.outputs(), 12);
  EXPECT_EQ(joint.round.jobs[0].name, "all/small/fold 0");
}

TEST_F(TargetPlanTest, WhatIsNotTrainedIsDerivedAndNamedSo) {
  for (const char* as : {"separate", "heads", "joint"}) {
    const SmallRun run = run_as(as);
    const std::vector<GatheredTarget> gathered = finish(run);
    ASSERT_EQ(gathered.size(), 4u) << as;
    for (const GatheredTarget& each : gathered) {
      EXPECT_TRUE(each.oof.ensemble.argmax(1).equal(each.oof.labels)) << as << " " << each.oof.target;
      EXPECT_TRUE(at::allclose(each.oof.ensemble.sum(1), at::ones({36}, at::kDouble))) << as;
      EXPECT_TRUE(each.test.defined() && each.unlabelled.defined() && each.model_test[0].defined()) << as;
      ASSERT_EQ(each.fold_test[0].size(), 3u) << as;
      EXPECT_TRUE(each.fold_test[0][2].defined()) << as << " " << each.oof.target;
    }
    EXPECT_EQ(ensemble_["targets"]["all"]["method"], std::string(as) == "joint" ? "mean" : "product");
    EXPECT_EQ(ensemble_["targets"]["parity"]["method"], std::string(as) == "joint" ? "sum" : "mean");
  }
}

TEST_F(TargetPlanTest, ANumbersMeanAndDeviationReachTablesScoresAndPredictions) {
  config_.targets[2].bins = 0, config_.targets[2].regress = true;
  const SmallRun run = run_as("heads");
  const std::vector<GatheredTarget> gathered = finish(run);
  const GatheredTarget& number = gathered[2];
  ASSERT_TRUE(number.oof.normal.defined());
  EXPECT_TRUE(number.oof.normal.select(1, 0).allclose(number.oof.numbers + 1));
  const TargetScores scores = score_target(number, run.dataset, run.plan, "", "accuracy");
  EXPECT_NEAR(scores.oof_number.value().mae, 1.0, 1e-9);
  EXPECT_NEAR(scores.test_number.value().within, 1.0, 1e-9);
  EXPECT_FALSE(score_target(gathered[0], run.dataset, run.plan, "", "accuracy").oof_number);
  const std::string csv = predictions_csv(gathered, run.dataset);
  EXPECT_THAT(csv, testing::HasSubstr("number:from 5,number.mean,number.deviation,all"));
  EXPECT_THAT(csv, testing::HasSubstr(",7,2,"));  // r36, of 6
}

TEST_F(TargetPlanTest, CodesComeBackFromDoneJsonAndMustBeOfTheRunsTargets) {
  const SmallRun run = run_as("heads");
  finish(run);
  const Unit& unit = run.dataset.targets.units[0];
  const Json done = read_done(RunPaths{folder_ / "run"}.fold(0, "heads", "small", {1}));
  const auto codes = read_codes(done, run.dataset.targets, unit, "done.json");
  EXPECT_EQ(to_json(codes[2]), to_json(run.round.jobs[1].work.heads[2].code));
  EXPECT_EQ(codes[2].outputs, 4);
  Json other = done;
  other["heads"][0]["target"] = "mask";
  EXPECT_THROW(read_codes(other, run.dataset.targets, unit, "done.json"), DataError);
  other = done;
  other["heads"].erase(2);
  EXPECT_THROW(read_codes(other, run.dataset.targets, unit, "done.json"), DataError);
}

TEST_F(TargetPlanTest, BinsAreFittedToEachFoldsTrainingSide) {
  const SmallRun run = run_as("separate");
  for (const PlannedJob& job : run.round.jobs) {
    if (job.unit != 2) continue;
    const Head& head = job.work.heads[0];
    ASSERT_EQ(head.numbers.size(), job.work.train_rows.size());
    for (std::size_t i = 0; i < head.numbers.size(); ++i)
      EXPECT_EQ(head.numbers[i], double(job.work.train_rows[i] % 10));
    EXPECT_EQ(to_json(head.code), to_json(fit_code(run.dataset.targets.targets[2], head.numbers, "fold")));
  }
}

TEST_F(TargetPlanTest, RowsThatChooseAreOfTheTrainingSideInWholeGroups) {
  config_.data.group = "person";
  config_.train.keep = "best", config_.train.inner_share = 0.25;
  const SmallRun run = run_as("separate");
  for (const PlannedJob& job : run.round.jobs) {
    EXPECT_FALSE(job.work.inner_rows.empty());
    std::set<std::int64_t> trained, inner, held_out;
    for (const std::int64_t row : job.work.train_rows) trained.insert(row / 3);
    for (const std::int64_t row : job.work.inner_rows) inner.insert(row / 3);
    for (std::size_t i = 0; i < job.held_out_rows; ++i) held_out.insert(job.work.predict_rows[i] / 3);
    for (const std::int64_t person : inner) {
      EXPECT_FALSE(trained.contains(person)) << job.name;
      EXPECT_FALSE(held_out.contains(person)) << job.name;
    }
    EXPECT_EQ(job.work.heads[0].inner_labels.size(), job.work.inner_rows.size());
    EXPECT_EQ(job.work.train_rows.size() + job.work.inner_rows.size() + job.held_out_rows, 36u);
  }
}

}  // namespace
}  // namespace pleat
