#include "run/epoch_file.h"

#include <gmock/gmock.h>

#include <sstream>

#include "base/files.h"
#include "run/run_paths.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

using testing::ElementsAre;

class EpochFileTest : public testing::Test {
 protected:
  void record(std::int64_t epoch, double loss) const { record_epoch(folder(), {.epoch = epoch, .loss = loss}); }
  std::filesystem::path folder() const { return scratch_ / "fold_0"; }
  std::filesystem::path file() const { return folder() / kMetricsFile; }
  std::vector<double> losses() const {
    std::istringstream lines(read_file(file()));
    std::vector<double> all;
    for (std::string line; std::getline(lines, line);) all.push_back(parse_json(line).at("loss"));
    return all;
  }

 private:
  ScratchFolder scratch_;
};

TEST_F(EpochFileTest, EpochsAreAppendedInAFolderThatIsMade) {
  for (int epoch = 1; epoch <= 3; ++epoch) record(epoch, epoch * 0.5);
  EXPECT_THAT(losses(), ElementsAre(0.5, 1.0, 1.5));
}

TEST_F(EpochFileTest, AResumedJobRepeatsEpochs) {
  for (int epoch = 1; epoch <= 4; ++epoch) record(epoch, epoch);
  record(3, 30);
  EXPECT_THAT(losses(), ElementsAre(1, 2, 30));
  record(1, 10);
  EXPECT_THAT(losses(), ElementsAre(10)) << "from the start again";
}

TEST_F(EpochFileTest, ALineThatAKillCutIsReplaced) {
  record(1, 1);
  const std::string whole = read_file(file());
  write_file(file(), whole + "{\"epoch\":2,\"lo");
  record(2, 2);
  EXPECT_THAT(losses(), ElementsAre(1, 2));
}

TEST_F(EpochFileTest, LinesOfAnotherKindAreReplaced) {
  for (const char* text : {"{\"epoch\": \"1\"}\n", "{}\n", "[1]\n", "no json\n"}) {
    std::filesystem::create_directories(folder());
    write_file(file(), text);
    record(2, 2);
    EXPECT_THAT(losses(), ElementsAre(2)) << text;
  }
}

TEST_F(EpochFileTest, AFileThatCannotBeWrittenCostsNoRun) {
  std::filesystem::create_directories(file());  // a folder of that name
  EXPECT_NO_THROW(record(1, 1));
}

}  // namespace
}  // namespace pleat
