// folds.csv: a written plan is read back, and an invalid plan is refused with its line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "folds/fold_plan.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

FoldPlan small_plan() {
  return {.k = 2,
          .repeats = 2,
          .ids = {"a", "b, the \"second\"", "c"},
          .groups = {"p", "p", "q"},
          .fold_of = {{0, 0, 1}, {1, 1, 0}}};
}

FoldPlan read_text(const std::string& text) {
  const ScratchFolder folder;
  write_file(folder / "folds.csv", text);
  return read_folds(folder / "folds.csv");
}

TEST(FoldsFile, HasARowPerIdAndAColumnPerRepeat) {
  EXPECT_EQ(folds_csv(small_plan()),
            "id,group,fold,fold_2\n"
            "a,p,0,1\n"
            "\"b, the \"\"second\"\"\",p,0,1\n"
            "c,q,1,0\n");
}

TEST(FoldsFile, ReadsBackWhatWasWritten) {
  const FoldPlan plan = read_text(folds_csv(small_plan()));
  EXPECT_EQ(plan.k, 2);
  EXPECT_EQ(plan.repeats, 2);
  EXPECT_EQ(plan.ids, small_plan().ids);
  EXPECT_EQ(plan.groups, small_plan().groups);
  EXPECT_EQ(plan.fold_of, small_plan().fold_of);
}

TEST(FoldsFile, OtherColumnsAndAnotherOrderOfColumnsAreNoMatter) {
  const FoldPlan plan = read_text("fold,note,id,group\r\n1,x,a,p\r\n0,y,b,q\r\n");
  EXPECT_EQ(plan.fold_of, (std::vector<std::vector<int>>{{1, 0}}));
  EXPECT_EQ(plan.ids, (std::vector<std::string>{"a", "b"}));
}

struct BadFile {
  const char* text;
  std::vector<std::string> named;  // parts of the expected error
};

class BadFolds : public testing::TestWithParam<BadFile> {};

TEST_P(BadFolds, IsRefusedWithWhatAndWhere) {
  try {
    read_text(GetParam().text);
    FAIL() << GetParam().text;
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("folds.csv"));
    for (const std::string& part : GetParam().named) EXPECT_THAT(error.what(), testing::HasSubstr(part));
  }
}

INSTANTIATE_TEST_SUITE_P(FoldsFile, BadFolds,
                         testing::Values(BadFile{"", {"empty"}}, BadFile{"id,group,fold\n", {"no rows"}},
                                         BadFile{"id,fold\na,0\nb,1\n", {"line 1", "'group'"}},
                                         BadFile{"id,group\na,p\nb,q\n", {"line 1", "'fold'"}},
                                         BadFile{"id,group,fold\na,p,0\na,q,1\n", {"line 3", "'a'"}},
                                         BadFile{"id,group,fold\na,p,0\nb,,1\n", {"line 3", "group"}},
                                         BadFile{"id,group,fold\na,p,0\nb,q,one\n", {"line 3", "'one'"}},
                                         BadFile{"id,group,fold\na,p,0\nb,q,\n", {"line 3", "''"}},
                                         BadFile{"id,group,fold\na,p,0\nb,q,-1\n", {"line 3", "'-1'"}},
                                         BadFile{"id,group,fold\na,p,0\nb,q,1.0\n", {"line 3", "'1.0'"}},
                                         BadFile{"id,group,fold\na,p,0\nb,q,99999999999\n", {"line 3"}},
                                         BadFile{"id,group,fold\na,p,0\nb,q,2000000000\n", {"line 3"}},
                                         BadFile{"id,group,fold\na,p,0\nb,q,0\n", {"at least two"}},
                                         BadFile{"id,group,fold\na,p,0\nb,q,2\n", {"fold 1"}},
                                         BadFile{"id,group,fold\na,p,1\nb,q,2\n", {"fold 0"}},
                                         BadFile{"id,group,fold\na,p,0\nb,q,1\nc,p,1\n", {"line 4", "'p'", "line 2"}},
                                         BadFile{"id,group,fold,fold_2\na,p,0,0\nb,q,1,0\n", {"fold 1", "'fold_2'"}},
                                         BadFile{"id,group,fold,fold_2\na,p,0,0\nb,q,1,2\n", {"'fold_2'", "2"}},
                                         BadFile{"id,group,fold,fold_2\na,p,0,0\nb,q,1,1\nc,p,0,1\n",
                                                 {"line 4", "'fold_2'"}}));

TEST(FoldsFile, AMissingFileIsNamed) { EXPECT_THROW(read_folds("/nowhere/folds.csv"), DataError); }

}  // namespace
}  // namespace pleat
