#include "run/dataset.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "run/small_run.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

using testing::HasSubstr;

class DatasetTest : public testing::Test {
 protected:
  Dataset open(const std::vector<SmallRow>& rows) {
    make_crops_of(folder_ / "crops.h5", rows);
    return open_dataset(config_);
  }
  std::string error_of(const std::vector<SmallRow>& rows) {
    try {
      open(rows);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }

  ScratchFolder folder_;
  RunConfig config_ = config_for(folder_ / "crops.h5");
};

TEST_F(DatasetTest, SortsRowsIntoSplitsAndEncodesTheirLabels) {
  const Dataset dataset = open(usual_rows(9));
  EXPECT_THAT(dataset.train, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_THAT(dataset.test, testing::ElementsAre(9, 10));
  EXPECT_THAT(dataset.unlabelled, testing::ElementsAre(11));
  EXPECT_THAT(dataset.targets.targets[0].classes, testing::ElementsAre("a", "b", "c"));
  EXPECT_THAT(dataset.labels[0].classes, testing::ElementsAre(0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, -1));
}

TEST_F(DatasetTest, NamesFileRowColumnAndValueOfWhatCannotBe) {
  auto rows = usual_rows(9);
  rows[4].label = "";
  EXPECT_THAT(error_of(rows), testing::AllOf(HasSubstr("crops.h5: row 'r4'"), HasSubstr("column label is empty")));
  rows = usual_rows(9);
  rows[9].label = "z";
  EXPECT_THAT(error_of(rows), testing::AllOf(HasSubstr("crops.h5: row 'r9'"), HasSubstr("'z'"), HasSubstr("a, b, c")));
  rows = usual_rows(9);
  rows[2].split = "training";
  EXPECT_THAT(error_of(rows), testing::AllOf(HasSubstr("row 'r2'"), HasSubstr("training")));
  rows = usual_rows(0);
  EXPECT_THAT(error_of(rows), HasSubstr("no train rows"));
}

TEST_F(DatasetTest, ATestRowMayHaveNoLabel) {
  auto rows = usual_rows(9);
  rows[9].label = "";
  EXPECT_EQ(open(rows).labels[0].classes[9], -1);
}

TEST_F(DatasetTest, ATrainRowWithoutAGroupIsRefusedWhereGroupsCount) {
  auto rows = usual_rows(9);
  rows[5].person = "";
  rows[11].person = "";  // the unlabelled row, which is in no fold
  EXPECT_NO_THROW(open(rows));
  config_.data.group = "person";
  EXPECT_THAT(error_of(rows), testing::AllOf(HasSubstr("row 'r5'"), HasSubstr("column person (data.group)")));
  rows[5].person = "p1";
  EXPECT_NO_THROW(open(rows));
}

TEST_F(DatasetTest, AColumnThatIsNotThereIsNamedWithWhoAsksForIt) {
  config_.folds.stratify = {"years"};
  EXPECT_THAT(error_of(usual_rows(9)), HasSubstr("no column 'years', which folds.stratify asks for"));
  config_.data.group = "persons";
  EXPECT_THAT(error_of(usual_rows(9)), HasSubstr("no column 'persons', which data.group asks for; did you mean"));
}

TEST_F(DatasetTest, TheLimitKeepsTheSharesOfTheClasses) {
  config_.data.limit = 12;
  const Dataset dataset = open(usual_rows(36));
  std::map<std::int64_t, int> count;
  for (const std::int64_t row : dataset.train) ++count[dataset.labels[0].classes[std::size_t(row)]];
  EXPECT_EQ(count, (std::map<std::int64_t, int>{{0, 4}, {1, 4}, {2, 4}}));
  EXPECT_EQ(dataset.all_train.size(), 36u);
  EXPECT_TRUE(std::is_sorted(dataset.train.begin(), dataset.train.end()));
  EXPECT_EQ(open_dataset(config_).train, dataset.train);
  config_.seed += 1;
  EXPECT_NE(open_dataset(config_).train, dataset.train);
}

TEST_F(DatasetTest, AFrozenPlanSaysWhichRowsTakePartWhateverTheLimitWouldChoose) {
  config_.data.limit = 12;
  const Dataset dataset = open(usual_rows(36));
  FoldPlan plan{.k = 2, .fold_of = {{}}};
  std::vector<std::int64_t> others;
  for (std::int64_t row = 0; row < 36; ++row) {
    if (std::find(dataset.train.begin(), dataset.train.end(), row) != dataset.train.end()) continue;
    others.push_back(row);
    plan.ids.push_back("r" + std::to_string(row));
    plan.fold_of[0].push_back(int(row % 2));
  }
  EXPECT_EQ(rows_of_plan(dataset, plan), others);
  plan.ids[0] = "r36";  // of the test split
  EXPECT_THROW(rows_of_plan(dataset, plan), DataError);
}

TEST_F(DatasetTest, TheLimitTakesGroupsWholeOrNotAtAll) {
  config_.data.group = "person";
  config_.data.limit = 20;
  const Dataset dataset = open(usual_rows(36));
  const auto& persons = dataset.crops.table().column("person");
  std::map<std::string, int> count;
  for (const std::int64_t row : dataset.train) ++count[persons[std::size_t(row)]];
  EXPECT_EQ(count.size(), 6u);
  for (const auto& [person, rows] : count) EXPECT_EQ(rows, 3) << person;
}

TEST_F(DatasetTest, ALimitBelowEveryGroupSaysSo) {
  config_.data.group = "person";
  config_.data.limit = 2;
  EXPECT_THAT(error_of(usual_rows(36)), testing::AllOf(HasSubstr("data.limit (2)"), HasSubstr("column person")));
}

TEST_F(DatasetTest, ThePlanOfOtherDataIsRefused) {
  const Dataset dataset = open(usual_rows(9));
  EXPECT_THAT(rows_of_plan(dataset, {.k = 2, .ids = {"r3", "r0"}}), testing::ElementsAre(3, 0));
  EXPECT_THROW(rows_of_plan(dataset, {.k = 2, .ids = {"r9"}}), DataError) << "a test row is in no fold";
}

}  // namespace
}  // namespace pleat
