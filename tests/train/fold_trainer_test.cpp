#include "train/fold_trainer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "class_head.h"
#include "model/tensor_file.h"
#include "support/scratch_folder.h"
#include "train/checkpoint.h"

namespace pleat {
namespace {

constexpr int kRows = 12;

// One job on gray crops of 12 x 12 pixels in two classes: ten training rows in two batches, and two rows to predict.
// Another row, the mirror image of row 10, is used by single tests only.
class FoldTrainerTest : public testing::Test {
 protected:
  FoldTrainerTest() : crops_(make_crops()) {
    job_.key = "key";
    job_.model = {.id = "small", .name = "resnet20"};
    job_.train = {.epochs = 3, .batch = 5, .lr = 1e-2, .precision = "fp32"};
    job_.train.augment = {.flip = true, .pad = 0, .resized_crop = 0.4, .rotate = 10, .jitter = 0.2};
    job_.train.augment.randaugment.ops = 2;
    job_.train.augment.erase = 0.5, job_.train.augment.mixup = 0.3, job_.train.augment.cutmix = 1.0;
    job_.train.progressive = {.from = 8, .until = 0.5};
    job_.train.ema = 0.9;
    job_.heads = {class_head(2, {})};
    job_.score = "accuracy";
    job_.norm = {{0.5}, {0.25}};
    for (std::int64_t row = 0; row < kRows; ++row) {
      if (row < 10) job_.heads[0].labels.push_back(row % 2);
      (row < 10 ? job_.train_rows : job_.predict_rows).push_back(row);
    }
  }

  // Trains in the folder `name`. Requests a stop before step `stop`, counted from 0 in this call.
  FoldResult train(const std::string& name, int stop = -1) {
    int asked = 0;
    return train_fold(job_, {.crops = crops_,
                             .resume_folder = folder_ / name,
                             .progress = [](const TrainProgress&) {},
                             .stop_requested = [&] { return asked++ == stop; }});
  }

  static std::string bytes_of(const FoldResult& result) {
    NamedTensors all = result.weights;
    all.emplace_back("logits", result.logits.front());
    return tensors_to_bytes(all);
  }

  ScratchFolder folder_;
  CropFile crops_;
  FoldJob job_;

