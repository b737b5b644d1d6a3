#include "run/plan_warnings.h"

#include <gmock/gmock.h>

#include "run/small_run.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(PlanWarnings, AnOptionIsIdleBesideAnotherAlone) {
  RunConfig config;
  config.train.beta2 = 0.9, config.train.warmup = 0.5, config.train.progressive.delay = 0.1;
  config.train.augment.randaugment.magnitude = 3;
  EXPECT_THAT(
      idle_options(config),
      ElementsAre(
          "train.augment.randaugment.magnitude (3) has no effect with train.augment.randaugment.ops: 0; leave it out",
          "train.progressive.delay (0.1) has no effect with train.progressive.from: 0; leave it out"));
  config.train.progressive.from = 16, config.train.augment.randaugment.ops = 2;
  EXPECT_THAT(idle_options(config), IsEmpty());
  config.train.optimizer = "sgd", config.train.schedule = "constant";
  EXPECT_THAT(idle_options(config),
              ElementsAre("train.beta2 (0.9) has no effect with train.optimizer: sgd; leave it out"));
  EXPECT_THAT(idle_options(RunConfig{}), IsEmpty());
}

TEST(PlanWarnings, FrozenRandomWeightsAndStrataOfFixedFoldsAreSaid) {
  RunConfig config;
  config.models = {{.id = "new", .name = "resnet18"}, {.id = "trained", .name = "resnet18", .weights = "w.pth"}};
  config.train.freeze_epochs = 1;
  config.folds.file = "folds.csv", config.folds.stratify = {"mask", "age"};
  EXPECT_THAT(idle_options(config),
              ElementsAre(HasSubstr("folds.stratify (mask, age) has no effect with folds.file"),
                          HasSubstr("model new starts from random weights, and train.freeze_epochs (1)")));
}

TEST(PlanWarnings, ShiftsOfMoreThanHalfTheImageAreSaid) {
  RunConfig config;
  const auto shifts = [&](std::int64_t pad, int height, int width) {
    config.train.augment.pad = pad;
    return shifts_too_far(config, {height, width, 3});
  };
  EXPECT_THAT(shifts(4, 8, 8), IsEmpty());
  EXPECT_THAT(shifts(0, 1, 1), IsEmpty());
  EXPECT_THAT(
      shifts(33, 128, 64),
      ElementsAre("train.augment.pad (33) is more than half of the crops' shorter side (64 pixels), so training "
                  "images can be mostly black; set it to 32 or less"));
  EXPECT_THAT(shifts(64, 64, 128), ElementsAre(HasSubstr("can be all black; set it to 32 or less")));
  config.train.augment.resized_crop = 0.5;  // replaces pad
  EXPECT_THAT(shifts(64, 64, 64), IsEmpty());
}

TEST(PlanWarnings, ClassesThatBinsHideAreNamedOnceForAllModels) {
  const ScratchFolder folder;
  make_crops_of(folder / "crops.h5", usual_rows(36));
  RunConfig config = config_for(folder / "crops.h5");
  config.models.push_back({.id = "other", .name = "resnet18"});
  config.targets = {{.name = "number", .edges = {3, 8}, .bins = 2}};  // 8 and 9 are the smaller part of the upper bin
  const SmallRun run(config);
  EXPECT_THAT(
      classes_without_a_chance(run.dataset, run.round.jobs),
      ElementsAre(HasSubstr("target number: in 3 of 3 folds, the class 'from 8' shares its bins with larger classes")));
  config.targets[0].bins = 5;
  const SmallRun fine(config);
  EXPECT_THAT(classes_without_a_chance(fine.dataset, fine.round.jobs), IsEmpty());
}

}  // namespace
}  // namespace pleat
