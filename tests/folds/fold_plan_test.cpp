#include "folds/fold_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/random.h"

namespace pleat {
namespace {

using testing::HasSubstr;
using testing::Not;

// Groups of 1 to `largest` rows, with two strata columns. In half of the tables, the first column is the same
// throughout a group.
FoldRequest random_request(std::uint64_t seed, int largest = 9) {
  RandomStream random({.seed = seed, .purpose = Purpose::kSubset});
  FoldRequest request{.strata = {{}, {}},
                      .strata_names = {"age", "mask"},
                      .k = 2 + static_cast<int>(random.below(6)),
                      .repeats = 1 + static_cast<int>(random.below(3)),
                      .seed = seed};
  const std::uint32_t groups = 60 + random.below(60), age_classes = 2 + random.below(3);
  const bool age_of_group = random.below(2) == 0;
  for (std::uint32_t group = 0; group < groups; ++group) {
    const std::uint32_t rows = 1 + random.below(static_cast<std::uint32_t>(largest));
    const std::uint32_t age = random.below(age_classes);
    for (std::uint32_t row = 0; row < rows; ++row) {
      request.ids.push_back("photo-" + std::to_string(request.ids.size()));
      request.groups.push_back("person-" + std::to_string(group));
      request.strata[0].push_back(std::to_string(age_of_group ? age : random.below(age_classes)));
      request.strata[1].push_back(random.below(4) == 0 ? "none" : "wear");
    }
  }
  return request;
}

FoldRequest reordered(const FoldRequest& request, const std::vector<std::size_t>& order) {
  FoldRequest other = request;
  for (std::size_t i = 0; i < order.size(); ++i) {
    other.ids[i] = request.ids[order[i]];
    if (!request.groups.empty()) other.groups[i] = request.groups[order[i]];
    for (std::size_t c = 0; c < request.strata.size(); ++c) other.strata[c][i] = request.strata[c][order[i]];
  }
  return other;
}

// Counts the rows with the value in each fold of a repeat.
std::vector<int> counts(const FoldPlan& plan, int repeat, const std::vector<std::string>& column,
                        const std::string& value) {
  std::vector<int> rows(static_cast<std::size_t>(plan.k), 0);
  const auto& fold_of = plan.fold_of[static_cast<std::size_t>(repeat)];
  for (std::size_t row = 0; row < column.size(); ++row) {
    rows[static_cast<std::size_t>(fold_of[row])] += column[row] == value;
  }
  return rows;
}

std::string error_of(const FoldRequest& request) {
  try {
    make_folds(request);
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

FoldRequest rows_on_their_own(int rows, int k) {
  FoldRequest request{.strata = {{}}, .strata_names = {"label"}, .k = k};
  for (int i = 0; i < rows; ++i) {
    request.ids.push_back("r" + std::to_string(i));
    request.strata[0].push_back("only");
  }
  return request;
}

// A table and its plan, made once for all tests.
struct Made {
  FoldRequest request;
  FoldPlan plan;
};

class RandomTables : public testing::TestWithParam<std::uint64_t> {
 protected:
  static const Made& made() {
    static std::map<std::uint64_t, Made> cache;
    const auto found = cache.find(GetParam());
    if (found != cache.end()) return found->second;
    const FoldRequest request = random_request(GetParam());
    return cache.emplace(GetParam(), Made{request, make_folds(request)}).first->second;
  }
};
INSTANTIATE_TEST_SUITE_P(FoldPlan, RandomTables, testing::Range<std::uint64_t>(0, 25));

TEST_P(RandomTables, NoGroupIsOnTwoSidesOfAFold) {
  const FoldPlan& plan = made().plan;
  for (const auto& fold_of : plan.fold_of) {
    std::map<std::string, int> fold_of_group;
    for (std::size_t row = 0; row < plan.ids.size(); ++row) {
      const auto [entry, is_new] = fold_of_group.emplace(plan.groups[row], fold_of[row]);
      ASSERT_EQ(entry->second, fold_of[row]) << plan.groups[row];
    }
  }
}

TEST_P(RandomTables, EveryRowIsHeldOutOncePerRepeatAndTrainedOnByAllOtherFolds) {
  const FoldPlan& plan = made().plan;
  for (int repeat = 0; repeat < plan.repeats; ++repeat) {
    std::vector<int> held(plan.ids.size(), 0);
    for (int fold = 0; fold < plan.k; ++fold) {
      const FoldId id{repeat * plan.k + fold};
      const auto out = held_out(plan, id), in = trained_on(plan, id);
      EXPECT_FALSE(out.empty());
      EXPECT_TRUE(std::is_sorted(out.begin(), out.end()) && std::is_sorted(in.begin(), in.end()));
      std::set<std::size_t> all(out.begin(), out.end());
      all.insert(in.begin(), in.end());
      EXPECT_EQ(out.size() + in.size(), plan.ids.size());
      EXPECT_EQ(all.size(), plan.ids.size());
      for (const std::size_t row : out) ++held[row];
    }
    EXPECT_THAT(held, testing::Each(1));
  }
}

TEST_P(RandomTables, TheOrderOfTheRowsDoesNotMatter) {
  const auto& [request, plan] = made();
  std::vector<std::size_t> order(request.ids.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  RandomStream random({.seed = GetParam(), .purpose = Purpose::kShuffle});
  shuffle(order, random);
  const FoldPlan other = make_folds(reordered(request, order));
  for (int repeat = 0; repeat < plan.repeats; ++repeat) {
    const auto r = static_cast<std::size_t>(repeat);
    for (std::size_t i = 0; i < order.size(); ++i) ASSERT_EQ(other.fold_of[r][i], plan.fold_of[r][order[i]]);
  }
}

TEST_P(RandomTables, EveryClassIsInEveryFold) {
  const auto& [request, plan] = made();
  for (const auto& column : request.strata) {
    for (const std::string& value : std::set<std::string>(column.begin(), column.end())) {
      for (int repeat = 0; repeat < plan.repeats; ++repeat) {
        EXPECT_THAT(counts(plan, repeat, column, value), testing::Each(testing::Gt(0))) << value;
      }
    }
  }
}

TEST_P(RandomTables, RowsOnTheirOwnAreSpreadToWithinOneRowInSizeAndInEachClass) {
  FoldRequest request = random_request(GetParam());
  request.groups.clear();
  request.strata.pop_back();
  request.strata_names.pop_back();
  const FoldPlan plan = make_folds(request);
  EXPECT_EQ(plan.groups, plan.ids);
  const auto range = [](const std::vector<int>& rows) {
    return *std::max_element(rows.begin(), rows.end()) - *std::min_element(rows.begin(), rows.end());
  };
  const std::vector<std::string> all(plan.ids.size(), "any");
  for (int repeat = 0; repeat < plan.repeats; ++repeat) {
    EXPECT_LE(range(counts(plan, repeat, all, "any")), 1);
    for (const std::string value : {"0", "1"}) EXPECT_LE(range(counts(plan, repeat, request.strata[0], value)), 1);
  }
}

TEST(FoldPlan, IsTheSameForTheSameSeedAndAnotherForAnotherSeedAndRepeat) {
  FoldRequest request = random_request(1);
  request.repeats = 2;
  const FoldPlan plan = make_folds(request);
  EXPECT_EQ(make_folds(request).fold_of, plan.fold_of);
  EXPECT_NE(plan.fold_of[0], plan.fold_of[1]);
  request.seed += 1;
  EXPECT_NE(make_folds(request).fold_of, plan.fold_of);
}

TEST(FoldPlan, ARepeatDoesNotDependOnHowManyThereAre) {
  FoldRequest request = random_request(2);
  request.repeats = 3;
  const FoldPlan three = make_folds(request);
  request.repeats = 1;
  EXPECT_EQ(make_folds(request).fold_of[0], three.fold_of[0]);
}

TEST(FoldPlan, TheSevenPhotosOfAPersonStayTogetherAndAgesAndMasksAreEven) {
  FoldRequest request{.strata = {{}, {}}, .strata_names = {"mask", "age"}, .k = 5};
  for (int person = 0; person < 270; ++person) {
    for (int photo = 0; photo < 7; ++photo) {
      request.ids.push_back(std::to_string(person) + "/" + std::to_string(photo));
      request.groups.push_back(std::to_string(person));
      request.strata[0].push_back(photo < 5 ? "wear" : photo == 5 ? "incorrect" : "normal");
      request.strata[1].push_back(person < 100 ? "young" : person < 250 ? "middle" : "old");
    }
  }
  const FoldPlan plan = make_folds(request);
  EXPECT_THAT(counts(plan, 0, request.strata[1], "young"), testing::Each(20 * 7));
  EXPECT_THAT(counts(plan, 0, request.strata[1], "middle"), testing::Each(30 * 7));
  EXPECT_THAT(counts(plan, 0, request.strata[1], "old"), testing::Each(4 * 7));
  EXPECT_THAT(counts(plan, 0, request.strata[0], "incorrect"), testing::Each(54));
}

TEST(FoldPlan, AClassOfJustKGroupsIsInEveryFoldEvenWhereTheyAreLarge) {
  FoldRequest request = random_request(3);
  request.k = 5;
  for (int group = 0; group < 5; ++group) {
    for (int row = 0; row < 1 + 30 * (group % 2); ++row) {
      request.ids.push_back("rare-" + std::to_string(request.ids.size()));
      request.groups.push_back("rare-" + std::to_string(group));
      request.strata[0].push_back("rare");
      request.strata[1].push_back("wear");
    }
  }
  EXPECT_THAT(counts(make_folds(request), 0, request.strata[0], "rare"), testing::Each(testing::Gt(0)));
}

TEST(FoldPlan, AClassInFewerGroupsThanFoldsIsSpreadOverAsManyFoldsAsItHasGroups) {
  FoldRequest request = random_request(4);
  request.k = 5;
  for (int row = 0; row < 12; ++row) {
    request.ids.push_back("rare-" + std::to_string(row));
    request.groups.push_back("rare-" + std::to_string(row % 3));
    request.strata[0].push_back("rare");
    request.strata[1].push_back("wear");
  }
  const auto rows = counts(make_folds(request), 0, request.strata[0], "rare");
  EXPECT_EQ(std::count(rows.begin(), rows.end(), 0), 2);
}

TEST(FoldPlan, WithoutStrataFoldsAreOfOneSizeAndNoneIsEmpty) {
  FoldRequest request{.k = 5};
  for (int row = 0; row < 100 + 4; ++row) {  // one group of 100, four of one
    request.ids.push_back(std::to_string(row));
    request.groups.push_back(row < 100 ? "crowd" : std::to_string(row));
  }
  const FoldPlan plan = make_folds(request);
  const std::vector<std::string> all(plan.ids.size(), "any");
  EXPECT_THAT(counts(plan, 0, all, "any"), testing::UnorderedElementsAre(100, 1, 1, 1, 1));
}

TEST(FoldPlan, TooFewRowsOrGroupsAreRefusedWithBothNumbers) {
  EXPECT_THAT(error_of(rows_on_their_own(4, 5)), AllOf(HasSubstr("4 labelled"), HasSubstr("5 folds")));
  FoldRequest request = rows_on_their_own(12, 5);
  for (int row = 0; row < 12; ++row) request.groups.push_back("g" + std::to_string(row % 4));
  EXPECT_THAT(error_of(request), AllOf(HasSubstr("4 groups"), HasSubstr("5 folds")));
}

TEST(FoldPlan, AClassWithFewerRowsThanFoldsIsRefusedByName) {
  FoldRequest request = rows_on_their_own(30, 5);
  for (int row = 0; row < 4; ++row) request.strata[0][static_cast<std::size_t>(row)] = "rare";
  EXPECT_THAT(error_of(request), AllOf(HasSubstr("'label'"), HasSubstr("'rare'"), HasSubstr("4 rows"), HasSubstr("5"),
                                       Not(HasSubstr("edges"))));
  FoldRequest ages = request;
  for (std::size_t row = 0; row < 30; ++row) ages.strata[0][row] = std::to_string(20 + row % 3);
  ages.strata[0][0] = "37";  // one more class among few: perhaps a code
  EXPECT_THAT(error_of(ages), AllOf(HasSubstr("'37' has 1 row,"), Not(HasSubstr("edges"))));
  for (std::size_t row = 0; row < 30; ++row) ages.strata[0][row] = std::to_string(20 + row);
  EXPECT_THAT(error_of(ages), HasSubstr("give the target edges if these are amounts"));
  request.strata[0][4] = "rare";
  EXPECT_EQ(error_of(request), "no error");
}

TEST(FoldPlan, WarningsOfManyClassesAreCutShort) {
  FoldRequest request{.strata = {{}}, .strata_names = {"person"}, .k = 5};
  for (int person = 0; person < 12; ++person) {
    for (int photo = 0; photo < 5; ++photo) {
      request.ids.push_back(std::to_string(request.ids.size()));
      request.groups.push_back(std::to_string(person));
      request.strata[0].push_back(std::to_string(person));
    }
  }
  std::ostringstream text;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_st>(text)));
  make_folds(request);
  spdlog::set_default_logger(before);
  const std::string lines = text.str();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 6) << lines;
  EXPECT_THAT(lines, HasSubstr("and 7 more classes in fewer groups than folds"));
}

TEST(FoldPlan, TheNumberOfFoldsHasABound) {
  EXPECT_EQ(read_fields<FoldConfig>(parse_config("k: 10000", "c.yaml")).k, 10'000);
  EXPECT_THROW(read_fields<FoldConfig>(parse_config("k: 10001", "c.yaml")), UsageError);
}

TEST(FoldPlan, AnIdThatStandsThereTwiceIsRefused) {
  FoldRequest request = rows_on_their_own(12, 3);
  request.ids[7] = request.ids[2];
  EXPECT_THAT(error_of(request), HasSubstr("'r2'"));
}

TEST(FoldPlan, ColumnsOfAnotherLengthAreABug) {
  FoldRequest request = rows_on_their_own(12, 3);
  request.strata[0].pop_back();
  EXPECT_THROW(make_folds(request), std::invalid_argument);
}

TEST(FoldPlan, AFoldThatIsNotInThePlanIsABug) {
  const FoldPlan plan = make_folds(rows_on_their_own(12, 3));
  EXPECT_THROW(held_out(plan, FoldId{3}), std::out_of_range);
  EXPECT_THROW(trained_on(plan, FoldId{-1}), std::out_of_range);
}

}  // namespace
}  // namespace pleat
