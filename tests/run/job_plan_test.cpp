#include "run/job_plan.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "run/job_identity.h"
#include "run/small_run.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

class JobPlanTest : public testing::Test {
 protected:
  JobPlanTest() { make_crops_of(folder_ / "crops.h5", usual_rows(36)); }

  std::set<std::string> keys_of(const RunConfig& config) const {
    std::set<std::string> keys;
    for (const PlannedJob& job : SmallRun(config).round.jobs) keys.insert(job.work.key);
    return keys;
  }

  ScratchFolder folder_;
  RunConfig config_ = config_for(folder_ / "crops.h5");
};

TEST_F(JobPlanTest, AJobPerTargetModelAndFoldEachWithItsOwnKey) {
  config_.targets = {{.name = "label"}, {.name = "parity"}};
  config_.models.push_back({.id = "large", .name = "resnet18"});
  config_.folds.repeats = 2;
  const SmallRun run(config_);
  EXPECT_EQ(run.round.jobs.size(), 2u * 2u * 3u * 2u);
  EXPECT_EQ(keys_of(config_).size(), run.round.jobs.size());
  EXPECT_EQ(run.round.jobs[0].name, "label/small/fold 0");
  EXPECT_EQ(run.round.jobs.back().name, "parity/large/fold 5");
}

TEST_F(JobPlanTest, NoRowIsBothTrainedOnAndHeldOut) {
  config_.folds.repeats = 2;
  const SmallRun run(config_);
  std::vector<std::int64_t> all_held_out;
  for (const PlannedJob& job : run.round.jobs) {
    std::vector<std::int64_t> rows = job.work.train_rows;
    const auto& predicted = job.work.predict_rows;
    const auto held_out_end = predicted.begin() + static_cast<std::ptrdiff_t>(job.held_out_rows);
    rows.insert(rows.end(), predicted.begin(), held_out_end);
    std::sort(rows.begin(), rows.end());
    EXPECT_EQ(rows, run.dataset.train) << job.name;
    EXPECT_THAT(std::vector(held_out_end, predicted.end()), testing::ElementsAre(36, 37, 38))
        << "test, then unlabelled";
    all_held_out.insert(all_held_out.end(), predicted.begin(), held_out_end);
    for (std::size_t i = 0; i < job.work.train_rows.size(); ++i)
      EXPECT_EQ(job.work.heads[0].labels[i], job.work.train_rows[i] % 3);
  }
  EXPECT_EQ(all_held_out.size(), 2u * 36u);
}

TEST_F(JobPlanTest, APersonIsOnOneSideOfEveryFold) {
  config_.data.group = "person";
  for (const PlannedJob& job : SmallRun(config_).round.jobs) {
    std::set<std::int64_t> trained;
    for (const std::int64_t row : job.work.train_rows) trained.insert(row / 3);
    for (std::size_t i = 0; i < job.held_out_rows; ++i)
      EXPECT_FALSE(trained.contains(job.work.predict_rows[i] / 3)) << job.name;
  }
}

TEST_F(JobPlanTest, LabelsThatChooseTheBestEpochAreInTheKey) {
  config_.train.keep = "best", config_.train.inner_share = 0.25;
  config_.targets = {
      {.name = "label", .column = "number", .classes = {"low", "high"}, .edges = {5}, .train_edges = {5}}};
  const std::set<std::string> before = keys_of(config_);
  config_.targets[0].edges = {6};  // training still uses train_edges
  for (const std::string& key : keys_of(config_)) EXPECT_FALSE(before.contains(key));
}

TEST_F(JobPlanTest, ANetworkOfANumberDoesNotFeelWhatIsForClasses) {
  config_.targets = {{.name = "label"}, {.name = "number", .edges = {5}, .regress = true}};
  const SmallRun before(config_);
  config_.train.loss.focal = 2, config_.train.loss.f1 = 0.5, config_.train.label_smoothing = 0.1;
  const SmallRun after(config_);
  for (std::size_t i = 0; i < before.round.jobs.size(); ++i)
    EXPECT_EQ(before.round.jobs[i].work.key == after.round.jobs[i].work.key, before.round.jobs[i].unit == 1)
        << before.round.jobs[i].name;
}

