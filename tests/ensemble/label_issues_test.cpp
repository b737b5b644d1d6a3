#include "ensemble/label_issues.h"

#include <gmock/gmock.h>
#include <torch/types.h>

#include "ensemble/audit.h"

namespace pleat {
namespace {

using testing::ElementsAre;

torch::Tensor labels_of(const std::vector<std::int64_t>& labels) { return torch::tensor(labels, torch::kInt64); }

// Two classes; the probability of class 1 in each row.
torch::Tensor binary(const std::vector<double>& ones) {
  const torch::Tensor one = torch::tensor(ones, torch::kFloat64);
  return torch::stack({1 - one, one}, 1);
}

TEST(LabelNoise, CountsRowsThatReachAClassesThreshold) {
  // Thresholds: class 0 (0.9 + 0.8 + 0.1) / 3 = 0.6, class 1 (0.9 + 0.7) / 2 = 0.8.
  const LabelNoise noise = estimate_noise(binary({0.1, 0.2, 0.9, 0.9, 0.7}), labels_of({0, 0, 0, 1, 1}));
  EXPECT_NEAR(noise.thresholds[0], 0.6, 1e-12);
  EXPECT_NEAR(noise.thresholds[1], 0.8, 1e-12);
  EXPECT_THAT(noise.rows[0], ElementsAre(2, 1)) << "the third row reaches class 1's threshold";
  EXPECT_THAT(noise.rows[1], ElementsAre(0, 2)) << "the last row reaches none; the counts are scaled to 2 rows";
}

TEST(LabelNoise, AClassWithoutRowsIsNobodysTrueLabel) {
  const torch::Tensor probs = torch::tensor({{0.1, 0.1, 0.8}, {0.6, 0.2, 0.2}, {0.2, 0.7, 0.1}}, torch::kFloat64);
  const LabelNoise noise = estimate_noise(probs, labels_of({0, 0, 1}));
  EXPECT_EQ(noise.rows[0][2], 0);
  EXPECT_THAT(noise.rows[2], ElementsAre(0, 0, 0));
}

TEST(LabelIssues, AreTheRowsThatContradictMostAsManyAsTheNoiseSays) {
  const torch::Tensor probs = binary({0.05, 0.1, 0.95, 0.97, 0.9, 0.1, 0.95, 0.2});
  const torch::Tensor labels = labels_of({0, 0, 0, 0, 1, 1, 1, 0});
  const LabelNoise noise = estimate_noise(probs, labels);
  const std::vector<LabelIssue> issues = find_label_issues(probs, labels, noise);
  std::vector<std::int64_t> rows;
  for (const LabelIssue& issue : issues) rows.push_back(issue.row);
  EXPECT_THAT(rows, ElementsAre(3, 2, 5)) << "the least confident first";
  EXPECT_EQ(issues[0].suggested, 1);
  EXPECT_NEAR(issues[0].confidence, 0.03, 1e-12);
}

TEST(LabelIssues, ThereAreNoneAmongRightPredictions) {
  const torch::Tensor probs = binary({0.1, 0.2, 0.8, 0.9}), labels = labels_of({0, 0, 1, 1});
  EXPECT_TRUE(find_label_issues(probs, labels, estimate_noise(probs, labels)).empty());
}

OofTable table_of(const torch::Tensor& probs, const std::vector<std::int64_t>& labels) {
  return {.target = "gender", .classes = {"f", "m"}, .labels = labels_of(labels), .ensemble = probs};
}

FoldPlan plan_of(const std::vector<std::string>& groups) {
  FoldPlan plan{.k = 2, .groups = groups};
  for (std::size_t row = 0; row < groups.size(); ++row) plan.ids.push_back("r" + std::to_string(row));
  return plan;
}

// No photo of c is as sure as f's photos in the mean, but both together speak against the label.
TEST(Audit, AGroupIsJudgedByAllItsRows) {
  const OofTable table =
      table_of(binary({0.2, 0.25, 0.3, 0.2, 0.9, 0.95, 0.1, 0.15, 0.9, 0.8}), {0, 0, 0, 0, 1, 1, 1, 1, 1, 1});
  const TargetAudit audit = audit_target(table, plan_of({"a", "a", "b", "b", "c", "c", "d", "d", "e", "e"}));
  ASSERT_TRUE(audit.by_group);
  ASSERT_EQ(audit.group_issues.size(), 1U);
  EXPECT_EQ(audit.group_issues[0].group, "d");
  EXPECT_THAT(audit.group_issues[0].rows, ElementsAre(6, 7));
  EXPECT_EQ(audit.group_issues[0].suggested, 0);
  EXPECT_EQ(audit.group_issues[0].rows_of_suggested, 2);
}

TEST(Audit, GroupsWithSeveralLabelsAreNotJudgedAsOne) {
  const OofTable table = table_of(binary({0.1, 0.9, 0.1, 0.9}), {0, 1, 0, 1});
  EXPECT_FALSE(audit_target(table, plan_of({"a", "a", "b", "b"})).by_group);
  EXPECT_FALSE(audit_target(table, plan_of({"a", "b", "c", "d"})).by_group) << "each row is a group";
}

}  // namespace
}  // namespace pleat
