#include "inference/label_scores.h"

#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>

#include "base/json.h"

namespace pleat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Targets mask (no, wear), age (below 30, from 30, trained as a number), and their joint target.
TargetPlan people_plan() {
  RunConfig config;
  config.joint.name = "class";
  return plan_targets(config, {{.name = "mask", .column = "cover", .classes = {"no", "wear"}},
                               {.name = "age",
                                .column = "age",
                                .classes = {"young", "old"},
                                .edges = {30},
                                .train_edges = {30},
                                .regress = true}});
}

torch::Tensor probs_of(const std::vector<double>& second) {
  torch::Tensor one = at::tensor(second, at::kDouble).unsqueeze(1);
  return at::cat({1 - one, one}, 1);
}

SampleTable people(const std::vector<std::string>& masks, const std::vector<std::string>& ages) {
  SampleTable table{.names = {"id", "cover", "age"}, .values = {{}, masks, ages}};
  for (std::size_t i = 0; i < masks.size(); ++i) table.values[0].push_back("r" + std::to_string(i));
  return table;
}

// Predictions for five rows: mask is wear for all but the first, age is old for the last two.
std::vector<TargetProbs> predictions(const TargetPlan& plan) {
  const torch::Tensor mask = probs_of({0.2, 0.9, 0.9, 0.9, 0.9}), age = probs_of({0.1, 0.1, 0.1, 0.8, 0.8});
  std::vector<torch::Tensor> by_target{mask, age, torch::Tensor()};
  plan.derive(by_target);
  const torch::Tensor normal =
      at::tensor({20.0, 5.0, 21.0, 5.0, 22.0, 5.0, 40.0, 5.0, 50.0, 5.0}, at::kDouble).view({5, 2});
  return {{"mask", plan.targets[0].classes, mask, {}},
          {"age", plan.targets[1].classes, age, normal},
          {"class", plan.targets[2].classes, by_target[2], {}}};
}

TEST(LabelScores, EachTargetIsScoredOnTheRowsWithAKnownLabel) {
  const TargetPlan plan = people_plan();
  const SampleTable table = people({"no", "wear", "no", "", "scarf"}, {"20", "20", "", "44", "old"});
  const std::vector<std::int64_t> rows{0, 1, 2, 3, 4};
  const auto all = score_labels(plan, table, rows, std::vector<bool>(5, true), predictions(plan));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].target, "mask");
  EXPECT_EQ(all[0].rows, 3u);
  EXPECT_DOUBLE_EQ(all[0].scores.accuracy, 2.0 / 3);
  EXPECT_EQ(all[0].unknown, 1u);
  EXPECT_THAT(all[0].unknown_labels, ElementsAre("scarf"));
  EXPECT_EQ(all[1].rows, 3u);
  EXPECT_DOUBLE_EQ(all[1].scores.accuracy, 1.0);
  EXPECT_THAT(all[1].unknown_labels, ElementsAre("old"));
  ASSERT_TRUE(all[1].number);
  EXPECT_DOUBLE_EQ(all[1].number->mae, (0 + 1 + 4) / 3.0);
  EXPECT_EQ(all[2].target, "class");
  EXPECT_EQ(all[2].rows, 2u) << "both labels are known";
  const Json json = parse_json(scores_json(all, "p.csv", 7, "log_loss"));
  EXPECT_TRUE(scores_json(all, "p.csv", 7, "log_loss").starts_with(kScoresStart));
  EXPECT_EQ(json["training_rows"], 7);
  EXPECT_THAT(scores_json(all, "p\xE9.csv", 7, "log_loss"), HasSubstr("\"p\xEF\xBF\xBD.csv\"")) << "U+FFFD";
  EXPECT_EQ(json["targets"]["mask"]["unknown"], parse_json(R"({"rows": 1, "labels": ["scarf"]})"));
  EXPECT_EQ(json["targets"]["mask"]["score"], -json["targets"]["mask"]["log_loss"].get<double>());
  EXPECT_THAT(scores_table(all), HasSubstr("\n  3 rows            0.6667 "));
}

TEST(LabelScores, RowsThatTheRunLearntFromDoNotCount) {
  const TargetPlan plan = people_plan();
  const SampleTable table = people({"no", "wear", "no", "no", "no"}, {"", "", "", "", ""});
  const std::vector<std::int64_t> rows{0, 1, 2, 3, 4};
  const auto some = score_labels(plan, table, rows, {true, true, false, false, false}, predictions(plan));
  ASSERT_EQ(some.size(), 1u);
  EXPECT_EQ(some[0].rows, 2u);
  EXPECT_DOUBLE_EQ(some[0].scores.accuracy, 1.0);
  EXPECT_THAT(score_labels(plan, table, rows, std::vector<bool>(5, false), predictions(plan)), IsEmpty());
}

TEST(LabelScores, ATableWithoutLabelsHasNone) {
  const TargetPlan plan = people_plan();
  const std::vector<std::int64_t> rows{0, 1};
  EXPECT_FALSE(has_labels(plan, people({"", ""}, {"", ""}), rows));
  EXPECT_FALSE(has_labels(plan, {.names = {"id"}, .values = {{"a", "b"}}}, rows));
  EXPECT_TRUE(has_labels(plan, people({"", ""}, {"", "x"}), rows));
  EXPECT_FALSE(has_labels(plan, people({"", ""}, {"", "x"}), {0})) << "of the predicted rows";
}

}  // namespace
}  // namespace pleat
