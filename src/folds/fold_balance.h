// Deals groups out to folds so that every fold looks like the whole. Knows counts only, no names and no files.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"

namespace pleat {

/// How many rows a group has in one cell. A cell is anything to be spread evenly over the folds: all rows, a class of
/// one strata column, a combination of classes.
struct CellCount {
  int cell = 0;
  int rows = 0;
  bool operator==(const CellCount&) const = default;
};

struct Cell {
  double total = 0;    // rows
  double absence = 0;  // cost of each fold that has none of it
  double share = 0;    // weight of its deviation among all cells', by which plans are judged; 0 for all rows
  double pull = 0;     // weight of (rows in a fold - total / k)², by which plans are searched for
};

/// Cell 0 is all rows.
struct BalanceProblem {
  int k = 0;
  std::vector<Cell> cells;

  // Groups with the same counts are of one type; types[t] are the cells that it has rows in, ascending.
  std::vector<std::vector<CellCount>> types;
  std::vector<int> groups_of_type;
};

/// dealt[t * k + fold] groups of type t go to that fold, so that the absences cost least, and among such plans the
/// imbalance of shares and sizes (fold_tally.h) is small; where absences do not decide, the search keeps the plan from
/// being worse in shares, classes or sizes than the best of several that scikit-learn's way of dealing gives.
/// Deterministic in the problem and the stream. The work is bounded.
std::vector<int> balance(const BalanceProblem& problem, RandomStream& random);

}  // namespace pleat
