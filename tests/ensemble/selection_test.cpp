#include "ensemble/selection.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "ensemble/greedy.h"

namespace pleat {
namespace {

using ::testing::HasSubstr;

// A table that gives each row's class `sure` times the weight of another, after random noise.
torch::Tensor noisy_table(const torch::Tensor& labels, std::int64_t classes, double sure, std::uint64_t seed) {
  RandomStream random({.seed = seed});
  torch::Tensor probs = torch::empty({labels.numel(), classes}, torch::kFloat64);
  for (std::int64_t i = 0; i < labels.numel(); ++i) {
    for (std::int64_t c = 0; c < classes; ++c)
      probs[i][c] = std::exp(2 * random.uniform() + (labels[i].item<std::int64_t>() == c ? sure : 0.0));
  }
  return (probs / probs.sum(1, true)).contiguous();
}

struct Problem {
  Candidates candidates;
  SelectionRequest request;

  explicit Problem(const std::vector<double>& skills, std::int64_t rows = 120, std::int64_t classes = 3) {
    candidates.labels = torch::arange(rows) % classes;
    for (std::size_t m = 0; m < skills.size(); ++m)
      candidates.probs.push_back(noisy_table(candidates.labels, classes, skills[m], m + 1));
    request = {.method = "auto", .score = "macro_f1", .k = 4};
    for (std::int64_t i = 0; i < rows; ++i) request.fold_of.push_back(static_cast<int>(i / 3 % 4));
  }
};

TEST(Selection, OfOneCandidateFitsNothing) {
  for (const char* method : {"auto", "greedy", "stack", "mean"}) {
    Problem problem({1.0});
    problem.request.method = method;
    const Selection selection = select_blend(problem.candidates, problem.request);
    EXPECT_EQ(selection.blend.method, "mean");
    EXPECT_TRUE(torch::equal(selection.in_sample, problem.candidates.probs.front()));
    EXPECT_TRUE(torch::equal(selection.cross_fitted, problem.candidates.probs.front()));
  }
}

TEST(Selection, LeavesUselessCandidatesOut) {
  Problem problem({1.5, 0.0, 0.0, 0.0});
  problem.request.method = "greedy";
  const Selection selection = select_blend(problem.candidates, problem.request);
  EXPECT_GT(selection.blend.weights[0], 0.5);
  problem.request.method = "best";
  EXPECT_EQ(select_blend(problem.candidates, problem.request).blend.weights, (std::vector<double>{1, 0, 0, 0}));
}

TEST(Selection, AutoNeverTakesAMethodThatIsWorseThanTheBestCandidate) {
  const Problem problem({2.0, -1.0, -1.0});
  const Selection selection = select_blend(problem.candidates, problem.request);
  const double best = score(problem.candidates.probs[0], problem.candidates.labels).macro_f1;
  EXPECT_LT(selection.tried.front().in_sample.macro_f1, best);  // the mean would be
  EXPECT_GE(score(selection.in_sample, problem.candidates.labels).macro_f1, best);
  EXPECT_EQ(selection.tried.size(), 4u);
}

TEST(Selection, CrossFittingDoesNotUseTheScoredFold) {
  for (const char* method : {"greedy", "stack", "best"}) {
    Problem problem({1.0, 0.8, 0.6});
    problem.request.method = method;
    const torch::Tensor before = select_blend(problem.candidates, problem.request).cross_fitted;
    for (std::int64_t i = 0; i < problem.candidates.rows(); ++i) {  // other labels in fold 2
      if (problem.request.fold_of[std::size_t(i)] == 2)
        problem.candidates.labels[i] = (problem.candidates.labels[i] + 1) % 3;
    }
    const torch::Tensor after = select_blend(problem.candidates, problem.request).cross_fitted;
    for (std::int64_t i = 0; i < problem.candidates.rows(); ++i) {
      if (problem.request.fold_of[std::size_t(i)] != 2) continue;
      EXPECT_TRUE(torch::equal(before[i], after[i])) << method << i;
    }
    EXPECT_FALSE(std::string(method) == "stack" && torch::equal(before, after));
  }
}

TEST(Selection, IsTheSameForAnyNumberOfThreads) {
  const Problem problem({1.0, 0.9, 0.8}, 5000);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  RowList rows(5000);
  std::iota(rows.begin(), rows.end(), 0);
  const std::vector<int> one = greedy_picks(problem.candidates, rows, "log_loss");
  at::set_num_threads(3);
  EXPECT_EQ(greedy_picks(problem.candidates, rows, "log_loss"), one);
  at::set_num_threads(threads);
}

TEST(Greedy, LeadsBelowFloat32sPrecisionAreDecidedExactly) {
  const std::int64_t rows = 37, classes = 3;
  Candidates candidates{.labels = torch::arange(rows) % 2};
  for (const double lead : {-1e-10, 1e-10}) {  // of the true class
    torch::Tensor probs = torch::full({rows, classes}, 0.1, torch::kFloat64);
    for (std::int64_t i = 0; i < rows; ++i) {
      probs[i][i % 2] = 0.45 + lead;
      probs[i][1 - i % 2] = 0.45 - lead;
    }
    candidates.probs.push_back(probs);
  }
  RowList all(static_cast<std::size_t>(rows));
  std::iota(all.begin(), all.end(), 0);
  for (const char* score : {"macro_f1", "accuracy"})
    EXPECT_EQ(greedy_picks(candidates, all, score), std::vector<int>{1}) << score;
}

TEST(Blend, SurvivesJson) {
  for (const char* method : {"greedy", "stack", "mean"}) {
    Problem problem({1.0, 0.8});
    problem.request.method = method;
    const Selection selection = select_blend(problem.candidates, problem.request);
    const Blend read = blend_from_json(parse_json(to_json(selection.blend).dump()), 2, 3, "ensemble.json");
    EXPECT_TRUE(torch::equal(apply_blend(read, problem.candidates.probs), selection.in_sample)) << method;
  }
}

TEST(Blend, NeedsOnlyTheTablesItUses) {
  const torch::Tensor table = torch::full({2, 3}, 1.0 / 3, torch::kFloat64);
  EXPECT_TRUE(torch::equal(apply_blend({"greedy", {0, 1}, {}}, {torch::Tensor(), table}), table));
}

TEST(Blend, DamagedJsonIsNamed) {
  const auto message = [](const Json& json) -> std::string {
    try {
      blend_from_json(json, 2, 3, "ensemble.json");
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message({{"method", "mean"}, {"weights", {1.0}}}), HasSubstr("1 weights"));
  EXPECT_THAT(message({{"method", "mean"}, {"weights", {0.5, 0.6}}}), HasSubstr("sum 1.1"));
  EXPECT_THAT(message({{"method", "mean"}}), HasSubstr("ensemble.json is damaged"));
  EXPECT_THAT(message({{"method", "stack"},
                       {"weights", {0.5, 0.5}},
                       {"stack", {{"penalty", 1}, {"intercepts", {0, 0, 0}}, {"coefficients", {{1.0}}}}}}),
              HasSubstr("do not fit"));
}

}  // namespace
}  // namespace pleat
