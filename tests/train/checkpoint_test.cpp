#include "train/checkpoint.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/files.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

Checkpoint checkpoint_at(std::int64_t epoch, std::int64_t step) {
  return {
      .epoch = epoch,
      .step = step,
      .running =
          {.epoch = epoch + 1, .loss = 0.1 + 0.2, .lr = 1e-3, .images = 64, .seconds = 1.5, .waited_seconds = 0.25},
      .history = {{.epoch = 1,
                   .loss = 2.0,
                   .lr = 1e-2,
                   .images = 240,
                   .seconds = 9.0,
                   .waited_seconds = 0.5,
                   .inner_score = -0.25}},
      .model = {{"conv.weight", at::arange(12, at::kFloat).reshape({3, 4})}, {"bn.count", at::arange(1, at::kLong)}},
      .optimizer = {{"conv.weight.momentum", at::arange(12, at::kFloat).reshape({3, 4}) * 0.5}}};
}

class CheckpointTest : public testing::Test {
 protected:
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      all.push_back(entry.path().filename().string());
    std::sort(all.begin(), all.end());
    return all;
  }
  ScratchFolder folder_;
};

TEST_F(CheckpointTest, ComesBackAsItWas) {
  const Checkpoint saved = checkpoint_at(2, 5);
  save_checkpoint(folder_.path(), saved, "key");
  const FoundCheckpoint found = find_checkpoint(folder_.path(), "key");
  const Checkpoint read = parse_checkpoint(found.bytes, found.path);
  EXPECT_EQ(read.epoch, 2);
  EXPECT_EQ(read.step, 5);
  EXPECT_EQ(to_json(read.running), to_json(saved.running));
  ASSERT_EQ(read.history.size(), 1u);
  EXPECT_EQ(to_json(read.history[0]), to_json(saved.history[0]));
  ASSERT_EQ(read.model.size(), 2u);
  ASSERT_EQ(read.optimizer.size(), 1u);
  for (const auto& [name, tensor] : saved.model) {
    const auto same = [&](const auto& other) { return other.first == name && other.second.equal(tensor); };
    EXPECT_TRUE(std::any_of(read.model.begin(), read.model.end(), same)) << name;
  }
  EXPECT_EQ(read.optimizer[0].first, "conv.weight.momentum");
  EXPECT_TRUE(read.optimizer[0].second.equal(saved.optimizer[0].second));
}

TEST_F(CheckpointTest, AnAverageOfTheWeightsIsKeptApartAndMayBeMissing) {
  Checkpoint saved = checkpoint_at(2, 5);
  save_checkpoint(folder_.path(), saved, "key");
  FoundCheckpoint found = find_checkpoint(folder_.path(), "key");
  EXPECT_TRUE(parse_checkpoint(found.bytes, found.path).average.empty());
  saved.average = {{"conv.weight", at::ones({3, 4})}};
  save_checkpoint(folder_.path(), saved, "key");
  found = find_checkpoint(folder_.path(), "key");
  const Checkpoint read = parse_checkpoint(found.bytes, found.path);
  ASSERT_EQ(read.average.size(), 1u);
  EXPECT_EQ(read.average[0].first, "conv.weight");
  EXPECT_TRUE(read.average[0].second.equal(at::ones({3, 4})));
  EXPECT_EQ(read.model.size(), 2u);
}

TEST_F(CheckpointTest, TheNewestTwoAreKeptInTheOrderOfTheirPlaces) {
  for (const auto& [epoch, step] : std::vector<std::pair<int, int>>{{0, 3}, {1, 0}, {9, 0}, {10, 0}})
    save_checkpoint(folder_.path(), checkpoint_at(epoch, step), "key");
  EXPECT_THAT(names(),
              testing::ElementsAre("epoch_00009_step_0000000.safetensors", "epoch_00010_step_0000000.safetensors"));
  const FoundCheckpoint found = find_checkpoint(folder_.path(), "key");
  EXPECT_EQ(parse_checkpoint(found.bytes, found.path).epoch, 10);
}

TEST_F(CheckpointTest, OneThatIsCutShortOrChangedLeavesTheOneBefore) {
  save_checkpoint(folder_.path(), checkpoint_at(1, 0), "key");
  save_checkpoint(folder_.path(), checkpoint_at(2, 0), "key");
  const auto newest = folder_ / "epoch_00002_step_0000000.safetensors";
  const std::string whole = read_file(newest);
  std::string changed = whole;
  changed[changed.size() - 3] ^= 1;
  for (const std::string& bytes : {whole.substr(0, whole.size() - 1), whole.substr(0, 5), std::string(), changed}) {
    write_file(newest, bytes);
    const FoundCheckpoint found = find_checkpoint(folder_.path(), "key");
    ASSERT_FALSE(found.bytes.empty());
    EXPECT_EQ(parse_checkpoint(found.bytes, found.path).epoch, 1);
    EXPECT_THROW(parse_checkpoint(bytes, "cut"), DataError);
  }
}

TEST_F(CheckpointTest, AnotherJobsIsNotUsed) {
  save_checkpoint(folder_.path(), checkpoint_at(1, 0), "key");
  save_checkpoint(folder_.path(), checkpoint_at(2, 0), "other");
  EXPECT_EQ(parse_checkpoint(find_checkpoint(folder_.path(), "key").bytes, "").epoch, 1);
  EXPECT_TRUE(find_checkpoint(folder_.path(), "a third").bytes.empty());
  EXPECT_TRUE(find_checkpoint(folder_ / "not there", "key").bytes.empty());
}

TEST_F(CheckpointTest, ASafetensorsFileOfSomethingElseIsNamed) {
  try {
    parse_checkpoint(tensors_to_bytes({{"w", at::arange(3)}}), "somewhere.safetensors");
    FAIL() << "accepted";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("somewhere.safetensors"));
  }
}

}  // namespace
}  // namespace pleat
