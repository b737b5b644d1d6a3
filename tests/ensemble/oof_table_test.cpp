// The rules of the out-of-fold table, one by one. Each test fails if its rule is removed.
#include "ensemble/oof_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "base/error.h"

namespace pleat {
namespace {

using testing::HasSubstr;

constexpr int kClasses = 3;

// Six rows, two folds, two repeats.
FoldPlan plan() {
  return {.k = 2,
          .repeats = 2,
          .ids = {"a", "b", "c", "d", "e", "f"},
          .groups = {"a", "b", "c", "d", "e", "f"},
          .fold_of = {{0, 0, 0, 1, 1, 1}, {1, 0, 1, 0, 1, 0}}};
}

// Logits that differ by row, fold and class.
float logit(std::int64_t row, int fold, int c) { return std::sin(float(row) * 3 + float(fold) * 7 + float(c) * 11); }

HeldOutPredictions predictions(const FoldPlan& plan, int fold) {
  std::vector<std::int64_t> rows;
  for (const std::size_t row : held_out(plan, FoldId{fold})) rows.push_back(std::int64_t(row));
  const torch::Tensor logits = torch::zeros({std::int64_t(rows.size()), kClasses});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (int c = 0; c < kClasses; ++c) logits[std::int64_t(i)][c] = logit(rows[i], fold, c);
  }
  return {FoldId{fold}, torch::tensor(rows, torch::kInt64), logits};
}

std::vector<HeldOutPredictions> all_predictions() {
  std::vector<HeldOutPredictions> folds;
  for (int fold = 0; fold < plan().folds(); ++fold) folds.push_back(predictions(plan(), fold));
  return folds;
}

TEST(OofTable, NumbersGoToTheirRowsAndMixOverRepeats) {
  auto folds = all_predictions();
  for (HeldOutPredictions& made : folds) {
    made.normal = torch::zeros({made.rows.numel(), 2}, torch::kFloat64);
    for (std::int64_t i = 0; i < made.rows.numel(); ++i) {
      made.normal[i][0] = made.rows[i].item<std::int64_t>() * 10 + made.fold.value / 2;  // the repeat
      made.normal[i][1] = 1.0;
    }
  }
  const torch::Tensor normal = gather_model("r18", plan(), kClasses, folds).normal;
  for (std::int64_t row = 0; row < 6; ++row) {
    EXPECT_DOUBLE_EQ(normal[row][0].item<double>(), double(row) * 10 + 0.5);
    EXPECT_NEAR(normal[row][1].item<double>(), std::sqrt(1.25), 1e-9);
  }
}

TEST(OofTable, ARowIsTheMeanOverRepeatsOfItsSoftmaxInFloat64) {
  const OofModel model = gather_model("r18", plan(), kClasses, all_predictions());
  EXPECT_EQ(model.id, "r18");
  ASSERT_EQ(model.probs.scalar_type(), torch::kFloat64);
  for (std::int64_t row = 0; row < 6; ++row) {
    for (int c = 0; c < kClasses; ++c) {
      double expected = 0;
      for (int repeat = 0; repeat < 2; ++repeat) {
        const int fold = repeat * 2 + plan().fold_of[std::size_t(repeat)][std::size_t(row)];
        double sum = 0;
        for (int other = 0; other < kClasses; ++other) sum += std::exp(double(logit(row, fold, other)));
        expected += std::exp(double(logit(row, fold, c))) / sum / 2;
      }
      EXPECT_NEAR(model.probs[row][c].item<double>(), expected, 1e-15);
    }
  }
}

TEST(OofTable, IsTheSameBitsInWhateverOrderTheFoldsCome) {
  auto folds = all_predictions();
  const torch::Tensor once = gather_model("r18", plan(), kClasses, folds).probs;
  std::reverse(folds.begin(), folds.end());
  EXPECT_TRUE(torch::equal(gather_model("r18", plan(), kClasses, folds).probs, once));
}

TEST(OofTable, LargeLogitsDoNotOverflow) {
  auto folds = all_predictions();
  for (auto& fold : folds) fold.logits.mul_(1e30f);
  const torch::Tensor probs = gather_model("r18", plan(), kClasses, folds).probs;
  EXPECT_TRUE(torch::isfinite(probs).all().item<bool>());
}

struct Breach {
  const char* clause;
  std::function<void(std::vector<HeldOutPredictions>&)> commit;
  std::vector<std::string> named;  // words that the error must contain besides the model
};

void take_rows(HeldOutPredictions& made, const std::vector<std::int64_t>& kept) {
  const torch::Tensor index = torch::tensor(kept, torch::kInt64);
  made.rows = made.rows.index_select(0, index);
  made.logits = made.logits.index_select(0, index);
}

const float kInfinity = std::numeric_limits<float>::infinity();

const std::vector<Breach> kBreaches = {
    {"a row without a prediction",
     [](auto& folds) {
       take_rows(folds[1], {0, 2});
     },
     {"'e'", "repeat 0"}},
    {"a row without a prediction in a later repeat",
     [](auto& folds) {
       take_rows(folds[3], {1, 2});
     },
     {"'a'", "repeat 1"}},
    {"a row that its fold predicts twice",
     [](auto& folds) {
       take_rows(folds[0], {0, 1, 2, 1});
     },
     {"'b'", "fold 0"}},
    {"a row predicted by a fold that trained on it",
     [](auto& folds) { folds[0].rows[1] = 4; },
     {"'e'", "fold 0", "fold 1"}},
    {"a row of a later repeat predicted by a fold that trained on it",
     [](auto& folds) { folds[2].rows[0] = 0; },
     {"'a'", "fold 2", "fold 3"}},
    {"two folds that change places", [](auto& folds) { std::swap(folds[0].fold, folds[1].fold); }, {"trained on it"}},
    {"a fold that is missing", [](auto& folds) { folds.erase(folds.begin() + 2); }, {"fold 2", "missing"}},
    {"no folds at all", [](auto& folds) { folds.clear(); }, {"fold 0", "missing"}},
    {"a fold that is there twice", [](auto& folds) { folds.push_back(folds[3]); }, {"fold 3", "twice"}},
    {"an empty fold that is there twice",
     [](auto& folds) {
       folds.push_back(folds[3]);
       take_rows(folds.back(), {});
     },
     {"fold 3", "twice"}},
    {"a fold that the plan does not have", [](auto& folds) { folds[3].fold = FoldId{4}; }, {"fold 4"}},
    {"a fold below zero", [](auto& folds) { folds[3].fold = FoldId{-1}; }, {"fold -1"}},
    {"too few classes", [](auto& folds) { folds[1].logits = folds[1].logits.slice(1, 0, 2); }, {"fold 1", "3 classes"}},
    {"too many classes",
     [](auto& folds) {
       folds[1].logits = folds[1].logits.repeat({1, 2});
     },
     {"fold 1", "3 classes"}},
    {"fewer logits than rows", [](auto& folds) { folds[1].logits = folds[1].logits.slice(0, 0, 2); }, {"fold 1"}},
    {"logits without rows of their own", [](auto& folds) { folds[1].logits = folds[1].logits[0]; }, {"fold 1"}},
    {"a row beyond the plan", [](auto& folds) { folds[1].rows[0] = 6; }, {"fold 1", "6"}},
    {"a row below zero", [](auto& folds) { folds[1].rows[0] = -1; }, {"fold 1"}},
    {"a logit that is no number", [](auto& folds) { folds[2].logits[1][0] = NAN; }, {"fold 2", "'d'", "finite"}},
    {"a logit that is infinite", [](auto& folds) { folds[2].logits[1][0] = kInfinity; }, {"fold 2", "'d'", "finite"}},
    {"a logit that is minus infinite",
     [](auto& folds) { folds[2].logits[1][0] = -kInfinity; },
     {"fold 2", "'d'", "finite"}},
};

class OofLaw : public testing::TestWithParam<Breach> {};
INSTANTIATE_TEST_SUITE_P(OofTable, OofLaw, testing::ValuesIn(kBreaches));
void PrintTo(const Breach& breach, std::ostream* out) { *out << breach.clause; }

TEST_P(OofLaw, ABreachIsAnErrorThatNamesIt) {
  auto folds = all_predictions();
  GetParam().commit(folds);
  try {
    gather_model("r18", plan(), kClasses, folds);
    FAIL() << GetParam().clause;
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("r18"));
    for (const std::string& part : GetParam().named) EXPECT_THAT(error.what(), HasSubstr(part));
  }
}

}  // namespace
}  // namespace pleat
