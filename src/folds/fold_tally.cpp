#include "folds/fold_tally.h"

#include <algorithm>
#include <cmath>

namespace pleat {
namespace {

std::size_t index(int value) { return static_cast<std::size_t>(value); }

}  // namespace

bool Imbalance::within(const Imbalance& limit) const {
  constexpr double kRounding = 1e-12;
  return absence <= limit.absence && shares <= limit.shares + kRounding && classes <= limit.classes + kRounding &&
         sizes <= limit.sizes + kRounding;
}

double Judge::operator()(const Imbalance& imbalance) const {
  const double excess = std::max(0.0, imbalance.shares - limit.shares) +
                        std::max(0.0, imbalance.classes - limit.classes) + std::max(0.0, imbalance.sizes - limit.sizes);
  return imbalance.shares + imbalance.sizes + 1000 * excess;
}

FoldTally::FoldTally(const BalanceProblem& problem)
    : problem_(&problem),
      k_(index(problem.k)),
      cells_(problem.cells.size()),
      rows_(cells_ * k_, 0),
      sums_(cells_, 0),
      squares_(cells_, 0),
      change_(cells_, 0),
      share_cost_(k_, 0) {}

void FoldTally::add(std::span<const CellCount> group, std::size_t fold, int groups) {
  for (const auto& [cell, rows] : group) {
    std::int64_t& there = rows_[fold * cells_ + index(cell)];
    const std::int64_t more = std::int64_t{rows} * groups;
    squares_[index(cell)] += more * (2 * there + more);
    sums_[index(cell)] += more;
    there += more;
  }
  stale_ = true;
}

const Imbalance& FoldTally::imbalance() {
  if (!stale_) return now_;
  stale_ = false;
  visits_ += static_cast<std::int64_t>(cells_ * (k_ + 1));
  now_ = {.sizes = size_spread(squares_[0])};
  for (std::size_t cell = 1; cell < cells_; ++cell) {
    now_.classes += problem_->cells[cell].share * part_deviation(cell, sums_[cell], squares_[cell]);
  }
  for (std::size_t fold = 0; fold < k_; ++fold) {
    share_cost_[fold] = share_cost(fold, 0);
    now_.shares += share_cost_[fold];
    for (std::size_t cell = 0; cell < cells_; ++cell) {
      if (rows(cell, fold) == 0) now_.absence += problem_->cells[cell].absence;
    }
  }
  return now_;
}

double FoldTally::pull(std::span<const CellCount> group, std::size_t fold) {
  double cost = 0;
  for (const auto& [cell, more] : group) {
    cost += problem_->cells[index(cell)].pull * static_cast<double>(more * rows(index(cell), fold));
  }
  visits_ += static_cast<std::int64_t>(group.size());
  return cost;
}

double FoldTally::spread_change(std::span<const CellCount> group, std::size_t fold) {
  double change = 0;
  for (const auto& [cell, more] : group) {
    const std::size_t c = index(cell);
    const std::int64_t squares = squares_[c] + more * (2 * rows(c, fold) + more);
    change += problem_->cells[c].share *
              (part_deviation(c, sums_[c] + more, squares) - part_deviation(c, sums_[c], squares_[c]));
  }
  visits_ += static_cast<std::int64_t>(group.size());
  return change;
}

double FoldTally::search_change(std::span<const CellCount> out, std::span<const CellCount> in, std::size_t from,
                                std::size_t to) {
  set_change(out, in);
  double change = absence_change(from, to);
  for (const std::size_t cell : touched_) {
    change += problem_->cells[cell].pull * static_cast<double>(squares_change(cell, from, to));
  }
  clear_change();
  return change;
}

double FoldTally::judge_change(const Judge& judge, std::span<const CellCount> out, std::span<const CellCount> in,
                               std::size_t from, std::size_t to) {
  const Imbalance now = imbalance();
  set_change(out, in);
  Imbalance after = now;
  after.sizes = size_spread(squares_[0] + squares_change(0, from, to));
  after.shares += share_cost(from, -1) + share_cost(to, 1) - share_cost_[from] - share_cost_[to];
  for (const std::size_t cell : touched_) {
    const std::int64_t squares = squares_[cell] + squares_change(cell, from, to);
    after.classes += problem_->cells[cell].share *
                     (part_deviation(cell, sums_[cell], squares) - part_deviation(cell, sums_[cell], squares_[cell]));
  }
  const double absence = absence_change(from, to);
  visits_ += static_cast<std::int64_t>(2 * cells_);
  clear_change();
  return absence + judge(after) - judge(now);
}

void FoldTally::set_change(std::span<const CellCount> out, std::span<const CellCount> in) {
  touched_.clear();
  for (const auto& [cell, rows] : out) {
    change_[index(cell)] = rows;
    touched_.push_back(index(cell));
  }
  for (const auto& [cell, rows] : in) {
    if (change_[index(cell)] == 0) touched_.push_back(index(cell));
    change_[index(cell)] -= rows;
  }
  visits_ += static_cast<std::int64_t>(touched_.size());
}

void FoldTally::clear_change() {
  for (const std::size_t cell : touched_) change_[cell] = 0;
}

double FoldTally::absence_change(std::size_t from, std::size_t to) const {
  double change = 0;
  for (const std::size_t cell : touched_) {
    const std::int64_t here = rows(cell, from), there = rows(cell, to);
    const int more = (here == change_[cell]) + (there + change_[cell] == 0) - (here == 0) - (there == 0);
    change += problem_->cells[cell].absence * more;
  }
  return change;
}

// Returns the fold's cost of shares: as it is (sign 0), without the current change (-1), or with it (1).
double FoldTally::share_cost(std::size_t fold, int sign) const {
  const auto size = static_cast<double>(std::max<std::int64_t>(1, rows(0, fold) + sign * change_[0]));
  double cost = 0;
  for (std::size_t cell = 1; cell < cells_; ++cell) {
    const Cell& whole = problem_->cells[cell];
    const auto part = static_cast<double>(rows(cell, fold) + sign * change_[cell]);
    cost += whole.share * std::abs(part / size - whole.total / problem_->cells[0].total);
  }
  return cost / static_cast<double>(k_);
}

// Standard deviation, over the folds, of each fold's part of the cell's rows. `sum` and `squares` are sums over the
// folds.
double FoldTally::part_deviation(std::size_t cell, std::int64_t sum, std::int64_t squares) const {
  const double mean = static_cast<double>(sum) / static_cast<double>(k_);
  const double variance = static_cast<double>(squares) / static_cast<double>(k_) - mean * mean;
  return std::sqrt(std::max(0.0, variance)) / problem_->cells[cell].total;
}

double FoldTally::size_spread(std::int64_t squares) const {
  return part_deviation(0, sums_[0], squares) * static_cast<double>(k_);
}

std::int64_t FoldTally::squares_change(std::size_t cell, std::size_t from, std::size_t to) const {
  const std::int64_t rows_moved = change_[cell];
  return 2 * rows_moved * (rows_moved + rows(cell, to) - rows(cell, from));
}

}  // namespace pleat