TEST_F(JobPlanTest, EveryKeyChangesWithWhatDeterminesTheResult) {
  const std::set<std::string> before = keys_of(config_);
  const std::vector<std::pair<const char*, std::function<void(RunConfig&)>>> changes{
      {"seed", [](RunConfig& c) { c.seed = 1; }},
      {"model.name", [](RunConfig& c) { c.models[0].name = "resnet18"; }},
      {"model.stem", [](RunConfig& c) { c.models[0].stem = "small"; }},
      {"classes",
       [](RunConfig& c) {
         c.targets[0].classes = {"c", "b", "a"};
       }},
      {"mean", [](RunConfig& c) { c.data.mean = {0.5}, c.data.std = {0.25}; }},
      {"exact", [](RunConfig& c) { c.cluster.exact = true; }},
      {"epochs", [](RunConfig& c) { c.train.epochs += 1; }},
      {"batch", [](RunConfig& c) { c.train.batch += 1; }},
      {"micro_batches", [](RunConfig& c) { c.train.micro_batches = 2; }},
      {"lr", [](RunConfig& c) { c.train.lr *= 2; }},
      {"optimizer", [](RunConfig& c) { c.train.optimizer = "sgd"; }},
      {"weight_decay", [](RunConfig& c) { c.train.weight_decay = 0; }},
      {"momentum", [](RunConfig& c) { c.train.momentum = 0; }},
      {"beta2", [](RunConfig& c) { c.train.beta2 = 0.9; }},
      {"schedule", [](RunConfig& c) { c.train.schedule = "cosine"; }},
      {"warmup", [](RunConfig& c) { c.train.warmup = 0; }},
      {"label_smoothing", [](RunConfig& c) { c.train.label_smoothing = 0.1; }},
      {"edges", [](RunConfig& c) { c.targets = {{.name = "label", .column = "number", .edges = {5}}}; }},
      {"loss.class_weights", [](RunConfig& c) { c.train.loss.class_weights = "balanced"; }},
      {"loss.focal", [](RunConfig& c) { c.train.loss.focal = 2; }},
      {"loss.f1", [](RunConfig& c) { c.train.loss.f1 = 0.5; }},
      {"sampling", [](RunConfig& c) { c.train.sampling = "balanced"; }},
      {"clip", [](RunConfig& c) { c.train.clip = 1; }},
      {"layer_decay", [](RunConfig& c) { c.train.layer_decay = 0.5; }},
      {"freeze_epochs", [](RunConfig& c) { c.train.freeze_epochs = 1; }},
      {"keep", [](RunConfig& c) { c.train.keep = "best", c.train.inner_share = 0.2; }},
      {"dropout", [](RunConfig& c) { c.models[0].dropout = {0.5}; }},
      {"stochastic_depth", [](RunConfig& c) { c.models[0].stochastic_depth = {0.5}; }},
      {"precision", [](RunConfig& c) { c.train.precision = "bf16"; }},
      {"flip", [](RunConfig& c) { c.train.augment.flip = false; }},
      {"pad", [](RunConfig& c) { c.train.augment.pad += 1; }},
      {"resized_crop", [](RunConfig& c) { c.train.augment.resized_crop = 0.5; }},
      {"ema", [](RunConfig& c) { c.train.ema = 0.9; }},
      {"progressive.from", [](RunConfig& c) { c.train.progressive.from = 2; }},
      {"progressive.until", [](RunConfig& c) { c.train.progressive.until = 0.5; }},
      {"progressive.delay",
       [](RunConfig& c) { c.train.progressive.from = 2, c.train.progressive.delay = c.train.progressive.until; }},
      {"predict.flip", [](RunConfig& c) { c.predict.flip = true; }},
      {"predict.shift", [](RunConfig& c) { c.predict.shift = 1; }},
      {"folds.k", [](RunConfig& c) { c.folds.k = 4; }},
      {"group", [](RunConfig& c) { c.data.group = "person"; }},
      {"limit", [](RunConfig& c) { c.data.limit = 30; }},
  };
  for (const auto& [name, change] : changes) {
    RunConfig config = config_;
    change(config);
    for (const std::string& key : keys_of(config)) EXPECT_FALSE(before.contains(key)) << name;
  }
}

TEST_F(JobPlanTest, NoKeyChangesWithWhereAndHowFastItRuns) {
  const std::set<std::string> before = keys_of(config_);
  RunConfig config = config_;
  config.models[0].id = "another name";
  config.cluster.shards = 4;
  config.cluster.threads.value = 2;
  config.cluster.device = "cpu";
  config.score = "accuracy";
  std::filesystem::copy(folder_ / "crops.h5", folder_ / "moved.h5");
  config.data.crops = (folder_ / "moved.h5").string();
  EXPECT_EQ(keys_of(config), before);
}

TEST_F(JobPlanTest, OptionsThatCameLaterAreInTheKeyOnlyWhereTheyAreUsed) {
  TrainConfig train;
  const std::string off = train_identity(train, {}).dump();
  for (const char* name : {"resized_crop", "ema", "progressive"})
    EXPECT_THAT(off, testing::Not(testing::HasSubstr(name)));
  for (const char* name : {"lr", "flip", "pad"}) EXPECT_THAT(off, testing::HasSubstr(name));
  train.ema = 0.9;
  EXPECT_THAT(train_identity(train, {}).dump(), testing::HasSubstr("ema"));
  EXPECT_TRUE(predict_identity({}).is_null());
  EXPECT_EQ(predict_identity({.flip = true}).dump(), R"({"flip":true})");
  EXPECT_EQ(predict_identity({.shift = 2}).dump(), R"({"flip":false,"shift":2})");
}

