#include "run/conv_plans.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "base/error.h"
#include "base/files.h"
#include "kernels/conv_plan.h"
#include "run/small_run.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;

class ConvPlansTest : public testing::Test {
 protected:
  ConvPlansTest() {
    make_crops_of(folder_ / "crops.h5", usual_rows());
    setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1);
  }

  ConvPlans choose(const ConvPlans& before = {}) const {
    const SmallRun run(config_);
    return choose_conv_plans(config_, run.round.jobs, run.dataset.crops.shape(), at::kCPU, before);
  }

  std::vector<fs::path> cached() const {
    std::error_code error;
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder_ / "cache/pleat/conv_plans", error)) files.push_back(entry);
    return files;
  }

  ScratchFolder folder_;
  RunConfig config_ = config_for(folder_ / "crops.h5");
};

// A plan that no measurement gives. If it appears, the run has read it from the file.
ConvPlan marked() {
  ConvPlan plan;
  plan[ConvShape{.in_channels = 1, .out_channels = 1, .height = 77, .width = 77}][ConvPass::kForward] =
      ConvWay::kProduct;
  return plan;
}

TEST_F(ConvPlansTest, EachModelHasItsOwn) {
  config_.models.push_back({.id = "large", .name = "resnet18"});
  EXPECT_THAT(choose(), testing::UnorderedElementsAre(testing::Key("small"), testing::Key("large")));
}

TEST_F(ConvPlansTest, LaterRunsOfTheMachineReadWhatTheFirstMeasured) {
  choose();
  ASSERT_EQ(cached().size(), 1u);
  Json file = Json::parse(read_file(cached()[0]));
  file["plan"] = to_json(marked());
  write_file(cached()[0], file.dump());
  EXPECT_EQ(choose().at("small"), marked());
}

TEST_F(ConvPlansTest, AnotherNumberOfImagesAtOnceIsMeasuredAnew) {
  choose();
  config_.train.batch = 12;
  choose();
  EXPECT_EQ(cached().size(), 2u);
}

TEST_F(ConvPlansTest, ADamagedCacheCostsAMeasurementAndNothingElse) {
  choose();
  write_file(cached()[0], "{\"plan\": [");
  choose();
  EXPECT_NO_THROW(plan_from_json(Json::parse(read_file(cached()[0])).at("plan"), "cache"));
}

TEST_F(ConvPlansTest, ARunsOwnPlanComesFirst) { EXPECT_EQ(choose({{"small", marked()}}).at("small"), marked()); }

TEST_F(ConvPlansTest, ThereIsNoneOnCudaOrWhereItIsOff) {
  const SmallRun run(config_);
  EXPECT_TRUE(choose_conv_plans(config_, run.round.jobs, run.dataset.crops.shape(), at::kCUDA, {}).empty());
  config_.cluster.fast_conv = false;
  EXPECT_TRUE(choose().empty());
  EXPECT_TRUE(cached().empty());
}

TEST_F(ConvPlansTest, TheFileOfARunIsReadBackAndADamagedOneIsNamed) {
  const RunPaths paths{folder_.path()};
  EXPECT_TRUE(read_conv_plans(paths).empty());
  const ConvPlans plans{{"small", marked()}, {"large", {}}};
  write_file(paths.conv_plan(), to_json(plans).dump());
  EXPECT_EQ(read_conv_plans(paths), plans);
  for (const char* damaged : {"", "[1, 2]", "{\"small\": [{\"channels\": 3}]}", "{\"small\": 4}"}) {
    write_file(paths.conv_plan(), damaged);
    try {
      read_conv_plans(paths);
      ADD_FAILURE() << damaged;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kData);
      EXPECT_THAT(error.what(), testing::HasSubstr("conv_plan.json"));
    }
  }
}

}  // namespace
}  // namespace pleat
