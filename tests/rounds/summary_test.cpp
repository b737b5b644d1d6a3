// Out-of-fold tables, scores and summary.json, made from finished jobs in a folder.
#include "rounds/summary.h"

#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <optional>
#include <sstream>

#include "base/error.h"
#include "base/files.h"
#include "ensemble/target_probs.h"
#include "rounds/gather.h"
#include "rounds/predictions_csv.h"
#include "run/finished_job.h"
#include "run/run_cost.h"
#include "run/small_run.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

class SummaryTest : public testing::Test {
 protected:
  SummaryTest() {
    make_crops_of(folder_ / "crops.h5", usual_rows(36));
    RunConfig config = config_for(folder_ / "crops.h5");
    config.models.push_back({.id = "other", .name = "resnet18"});
    config.folds.repeats = 2;
    run_.emplace(config);
  }

  std::filesystem::path folder_of(const PlannedJob& job) const {
    return paths_.fold(0, "label", run_->config.models[std::size_t(job.model)].id, job.fold);
  }
  // Finishes all jobs with confident predictions: the true class, or the next class for rows where `wrong` is true.
  void finish_jobs(const std::function<bool(std::int64_t row)>& wrong) {
    for (const PlannedJob& job : run_->round.jobs) {
      const auto& rows = job.work.predict_rows;
      FoldResult result{.weights = {{"w", at::zeros({2})}},
                        .logits = {at::zeros({static_cast<std::int64_t>(rows.size()), 3})},
                        .history = {{.epoch = 1, .images = 24, .seconds = 2}},
                        .temperatures = {1}};
      for (std::size_t i = 0; i < rows.size(); ++i)
        result.logits[0][std::int64_t(i)][(rows[i] + (wrong(rows[i]) ? 1 : 0)) % 3] = 20.0f;
      write_result(folder_of(job), job, pack_result(job, result, 3.0), {});
    }
  }
  GatheredTarget gather() const { return gather_unit(0, run_->plan, {run_->config, run_->dataset, paths_, 0}).front(); }

  ScratchFolder folder_;
  RunPaths paths_{folder_ / "run"};
  std::optional<SmallRun> run_;
};

TEST_F(SummaryTest, AJobIsDoneOnceItsResultIsThereWhole) {
  const PlannedJob& job = run_->round.jobs[3];
  EXPECT_FALSE(is_done(folder_of(job), job.work.key));
  finish_jobs([](std::int64_t) { return false; });
  EXPECT_TRUE(is_done(folder_of(job), job.work.key));
  EXPECT_FALSE(is_done(folder_of(job), "another key"));
  std::filesystem::resize_file(folder_of(job) / kPredictionsFile, 100);
  EXPECT_FALSE(is_done(folder_of(job), job.work.key));
}

