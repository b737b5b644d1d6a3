// Counts each fold's rows in each cell. Measures their imbalance, and the effect of a change on it.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "folds/fold_balance.h"

namespace pleat {

/// A plan's distance from folds that all look like the whole. In each respect, 0 is perfect and less is better.
struct Imbalance {
  double absence = 0;  // weighted count of (cell, fold) without a row
  double shares = 0;   // weighted mean over folds and classes of |class's share of the fold - its share of all|
  double classes = 0;  // weighted mean over classes of the standard deviation over folds of (fold's part of the class)
  double sizes = 0;    // standard deviation of the folds' sizes, over their mean

  /// Returns true if no respect is worse than in `limit`.
  bool within(const Imbalance& limit) const;
};

/// The judge's cost of a plan, apart from absences: shares + sizes, plus a high cost of each respect above its limit.
struct Judge {
  static constexpr double kNone = std::numeric_limits<double>::infinity();
  Imbalance limit{0, kNone, kNone, kNone};

  double operator()(const Imbalance& imbalance) const;
};

class FoldTally {
 public:
  explicit FoldTally(const BalanceProblem& problem);

  void add(std::span<const CellCount> group, std::size_t fold, int groups);
  const Imbalance& imbalance();

  /// Change of the search's cost if the group entered the fold, up to a factor and a term that all folds share.
  double pull(std::span<const CellCount> group, std::size_t fold);
  /// Change of `Imbalance::classes` if the group entered the fold.
  double spread_change(std::span<const CellCount> group, std::size_t fold);

  /// Change of the search's or the judge's cost if a group `out` moves from fold `from` to fold `to`. A group `in`, or
  /// nothing, moves back.
  double search_change(std::span<const CellCount> out, std::span<const CellCount> in, std::size_t from, std::size_t to);
  double judge_change(const Judge& judge, std::span<const CellCount> out, std::span<const CellCount> in,
                      std::size_t from, std::size_t to);

  std::int64_t rows(std::size_t cell, std::size_t fold) const { return rows_[fold * cells_ + cell]; }
  /// Cells visited so far, as a measure of the work.
  std::int64_t visits() const { return visits_; }

 private:
  void set_change(std::span<const CellCount> out, std::span<const CellCount> in);
  void clear_change();
  double absence_change(std::size_t from, std::size_t to) const;
  double share_cost(std::size_t fold, int sign) const;
  double part_deviation(std::size_t cell, std::int64_t sum, std::int64_t squares) const;
  double size_spread(std::int64_t squares) const;
  std::int64_t squares_change(std::size_t cell, std::size_t from, std::size_t to) const;

  const BalanceProblem* problem_;
  std::size_t k_, cells_;
  std::vector<std::int64_t> rows_;     // [fold * cells + cell]
  std::vector<std::int64_t> sums_;     // per cell: rows over all folds
  std::vector<std::int64_t> squares_;  // per cell: the sum over folds of rows²
  std::vector<std::int64_t> change_;   // per cell: rows that leave `from` for `to`; zero outside of a *_change call
  std::vector<std::size_t> touched_;   // the cells of change_
  bool stale_ = true;                  // whether the next two are from before the last add
  Imbalance now_;
  std::vector<double> share_cost_;  // per fold
  std::int64_t visits_ = 0;
};

}  // namespace pleat