// A finished job is found by its key. A new option must have the role omit_at_default, or every job that was finished
// before it would be trained again.
TEST_F(JobPlanTest, ANewOptionMustNotEnterTheKeyAtItsDefault) {
  EXPECT_EQ(train_identity(TrainConfig{}, {}).dump(),
            R"({"epochs":8,"batch":64,"micro_batches":1,"lr":0.001,"optimizer":"adamw","weight_decay":0.01,)"
            R"("momentum":0.9,"beta2":0.999,"schedule":"one_cycle","warmup":0.25,"label_smoothing":0.0,)"
            R"("precision":"auto","keep":"last","augment":{"flip":true,"pad":4}})");
  EXPECT_EQ(model_identity(ModelConfig{}, {}).dump(), R"({"name":null,"stem":"auto","weights":""})");
  EXPECT_EQ(predict_identity({.flip = true}).dump(), R"({"flip":true})");
  EXPECT_EQ(predict_identity({}), nullptr);
}

TEST_F(JobPlanTest, ImagesThatWouldBeMovedOutOfSightAreRefused) {
  config_.predict.shift = 4;
  try {
    SmallRun run(config_);
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(),
                testing::AllOf(testing::HasSubstr("predict.shift (4)"), testing::HasSubstr("4 x 4 pixels")));
  }
}

TEST_F(JobPlanTest, ImagesThatWouldBeginAtFullSizeAreRefused) {
  config_.train.progressive.from = 4;
  try {
    SmallRun run(config_);
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(),
                testing::AllOf(testing::HasSubstr("train.progressive.from (4)"), testing::HasSubstr("4 x 4 pixels")));
  }
}

TEST_F(JobPlanTest, AFilesContentIsPartOfTheKeyAndItsPlaceIsNot) {
  for (const auto& member : {&ModelConfig::script, &ModelConfig::weights}) {
    const std::string here = (folder_ / "here").string(), there = (folder_ / "there").string();
    write_file(here, "one network");
    write_file(there, "one network");
    RunConfig config = config_;
    config.models[0] = {.id = "small"};
    config.models[0].*member = here;
    const std::set<std::string> before = keys_of(config);
    EXPECT_NE(before, keys_of(config_));
    config.models[0].*member = there;
    EXPECT_EQ(keys_of(config), before);
    const ModelFiles files = SmallRun(config).round.jobs[0].work.files;
    EXPECT_FALSE(files.script.empty() && files.weights.empty());
    write_file(there, "another network");
    for (const std::string& key : keys_of(config)) EXPECT_FALSE(before.contains(key));
  }
}

TEST_F(JobPlanTest, AModelsOwnRateAndPixelsAreThoseOfItsJobs) {
  config_.models = {{.id = "a", .name = "resnet20"},
                    {.id = "b", .name = "resnet20", .mean = {0.25}, .std = {0.5}, .lr = {3e-4}}};
  const SmallRun run(config_);
  for (const PlannedJob& job : run.round.jobs) {
    const bool own = job.work.model.id == "b";
    EXPECT_EQ(job.work.train.lr, own ? 3e-4 : config_.train.lr);
    EXPECT_EQ(job.work.norm, own ? (PixelNorm{{0.25}, {0.5}}) : run.dataset.norm);
  }
  EXPECT_EQ(keys_of(config_).size(), 6U);
}

TEST_F(JobPlanTest, AKeyHasTheRateAndPixelsThatAJobUsesWhereverTheyAreGiven) {
  RunConfig in_train = config_, in_model = config_;
  in_train.train.lr = 3e-4;
  in_train.data.mean = {0.25};
  in_train.data.std = {0.5};
  in_model.models[0].lr = {3e-4};
  in_model.models[0].mean = {0.25};
  in_model.models[0].std = {0.5};
  EXPECT_EQ(keys_of(in_model), keys_of(in_train));
  EXPECT_NE(keys_of(in_model), keys_of(config_));
}

TEST_F(JobPlanTest, PixelsForOtherChannelsAreRefused) {
  config_.models[0].mean = config_.models[0].std = {0.5, 0.5, 0.5};
  EXPECT_THROW(SmallRun run(config_), UsageError);
}

TEST_F(JobPlanTest, WithoutBatchNormAPartMayHaveOneRow) {
  config_.train.batch = 1;
  config_.models[0] = {.id = "net", .script = (folder_ / "net.pt").string()};
  write_file(folder_ / "net.pt", "no archive");
  const SmallRun run(config_for(folder_ / "crops.h5"));
  std::vector<ModelFiles> files = hash_model_files(config_);
  EXPECT_THROW(plan_jobs(run.round.labels, config_, run.dataset, run.plan, files), UsageError);
  files[0].batch_norm = false;
  EXPECT_EQ(plan_jobs(run.round.labels, config_, run.dataset, run.plan, files).size(), 3U);
}

TEST_F(JobPlanTest, PartsTooSmallForBatchNormAreRefusedByJob) {
  config_.train.batch = 4;
  config_.train.micro_batches = 4;
  try {
    SmallRun run(config_);
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(),
                testing::AllOf(testing::HasSubstr("label/small/fold 0"), testing::HasSubstr("train.batch (4)"),
                               testing::HasSubstr("train.micro_batches (4)")));
  }
}

}  // namespace
}  // namespace pleat
