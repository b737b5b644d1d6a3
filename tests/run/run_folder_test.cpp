#include "run/run_folder.h"

#include <gmock/gmock.h>

#include <fstream>
#include <optional>

#include "base/error.h"
#include "base/files.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

using testing::HasSubstr;
constexpr const char* kHash = "0123456789abcdef";

RunConfig some_config() {
  RunConfig config;
  config.data.crops = "crops.h5";
  config.targets = {{.name = "mask"}};
  config.models = {{.id = "a"}};
  config.train.precision = "fp32";
  return config;
}

class RunFolderTest : public testing::Test {
 protected:
  void begin(RunConfig config = some_config()) {
    const RunFolder folder(paths_, config, kHash);
    folder.record(config, {.data = {.hash = kHash}});
  }
  std::string error_of(RunConfig config, const std::string& hash = kHash) {
    try {
      RunFolder(paths_, config, hash);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(paths_.root);
    std::ofstream(paths_.root / name) << text;
  }

  ScratchFolder scratch_;
  RunPaths paths_{scratch_ / "run"};
};

TEST_F(RunFolderTest, IsNewOnceAndContinuedFromThenOn) {
  RunConfig config = some_config();
  EXPECT_FALSE(find_earlier_run(paths_, config, kHash));
  EXPECT_FALSE(std::filesystem::exists(paths_.root)) << "looking writes nothing";
  begin();
  EXPECT_TRUE(find_earlier_run(paths_, config, kHash));
  EXPECT_TRUE(RunFolder(paths_, config, kHash).resumed());
}

TEST_F(RunFolderTest, AnEarlierBuildsConfigWithoutAFieldStandsForItsDefault) {
  begin();
  std::string text = read_file(paths_.config());
  const std::size_t at = text.find("  ema:");
  ASSERT_NE(at, std::string::npos);
  write("config.yaml", text.erase(at, text.find('\n', at) + 1 - at));
  EXPECT_EQ(error_of(some_config()), "accepted");
  RunConfig averaged = some_config();
  averaged.train.ema = 0.9;
  EXPECT_THAT(error_of(averaged), HasSubstr("train.ema: 0.0 -> 0.9"));
}

TEST_F(RunFolderTest, WhatARunLeavesThatEndedInItsFirstWritesIsFree) {
  for (const char* name : {"run.lock", "run.json", "run.json.partial", "config.yaml.partial", "folds.csv.partial"})
    write(name, "half");
  EXPECT_EQ(error_of(some_config()), "accepted");
}

TEST_F(RunFolderTest, SomebodyElsesFilesAreLeftAlone) {
  for (const char* name : {"thesis.txt", "thesis.txt.partial", "weights"}) {
    write(name, "years of work");
    EXPECT_THAT(error_of(some_config()), testing::AllOf(HasSubstr("not empty"), HasSubstr(name)));
    EXPECT_FALSE(std::filesystem::exists(paths_.lock()));
    std::filesystem::remove_all(paths_.root);
  }
  std::ofstream(paths_.root) << "a file";
  EXPECT_THAT(error_of(some_config()), HasSubstr("is a file"));
}

TEST_F(RunFolderTest, NamesEveryFieldThatDeterminesResultsAndDiffers) {
  begin();
  RunConfig other = some_config();
  other.train.lr = 0.5;
  other.seed = 3;
  other.data.crops = "moved.h5";
  other.cluster.threads.value = 7;
  const std::string error = error_of(other);
  EXPECT_THAT(error, testing::AllOf(HasSubstr("train.lr: 0.001 -> 0.5"), HasSubstr("seed: 42 -> 3")));
  EXPECT_THAT(error, testing::Not(testing::AnyOf(HasSubstr("crops"), HasSubstr("threads"))));
}

TEST_F(RunFolderTest, OtherDataAreRefusedAndDamageIsNamed) {
  begin();
  EXPECT_THAT(error_of(some_config(), "fedcba9876543210"),
              testing::AllOf(HasSubstr("other data"), HasSubstr("0123456789ab"), HasSubstr("fedcba987654")));
  for (const char* text : {"{\"data\"", "[]", "{\"data\": 3}", ""}) {
    write("run.json", text);
    EXPECT_THAT(error_of(some_config()), testing::AllOf(HasSubstr("run.json"), HasSubstr("damaged"))) << text;
  }
}

TEST_F(RunFolderTest, AnEarlierRunsPrecisionIsTakenOver) {
  RunConfig bf16 = some_config();
  bf16.train.precision = "bf16";
  begin(bf16);
  RunConfig config = some_config();
  config.train.precision = "auto";
  const auto earlier = find_earlier_run(paths_, config, kHash);
  ASSERT_TRUE(earlier);
  EXPECT_EQ(earlier->config.train.precision, "bf16");
  config.train.precision = "fp32";
  EXPECT_THAT(error_of(config), HasSubstr("train.precision"));
}

TEST_F(RunFolderTest, IsHeldByOneRunAtATime) {
  begin();
  RunConfig config = some_config();
  std::optional<RunFolder> first(std::in_place, paths_, config, kHash);
  EXPECT_THAT(error_of(some_config()), HasSubstr("in use by another live run"));
  EXPECT_TRUE(find_earlier_run(paths_, config, kHash)) << "reading takes no lock";
  first.reset();
  EXPECT_EQ(error_of(some_config()), "accepted");
}

TEST_F(RunFolderTest, WhatTheSystemWillNotTellIsAnErrorInWords) {
  paths_.root = scratch_ / std::string(300, 'x');
  EXPECT_THAT(error_of(some_config()), HasSubstr("File name too long"));
}

}  // namespace
}  // namespace pleat
