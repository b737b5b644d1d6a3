#include "ensemble/comparison.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "ensemble/row_groups.h"
#include "target/metrics.h"

namespace pleat {
namespace {

// Rows with equal label and equal guesses of both runs are of one kind.
struct Kind {
  std::int64_t label = 0;
  std::array<std::int64_t, 2> guess{};
  auto operator<=>(const Kind&) const = default;
};

// Sums over drawn rows, from which all scores follow.
struct Drawn {
  std::vector<std::int64_t> count;  // by kind
  std::array<double, 2> loss{};
  std::int64_t rows = 0;
};

class PairedRows {
 public:
  explicit PairedRows(const PairedPredictions& pair)
      : classes_(static_cast<std::size_t>(pair.a.size(1))), kind_of_(static_cast<std::size_t>(pair.labels.numel())) {
    const torch::Tensor a = pair.a.to(at::kDouble).contiguous(), b = pair.b.to(at::kDouble).contiguous();
    const torch::Tensor labels = pair.labels.contiguous();
    std::map<Kind, std::int32_t> number_of;
    for (std::size_t row = 0; row < kind_of_.size(); ++row) {
      Kind kind{.label = labels.const_data_ptr<std::int64_t>()[row]};
      std::array<double, 2>& losses = losses_.emplace_back();
      for (std::size_t run = 0; run < 2; ++run)
        read((run == 0 ? a : b).const_data_ptr<double>() + row * classes_, kind.label, kind.guess[run], losses[run]);
      const auto [found, is_new] = number_of.emplace(kind, static_cast<std::int32_t>(kinds_.size()));
      if (is_new) kinds_.push_back(kind);
      kind_of_[row] = found->second;
    }
  }

  Drawn nothing() const { return {.count = std::vector<std::int64_t>(kinds_.size())}; }

  void add(std::size_t row, Drawn& drawn) const {
    ++drawn.count[static_cast<std::size_t>(kind_of_[row])];
    for (std::size_t run = 0; run < 2; ++run) drawn.loss[run] += losses_[row][run];
    ++drawn.rows;
  }

  // The classes' counts in one run's predictions.
  std::vector<ClassCounts> counts(const Drawn& drawn, std::size_t run) const {
    std::vector<ClassCounts> classes(classes_);
    for (std::size_t k = 0; k < kinds_.size(); ++k) {
      const Kind& kind = kinds_[k];
      classes[static_cast<std::size_t>(kind.label)].labelled += drawn.count[k];
      classes[static_cast<std::size_t>(kind.guess[run])].guessed += drawn.count[k];
      if (kind.label == kind.guess[run]) classes[static_cast<std::size_t>(kind.label)].hit += drawn.count[k];
    }
    return classes;
  }

  std::size_t classes() const { return classes_; }
  std::size_t size() const { return kind_of_.size(); }

 private:
  void read(const double* probs, std::int64_t label, std::int64_t& guess, double& loss) const {
    constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
    guess = std::max_element(probs, probs + classes_) - probs;
    loss = -std::log(std::clamp(probs[label], kEpsilon, 1 - kEpsilon));
  }

  std::size_t classes_;
  std::vector<std::int32_t> kind_of_;  // by row
  std::vector<Kind> kinds_;
  std::vector<std::array<double, 2>> losses_;  // by row
};

double f1_of(const ClassCounts& one) {
  const auto either = static_cast<double>(one.labelled + one.guessed);
  return either == 0 ? 0 : 2 * static_cast<double>(one.hit) / either;
}

// The differences of one draw: of the score, then of each class's F1.
std::vector<double> differences(const PairedRows& rows, const Drawn& drawn, const std::string& score) {
  std::vector<double> values(1 + rows.classes());
  for (std::size_t run = 0; run < 2; ++run) {
    const double sign = run == 0 ? 1 : -1;
    const std::vector<ClassCounts> classes = rows.counts(drawn, run);
    std::int64_t hits = 0;
    for (std::size_t c = 0; c < classes.size(); ++c) {
      hits += classes[c].hit;
      values[1 + c] += sign * f1_of(classes[c]);
    }
    const auto count = static_cast<double>(drawn.rows);
    values[0] += sign * score_by_name({.accuracy = static_cast<double>(hits) / count,
                                       .macro_f1 = macro_f1(classes),
                                       .log_loss = drawn.loss[run] / count},
                                      score);
  }
  return values;
}

// values [resamples] by value; the resample draws as many groups as there are.
std::vector<std::vector<double>> resampled(const PairedRows& rows, const RowGroups& groups, const std::string& score,
                                           int resamples) {
  std::vector<std::vector<double>> by_value(1 + rows.classes(),
                                            std::vector<double>(static_cast<std::size_t>(resamples)));
  at::parallel_for(0, resamples, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      RandomStream random({.purpose = Purpose::kResample, .sample = static_cast<std::uint64_t>(i)});
      Drawn drawn = rows.nothing();
      for (std::int64_t g = 0; g < groups.count(); ++g) {
        const std::int64_t group = random.below(static_cast<std::uint32_t>(groups.count()));
        for (std::int64_t r = 0; r < groups.size(group); ++r)
          rows.add(static_cast<std::size_t>(groups.first(group)[r]), drawn);
      }
      const std::vector<double> values = differences(rows, drawn, score);
      for (std::size_t v = 0; v < values.size(); ++v) by_value[v][static_cast<std::size_t>(i)] = values[v];
    }
  });
  return by_value;
}

std::vector<double> fold_scores(const PairedRows& rows, const FoldPlan& plan, const std::string& score) {
  std::vector<Drawn> folds(static_cast<std::size_t>(plan.k), rows.nothing());
  for (std::size_t row = 0; row < rows.size(); ++row)
    rows.add(row, folds[static_cast<std::size_t>(plan.fold_of.front()[row])]);
  std::vector<double> scores;
  for (const Drawn& fold : folds) scores.push_back(fold.rows == 0 ? 0 : differences(rows, fold, score).front());
  return scores;
}

// An interval's width falls with the square root of the number of groups.
std::int64_t missing_groups(const Interval& interval, std::int64_t groups) {
  const double half = (interval.high - interval.low) / 2, size = std::abs(interval.value);
  if (size == 0) return 0;
  constexpr double kMost = 1e15;
  return static_cast<std::int64_t>(
      std::min(kMost, std::max(1.0, std::ceil(static_cast<double>(groups) * (half * half / (size * size) - 1)))));
}

}  // namespace

Comparison compare_predictions(const PairedPredictions& pair, const FoldPlan& plan, const std::string& score,
                               int resamples) {
  const PairedRows rows(pair);
  const RowGroups groups = group_rows(plan.groups);
  Drawn all = rows.nothing();
  for (std::size_t row = 0; row < rows.size(); ++row) rows.add(row, all);
  const std::vector<double> whole = differences(rows, all, score);
  std::vector<std::vector<double>> drawn = resampled(rows, groups, score, resamples);
  Comparison comparison{.score = percentile_interval(whole[0], std::move(drawn[0])),
                        .fold_score = fold_scores(rows, plan, score),
                        .groups = groups.count()};
  for (std::size_t c = 0; c < rows.classes(); ++c)
    comparison.class_f1.push_back(percentile_interval(whole[1 + c], std::move(drawn[1 + c])));
  if (comparison.score.low > 0) comparison.verdict = Verdict::kBetter;
  if (comparison.score.high < 0) comparison.verdict = Verdict::kWorse;
  if (comparison.verdict == Verdict::kNoEvidence)
    comparison.missing_groups = missing_groups(comparison.score, comparison.groups);
  return comparison;
}

}  // namespace pleat