 private:
  CropFile make_crops() {
    constexpr ImageShape kShape{12, 12, 1};
    SampleTable table{.names = {"id"}, .values = {{}}};
    for (int i = 0; i <= kRows; ++i) table.values[0].push_back("r" + std::to_string(i));
    create_crops(folder_ / "crops.h5", kShape, table, {});
    CropWriter writer(folder_ / "crops.h5");
    RandomStream random({.seed = 4});
    std::vector<std::uint8_t> mirrored;
    for (int i = 0; i < kRows; ++i) {
      std::vector<std::uint8_t> image(kShape.bytes());
      for (auto& pixel : image) pixel = static_cast<std::uint8_t>(random.below(128) + (i % 2 ? 120 : 0));
      writer.write(std::size_t(i), image);
      if (i == 10) mirrored = image;
    }
    for (int y = 0; y < kShape.height; ++y) std::reverse(mirrored.begin() + y * 12, mirrored.begin() + (y + 1) * 12);
    writer.write(kRows, mirrored);
    writer.finish();
    return CropFile(folder_ / "crops.h5");
  }
};

TEST_F(FoldTrainerTest, StoppedAnywhereAndRunAgainItEndsWithTheSameBytes) {
  for (const char* precision : {"fp32", "bf16"}) {  // bf16: the network holds bfloat16 copies of the weights
    job_.train.precision = precision;
    const std::string expected = bytes_of(train(std::string(precision) + " whole"));
    for (const int stop : {1, 2, 5}) {  // in the first epoch, at its end, in the last epoch
      const std::string name = std::string(precision) + " stopped before " + std::to_string(stop);
      EXPECT_THROW(train(name, stop), StopRequested);
      EXPECT_EQ(bytes_of(train(name)), expected) << name;
    }
  }
}

TEST_F(FoldTrainerTest, WeightsAreFloat32WhateverTheNetworkHolds) {
  job_.train.precision = "bf16";
  const FoldResult result = train("bf16");
  for (const auto& [name, tensor] : result.weights) {
    if (!tensor.is_floating_point()) continue;
    EXPECT_EQ(tensor.scalar_type(), at::kFloat) << name;
    if (tensor.dim() < 2) continue;
    EXPECT_FALSE(tensor.equal(tensor.to(at::kBFloat16).to(at::kFloat))) << name << " holds roundings";
  }
}

TEST_F(FoldTrainerTest, PredictionsWithMirrorImagesAreMeansOfBoth) {
  job_.predict_rows = {10, 11, 12};  // 12 is 10, mirrored
  const torch::Tensor one = train("one").logits.front();
  job_.predict.flip = true;
  const torch::Tensor both = train("both").logits.front();
  EXPECT_TRUE(both[0].allclose((one[0] + one[2]) / 2));
  EXPECT_TRUE(both[0].allclose(both[2]));
  EXPECT_FALSE(both[1].allclose(one[1]));
}

TEST_F(FoldTrainerTest, AJobWhoseLastEpochIsSavedPredictsWithTheAverageAgain) {
  const std::string expected = bytes_of(train("whole"));
  EXPECT_EQ(bytes_of(train("whole", 0)), expected) << "no step is left, so none is asked before";
}

TEST_F(FoldTrainerTest, EachOfTheOptionsMatters) {
  const std::string all = bytes_of(train("all"));
  const TrainConfig before = job_.train;
  job_.train.ema = 0;
  EXPECT_NE(bytes_of(train("no average")), all);
  job_.train = before;
  job_.train.progressive = {};
  EXPECT_NE(bytes_of(train("full size")), all);
  job_.train = before;
  job_.train.augment.resized_crop = 1.0;
  EXPECT_NE(bytes_of(train("no crops")), all);
}

TEST_F(FoldTrainerTest, TheAverageIsOfTheStepsAndNotTheLastOne) {
  job_.train.epochs = 1;
  job_.train.batch = 10;  // one step: the average has 0.9 of the new weights and 0.1 of the first
  const FoldResult averaged = train("averaged");
  job_.train.ema = 0;
  const FoldResult last = train("last");
  const auto first = make_classifier(job_.model, {.channels = 1, .classes = 2}, [&] {
    RandomKey init = job_.random;
    init.purpose = Purpose::kInit;
    return init;
  }());
  const NamedTensors start = state_of(*first);
  for (std::size_t i = 0; i < start.size(); ++i) {
    const torch::Tensor &kept = averaged.weights[i].second, &end = last.weights[i].second;
    if (!kept.is_floating_point()) {
      EXPECT_TRUE(kept.equal(end)) << start[i].first;
      continue;
    }
    EXPECT_TRUE(kept.allclose(0.1 * start[i].second + 0.9 * end, 1e-5, 1e-6)) << start[i].first;
  }
}

// Sets rows 8 and 9 aside (train.keep: best).
void set_aside(FoldJob& job) {
  job.train.keep = "best";
  job.inner_rows = {8, 9};
  job.heads[0].inner_labels = {0, 1};
  job.train_rows.resize(8);
  job.heads[0].labels.resize(8);
}

TEST_F(FoldTrainerTest, TheBestEpochIsKeptThroughAStopAndItsPlaceToldTruly) {
  set_aside(job_);
  job_.train.epochs = 6;
  const FoldResult whole = train("whole");
  EXPECT_GE(whole.kept_epoch, 1);
  EXPECT_EQ(whole.history.size(), 6u);
  for (const int stop : {1, 4, 9}) {
    const std::string name = "stopped before " + std::to_string(stop);
    EXPECT_THROW(train(name, stop), StopRequested);
    const FoldResult again = train(name);
    EXPECT_EQ(bytes_of(again), bytes_of(whole)) << name;
    EXPECT_EQ(again.kept_epoch, whole.kept_epoch) << name;
  }
  // Training that ends at the best epoch gives the same weights, since the rate is constant.
  job_.train.schedule = "constant", job_.train.warmup = 0, job_.train.progressive = {};
  const FoldResult best = train("constant");
  job_.train.epochs = best.kept_epoch;
  job_.train.keep = "last";
  EXPECT_EQ(bytes_of(train("as far as that")), bytes_of(best));
}

TEST_F(FoldTrainerTest, PatienceEndsTrainingEarly) {
  set_aside(job_);
  job_.train.epochs = 50;
  job_.train.patience = 2;
  const FoldResult result = train("patient");
  EXPECT_LT(result.history.size(), 50u);
  EXPECT_EQ(std::int64_t(result.history.size()), result.kept_epoch + 2);
}

TEST_F(FoldTrainerTest, FrozenEpochsMoveTheLastLayerAlone) {
  job_.train.ema = 0;
  job_.train.epochs = 2, job_.train.freeze_epochs = 1;
  const std::string expected = bytes_of(train("whole"));
  EXPECT_THROW(train("stopped", 2), StopRequested);  // at the start of the second epoch
  const auto file = find_checkpoint(folder_ / "stopped", "key");
  const NamedTensors frozen = parse_checkpoint(file.bytes, file.path).model;
  RandomKey init = job_.random;
  init.purpose = Purpose::kInit;
  const NamedTensors start = state_of(*make_classifier(job_.model, {.channels = 1, .classes = 2}, init));
  for (const auto& [name, tensor] : start) {
    const auto now = std::find_if(frozen.begin(), frozen.end(), [&](const auto& each) { return each.first == name; });
    ASSERT_NE(now, frozen.end()) << name;
    EXPECT_EQ(now->second.equal(tensor), !name.starts_with("fc.")) << name;
  }
  EXPECT_EQ(bytes_of(train("stopped")), expected);
}

TEST_F(FoldTrainerTest, SeveralHeadsAreOneNetworkWhoseOutputsAreTheirs) {
  job_.heads.push_back(class_head(3, {0, 1, 2, 0, 1, 2, 0, 1, 2, 0}));
  const FoldResult result = train("heads");
  ASSERT_EQ(result.logits.size(), 2u);
  EXPECT_EQ(result.logits[0].sizes(), (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(result.logits[1].sizes(), (std::vector<std::int64_t>{2, 3}));
  const auto fc = std::find_if(result.weights.begin(), result.weights.end(),
                               [](const auto& each) { return each.first == "fc.weight"; });
  EXPECT_EQ(fc->second.size(0), 5);
}

TEST_F(FoldTrainerTest, ALossThatRunsAwayEndsTheJobAndNamesPlaceAndRows) {
  job_.train.ema = 0;
  job_.train.optimizer = "sgd", job_.train.lr = 1e6, job_.train.epochs = 4;
  try {
    train("exploding");
    ADD_FAILURE() << "went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kSomeFailed);
    EXPECT_NE(std::string(error.what()).find("epoch"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("(batch of 5: r"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace pleat
