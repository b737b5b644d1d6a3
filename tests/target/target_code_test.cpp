#include "target/target_code.h"

#include <ATen/Functions.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace pleat {
namespace {

Target age(int bins, bool regress = false, std::vector<double> train_edges = {30, 60}) {
  return {.name = "age",
          .column = "age",
          .classes = {"young", "middle", "old"},
          .edges = {30, 60},
          .train_edges = std::move(train_edges),
          .bins = bins,
          .regress = regress};
}

std::vector<double> ages_from(int first, int last) {
  std::vector<double> ages;
  for (int a = first; a <= last; ++a) ages.push_back(a);
  return ages;
}

std::vector<int> rows_per_bin(const TargetCode& code, const std::vector<double>& numbers) {
  std::vector<int> rows(std::size_t(code.outputs), 0);
  for (const double number : numbers) ++rows[std::size_t(code.bin_of(number))];
  return rows;
}

TEST(TargetCode, BinsHoldEquallyManyRows) {
  const std::vector<double> ages = ages_from(18, 72);  // 55 different ones
  const TargetCode code = fit_code(age(11), ages, "fold 0");
  EXPECT_THAT(rows_per_bin(code, ages), testing::Each(5));
}

TEST(TargetCode, EqualNumbersShareABinAndNoneIsEmpty) {
  std::vector<double> ages = ages_from(18, 59);
  ages.insert(ages.end(), 40, 60.0);  // half of all are 60
  const TargetCode code = fit_code(age(11), ages, "fold 0");
  const std::vector<int> rows = rows_per_bin(code, ages);
  EXPECT_EQ(rows.size(), 11u);
  EXPECT_GE(*std::min_element(rows.begin(), rows.end()), 1);
  EXPECT_THROW(fit_code(age(11), {20, 20, 30, 30, 40}, "fold 0"), DataError);
}

TEST(TargetCode, ABinThatStraddlesAnEdgeIsSharedByTheAgesInIt) {
  // Two bins: 20, 25, 28, 31 and 62, 64, 66, 68.
  const TargetCode code = fit_code(age(2), {20, 25, 28, 31, 62, 64, 66, 68}, "fold 0");
  EXPECT_THAT(code.shares[0], testing::ElementsAre(0.75, 0.25, 0.0));
  EXPECT_THAT(code.shares[1], testing::ElementsAre(0.0, 0.0, 1.0));
  const torch::Tensor probs = at::softmax(class_logits(code, torch::tensor({{0.0F, 0.0F}})).to(at::kDouble), 1);
  EXPECT_NEAR(probs[0][0].item<double>(), 0.375, 1e-6);
  EXPECT_NEAR(probs[0][1].item<double>(), 0.125, 1e-6);
  EXPECT_NEAR(probs[0][2].item<double>(), 0.5, 1e-6);
}

TEST(TargetCode, TrainEdgesMoveTheBorderThatIsTaught) {
  const TargetCode code = fit_code(age(2, false, {30, 58}), {20, 25, 28, 31, 57, 58, 59, 60}, "fold 0");
  EXPECT_THAT(code.shares[1], testing::ElementsAre(0.0, 0.25, 0.75));
}

TEST(TargetCode, ANumberIsCutAtTheEdges) {
  const TargetCode code = fit_code(age(0, true), {20, 40, 60}, "fold 0");
  EXPECT_DOUBLE_EQ(code.mean, 40.0);
  EXPECT_NEAR(code.deviation, std::sqrt(800.0 / 3), 1e-9);
  const torch::Tensor outputs = torch::tensor({{0.0F, 0.0F}, {5.0F, -3.0F}});
  const auto [means, deviations] = predicted_number(code, outputs);
  EXPECT_NEAR(means[0].item<double>(), 40.0, 1e-6);
  const double deviation = deviations[0].item<double>();
  EXPECT_NEAR(deviation, code.deviation, 0.1);
  const torch::Tensor probs = at::softmax(class_logits(code, outputs).to(at::kDouble), 1);
  const double below = (1 + std::erf((30 - 40) / (deviation * std::sqrt(2.0)))) / 2;
  EXPECT_NEAR(probs[0][0].item<double>(), below, 1e-6);
  EXPECT_GT(probs[1][2].item<double>(), 0.999999);
  EXPECT_THROW(fit_code(age(0, true), {40, 40}, "fold 0"), DataError);
}

TEST(TargetCode, TheDeviationIsBoundedAndNeverLosesItsSlope) {
  const auto outputs = torch::tensor({-6.0, -4.0, -0.5, 3.0, 5.0}, at::kDouble).requires_grad_();
  const torch::Tensor log = log_deviation(outputs);
  EXPECT_GT(log[0].item<double>(), -4.0);
  EXPECT_DOUBLE_EQ(log[2].item<double>(), -0.5);
  EXPECT_LT(log[4].item<double>(), 3.0);
  log.sum().backward();
  EXPECT_GT(outputs.grad().min().item<double>(), 0.01);
}

TEST(TargetCode, LogitsAreFiniteForWhatIsOutOfTheQuestion) {
  const TargetCode code = fit_code(age(0, true), {20, 40, 60}, "fold 0");
  EXPECT_TRUE(at::isfinite(class_logits(code, torch::tensor({{-90.0F, -9.0F}, {90.0F, -9.0F}}))).all().item<bool>());
}

TEST(TargetCode, ClassesPassThroughAsTheyAre) {
  const TargetCode code = fit_code({.name = "mask", .classes = {"a", "b"}}, {}, "fold 0");
  const torch::Tensor logits = torch::tensor({{1.0F, -2.0F}});
  EXPECT_TRUE(class_logits(code, logits).equal(logits));
}

TEST(TargetCode, ComesBackFromJsonAsItWas) {
  for (const Target& target : {age(0), age(5), age(0, true)}) {
    const TargetCode code = fit_code(target, ages_from(18, 72), "fold 0");
    const TargetCode back = code_from_json(Json::parse(to_json(code).dump()), "done.json");
    EXPECT_EQ(to_json(back), to_json(code));
    const torch::Tensor outputs = at::randn({4, code.outputs});
    EXPECT_TRUE(class_logits(back, outputs).equal(class_logits(code, outputs)));
  }
  for (const char* bad : {"null", "{}", R"({"taught_as":"bins","cuts":[1],"class_shares":[[1,0]]})",
                          R"({"taught_as":"number","mean":1,"deviation":0,"edges":[1]})", R"({"taught_as":"x"})"})
    EXPECT_THROW(code_from_json(Json::parse(bad), "done.json"), DataError) << bad;
}

}  // namespace
}  // namespace pleat
