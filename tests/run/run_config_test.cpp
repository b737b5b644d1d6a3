#include "run/run_config.h"

#include <gmock/gmock.h>

#include <functional>

#include "base/error.h"

namespace pleat {
namespace {

RunConfig good_config() {
  RunConfig config;
  config.data.crops = "crops.h5";
  config.targets = {{.name = "mask"}};
  return config;
}

TEST(RunConfig, FillsInWhatIsLeftOut) {
  RunConfig config = good_config();
  complete_and_check(config);
  ASSERT_EQ(config.models.size(), 1u);
  EXPECT_EQ(config.models[0].id, "resnet18");
  EXPECT_EQ(config.models[0].name, "resnet18");
}

TEST(RunConfig, AScriptStandsInTheNamesPlaceAndGivesTheId) {
  RunConfig config = good_config();
  config.models = {{.script = "networks/efficientnet_b0.pt"}};
  complete_and_check(config);
  EXPECT_EQ(config.models[0].id, "efficientnet_b0");
  const auto again = read_fields<RunConfig>(parse_config(to_yaml(from_json(to_json(config))), "config.yaml"));
  EXPECT_EQ(to_json(again), to_json(config)) << "as a run folder keeps it";
}

TEST(RunConfig, AResizedCropTakesThePlaceOfPad) {
  RunConfig config = good_config();
  complete_and_check(config);
  EXPECT_EQ(config.train.augment.pad, 4);
  config.train.augment.resized_crop = 0.35;
  complete_and_check(config);
  EXPECT_EQ(config.train.augment.pad, 0);
}

TEST(RunConfig, RefusesCombinationsThatCannotBe) {
  struct Case {
    std::function<void(RunConfig&)> change;
    std::vector<std::string> words;
  };
  const std::vector<Case> cases{
      {[](RunConfig& c) { c.data.crops = ""; }, {"data.crops"}},
      {[](RunConfig& c) { c.targets.clear(); }, {"targets is empty"}},
      {[](RunConfig& c) {
         c.targets = {{.name = "mask"}, {.name = "mask"}};
       },
       {"targets: name", "mask", "twice"}},
      {[](RunConfig& c) { c.targets = {{.name = "a/b"}}; }, {"a/b"}},
      {[](RunConfig& c) { c.models = {{.id = ".."}}; }, {"models: id", ".."}},
      {[](RunConfig& c) { c.models = {{.name = "resnet18", .script = "m.pt"}}; }, {"name (resnet18)", "script (m.pt)"}},
      {[](RunConfig& c) { c.models = {{.script = "m.pt", .stem = "small"}}; }, {"stem 'small'", "m.pt"}},
      {[](RunConfig& c) { c.models = {{.script = "my net.pt"}}; }, {"models: id", "my net"}},
      {[](RunConfig& c) {
         c.models = {{.id = "a", .script = "m.pt"}, {.id = "b", .script = "m.pt"}};
       },
       {"'a' and 'b'", "same model twice"}},
      {[](RunConfig& c) {
         c.models = {{.id = "a"}, {.id = "a"}};
       },
       {"models: id", "'a'", "twice"}},
      {[](RunConfig& c) {
         c.models = {{.id = "a"}, {.id = "b"}};
       },
       {"'a' and 'b'", "same model twice"}},
      {[](RunConfig& c) { c.data.mean = {0.5}; }, {"data.mean", "data.std"}},
      {[](RunConfig& c) { c.data.limit = 10, c.folds.file = "plan.csv"; },
       {"data.limit (10)", "folds.file (plan.csv)"}},
      {[](RunConfig& c) { c.train.batch = 2, c.train.micro_batches = 4; },
       {"train.micro_batches (4)", "train.batch (2)"}},
      {[](RunConfig& c) { c.cluster.shards = 2; }, {"train.micro_batches (1)", "cluster.shards (2)"}},
      {[](RunConfig& c) { c.cluster.exact = true, c.train.micro_batches = 6; },
       {"train.micro_batches (6)", "cluster.exact", "power of two"}},
  };
  for (const Case& one : cases) {
    RunConfig config = good_config();
    one.change(config);
    try {
      complete_and_check(config);
      ADD_FAILURE() << "accepted: " << one.words.front();
    } catch (const UsageError& error) {
      for (const std::string& word : one.words) EXPECT_THAT(error.what(), testing::HasSubstr(word));
    }
  }
}

TEST(RunConfig, AcceptsModelsThatDifferInMoreThanTheirName) {
  RunConfig config = good_config();
  config.models = {{.id = "a"}, {.id = "b", .name = "resnet20"}, {.id = "c", .weights = "start.safetensors"}};
  EXPECT_NO_THROW(complete_and_check(config));
}

TEST(RunConfig, FreezesWhatDeterminesResultsAndNotWhereFilesLie) {
  RunConfig config = good_config(), moved = good_config();
  config.models = {{.id = "a", .weights = "here/start.safetensors"}, {.id = "b", .script = "here/m.pt"}};
  moved.models = {{.id = "a", .weights = "there/start.safetensors"}, {.id = "b", .script = "there/m.pt"}};
  moved.data.crops = "elsewhere.h5";
  moved.cluster.shards = 4;
  moved.cluster.threads.value = 3;
  EXPECT_EQ(identity_of(config), identity_of(moved));
  moved.train.lr *= 2;
  EXPECT_NE(identity_of(config), identity_of(moved));
}

}  // namespace
}  // namespace pleat