TEST_F(SummaryTest, GathersEveryRowOfThePlanAndTheOthersAsMeans) {
  finish_jobs([](std::int64_t) { return false; });
  const GatheredTarget gathered = gather();
  EXPECT_EQ(gathered.oof.ensemble.sizes(), (std::vector<std::int64_t>{36, 3}));
  EXPECT_EQ(gathered.test.sizes(), (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(gathered.unlabelled.sizes(), (std::vector<std::int64_t>{1, 3}));
  EXPECT_TRUE(gathered.oof.ensemble.argmax(1).equal(gathered.oof.labels));
  std::filesystem::remove_all(folder_of(run_->round.jobs[1]));
  EXPECT_THROW(gather(), DataError);
}

TEST_F(SummaryTest, SummaryHoldsWhatIsPromised) {
  finish_jobs([](std::int64_t row) { return row == 0 || row == 36; });
  const TargetScores scores = score_target(gather(), run_->dataset, run_->plan, "", "accuracy");
  const Json summary = summarise({{.jobs = 12, .targets = {scores}}}, 0, "accuracy",
                                 {.wall_seconds = 5, .train_images_per_second = 100, .ranks = 2, .threads = 1}, {});
  EXPECT_EQ(summary["score"], "accuracy");
  const Json& label = summary["targets"]["label"];
  EXPECT_DOUBLE_EQ(label["oof"]["accuracy"], 35.0 / 36);
  EXPECT_DOUBLE_EQ(label["oof"]["score"], label["oof"]["accuracy"]);
  EXPECT_NEAR(label["oof"]["score_spread"].get<double>(), (1.0 / 12) / std::sqrt(3.0), 1e-12);
  EXPECT_DOUBLE_EQ(label["test"]["accuracy"], 0.5);
  EXPECT_EQ(label["folds"].size(), 3u);
  for (const char* name : {"accuracy", "macro_f1", "log_loss", "score"}) {
    EXPECT_TRUE(label["oof"].contains(name) && label["test"].contains(name) && label["folds"][2].contains(name))
        << name;
  }
  for (const char* name : {"wall_seconds", "train_images_per_second", "ranks", "threads"})
    EXPECT_TRUE(summary[name].is_number()) << name;
  EXPECT_TRUE(summary["rounds"].is_array());
  EXPECT_THAT(label["models"].items().begin().key(), testing::AnyOf("small", "other"));
  for (const auto& [id, model] : label["models"].items())
    EXPECT_DOUBLE_EQ(model["test"]["accuracy"], 0.5) << id;  // mean of its folds, as for the ensemble
  const Json& folds = label["models"]["small"]["test"]["folds"];
  ASSERT_EQ(folds.size(), 6u);
  EXPECT_EQ(folds[5]["fold"], 5);
  EXPECT_DOUBLE_EQ(folds[5]["accuracy"], 0.5);
}

TEST_F(SummaryTest, TheTableComparesTheEnsembleWithEachFoldAlone) {
  finish_jobs([](std::int64_t) { return false; });
  TargetScores scores = score_target(gather(), run_->dataset, run_->plan, "", "accuracy");
  EXPECT_THAT(final_table({{.targets = {scores}}}, 0, "accuracy", {}, {}),
              testing::Not(testing::HasSubstr("test, one fold")));
  scores.models.resize(1);
  scores.models[0].test_folds = {{.accuracy = 0.5}, {.accuracy = 0.7}};
  EXPECT_THAT(final_table({{.targets = {scores}}}, 0, "accuracy", {}, {}),
              testing::HasSubstr("accuracy 0.6000 ± 0.1414 over 2 folds alone"));
}

TEST_F(SummaryTest, AComparisonOverOtherClassesSaysSo) {
  finish_jobs([](std::int64_t) { return false; });
  const TargetScores scores = score_target(gather(), run_->dataset, run_->plan, "", "macro_f1");
  EXPECT_EQ(scores.oof_alone, 1);  // test rows r36 and r37 have only the classes a and b
  EXPECT_EQ(scores.test_alone, 0);
  EXPECT_THAT(final_table({{.targets = {scores}}}, 0, "macro_f1", {}, {}),
              testing::HasSubstr("+0.0000 against OOF (classes only in OOF: 1, only in test: 0)\n"));
  EXPECT_THAT(final_table({{.targets = {scores}}}, 0, "accuracy", {}, {}), testing::HasSubstr("+0.0000 against OOF\n"));
}

TEST_F(SummaryTest, TheTableShowsALossAsALossUnderItsColumn) {
  finish_jobs([](std::int64_t) { return false; });
  TargetScores scores = score_target(gather(), run_->dataset, run_->plan, "", "log_loss");
  scores.target = "left_or_right_eye_visible";
  scores.oof.log_loss = 0.25;
  const std::string text = final_table({{.jobs = 12, .targets = {scores}}}, 0, "log_loss", {}, {});
  EXPECT_THAT(text, testing::HasSubstr("log_loss 0.2500 ± "));
  std::istringstream lines(text);
  std::string header, row;
  std::getline(lines >> std::ws, header);
  std::getline(lines, row);
  EXPECT_EQ(header.size(), row.size()) << text;
}

TEST_F(SummaryTest, PredictionsAreOneRowPerTestAndUnlabelledRow) {
  finish_jobs([](std::int64_t) { return false; });
  EXPECT_EQ(predictions_csv({gather()}, run_->dataset),
            "id,split,label,label:a,label:b,label:c\n"
            "r36,test,a,1.000000,0.000000,0.000000\n"
            "r37,test,b,0.000000,1.000000,0.000000\n"
            "r38,unlabelled,c,0.000000,0.000000,1.000000\n");
}

TEST_F(SummaryTest, NamesWithCommasAndQuotesStayOneField) {
  const auto probs = at::zeros({1, 2}, at::kDouble);
  probs[0][1] = 1.0;
  EXPECT_EQ(format_predictions({"a,b"}, {"test"}, {{"t", {"x\"y", "p,q"}, probs}}),
            "id,split,t,\"t:x\"\"y\",\"t:p,q\"\n\"a,b\",test,\"p,q\",0.000000,1.000000\n");
}

TEST_F(SummaryTest, CostsAddUpOverAllStarts) {
  EXPECT_EQ(read_cost(paths_).images, 0);
  make_folder(paths_.root);
  write_cost(paths_, {.wall_seconds = 3, .train_seconds = 2, .images = 100});
  const RunCost total = read_cost(paths_) + RunCost{.wall_seconds = 4, .train_seconds = 3, .images = 150};
  EXPECT_DOUBLE_EQ(total.wall_seconds, 7);
  EXPECT_DOUBLE_EQ(total.images_per_second(), 50);
  EXPECT_DOUBLE_EQ(RunCost{}.images_per_second(), 0);
  write_file(paths_.time(), "{");
  EXPECT_EQ(read_cost(paths_).images, 0);
}

}  // namespace
}  // namespace pleat
