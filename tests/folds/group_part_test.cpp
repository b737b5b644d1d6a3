#include "folds/group_part.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

namespace pleat {
namespace {

struct Rows {
  std::vector<std::string> groups, strata;
};

// `count` groups of `size` rows; the groups' strata alternate between three.
Rows rows_of(std::size_t count, std::size_t size) {
  Rows rows;
  for (std::size_t i = 0; i < count * size; ++i) {
    rows.groups.push_back("g" + std::to_string(i / size));
    rows.strata.push_back(std::string(1, static_cast<char>('a' + i / size % 3)));
  }
  return rows;
}

TEST(GroupPart, KeepsGroupsWholeAndStrataInShare) {
  const Rows rows = rows_of(60, 7);
  const auto kept = part_of_groups(rows.groups, rows.strata, 105, {.seed = 1});
  EXPECT_EQ(kept.size(), 105u);
  std::map<std::string, int> rows_of_group, rows_of_stratum;
  for (const std::size_t row : kept) ++rows_of_group[rows.groups[row]], ++rows_of_stratum[rows.strata[row]];
  for (const auto& [group, count] : rows_of_group) EXPECT_EQ(count, 7) << group;
  for (const auto& [stratum, count] : rows_of_stratum) EXPECT_EQ(count, 35) << stratum;
}

TEST(GroupPart, WhatAStratumIsTooSmallForGoesToTheNext) {
  const Rows rows = rows_of(12, 7);  // 84 rows; a tenth of a stratum is less than a group
  EXPECT_EQ(part_of_groups(rows.groups, rows.strata, 8, {.seed = 1}).size(), 7u);
  EXPECT_EQ(part_of_groups(rows.groups, rows.strata, 6, {.seed = 1}).size(), 0u);
}

TEST(GroupPart, IsAFunctionOfSeedAndNames) {
  const Rows rows = rows_of(60, 2);
  const auto one = part_of_groups(rows.groups, rows.strata, 30, {.seed = 1});
  EXPECT_EQ(part_of_groups(rows.groups, rows.strata, 30, {.seed = 1}), one);
  EXPECT_NE(part_of_groups(rows.groups, rows.strata, 30, {.seed = 2}), one);
  EXPECT_TRUE(std::is_sorted(one.begin(), one.end()));
}

}  // namespace
}  // namespace pleat
