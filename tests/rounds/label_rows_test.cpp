#include "rounds/label_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "run/small_run.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LabelRowsTest : public testing::Test {
 protected:
  // 36 train rows of 12 persons; then unlabelled rows of three persons, two of p0 among them, and test rows.
  LabelRowsTest() {
    rows_ = usual_rows();
    rows_.pop_back();
    for (const char* person : {"u0", "p0", "u1", "u0", "p0"}) rows_.push_back({"", person, "unlabelled"});
    config_.rounds.count = 2;
    config_.data.group = "person";
  }
  LabelRows choose() {
    make_crops_of(folder_ / "crops.h5", rows_);
    RunConfig config = config_for(folder_ / "crops.h5");
    config.rounds = config_.rounds;
    config.data.group = config_.data.group;
    return choose_label_rows(config, open_dataset(config));
  }
  std::string refusal() {
    try {
      choose();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  ScratchFolder folder_;
  std::vector<SmallRow> rows_;
  RunConfig config_;
};

TEST_F(LabelRowsTest, AreTheUnlabelledOnesByGroup) {
  const LabelRows label_rows = choose();
  EXPECT_THAT(label_rows.rows, ElementsAre(38, 39, 40, 41, 42));
  ASSERT_EQ(label_rows.groups.count(), 3);
  const auto group = [&](std::int64_t g) {
    return std::vector(label_rows.groups.first(g), label_rows.groups.first(g) + label_rows.groups.size(g));
  };
  EXPECT_THAT(group(0), ElementsAre(0, 3));
  EXPECT_THAT(group(1), ElementsAre(1, 4));
  EXPECT_THAT(group(2), ElementsAre(2));
  ASSERT_EQ(label_rows.labelled.size(), 3u);  // the train rows of p0
  EXPECT_EQ(label_rows.labelled[2].row, 2);
  EXPECT_EQ(label_rows.labelled[2].group, 1);
}

TEST_F(LabelRowsTest, TestRowsAreAmongThemOnlyOnRequest) {
  config_.rounds.use_test = true;
  EXPECT_THAT(choose().rows, ElementsAre(36, 37, 38, 39, 40, 41, 42));
}

TEST_F(LabelRowsTest, OfOneRoundThereAreNone) {
  config_.rounds.count = 1;
  EXPECT_EQ(choose().count(), 0);
}

TEST_F(LabelRowsTest, WithoutGroupsEachRowStandsAlone) {
  config_.data.group.clear();
  EXPECT_EQ(choose().groups.count(), 5);
}

TEST_F(LabelRowsTest, PartsKeepGroupsWholeAndAreEven) {
  for (int person = 2; person < 12; ++person) {
    for (int photo = 0; photo < 3; ++photo) rows_.push_back({"", "u" + std::to_string(person), "unlabelled"});
  }
  config_.rounds.parts = 4;
  const LabelRows label_rows = choose();
  std::map<int, int> groups_in;
  for (std::int64_t group = 0; group < label_rows.groups.count(); ++group) {
    const int part = label_rows.part_of[std::size_t(*label_rows.groups.first(group))];
    ++groups_in[part];
    for (std::int64_t i = 0; i < label_rows.groups.size(group); ++i)
      EXPECT_EQ(label_rows.part_of[std::size_t(label_rows.groups.first(group)[i])], part);
  }
  ASSERT_EQ(groups_in.size(), 4u);
  for (const auto& [part, groups] : groups_in) EXPECT_NEAR(groups, 13.0 / 4, 1) << part;
}

TEST_F(LabelRowsTest, AConstantTargetThatDiffersIsRefused) {
  config_.rounds.constant_in_group = {"label"};
  EXPECT_THAT(refusal(), HasSubstr("rows 'r0' and 'r1' of the group 'p0' have label a and b"));
}

TEST_F(LabelRowsTest, ACompositionOfOtherSizeIsRefused) {
  config_.rounds.composition["label"] = {{"a", 1}, {"b", 1}};
  EXPECT_THAT(refusal(), HasSubstr("the group 'p0' in column person has 5 rows, but rounds.composition.label has 2"));
}

}  // namespace
}  // namespace pleat
