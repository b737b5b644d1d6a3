// Deals groups to folds so that every fold looks like the whole. Works on counts, without names or files.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"

namespace pleat {

/// A group's number of rows in one cell. A cell is anything to spread evenly over the folds: all rows, a class of one
/// strata column, a combination of classes.
struct CellCount {
  int cell = 0;
  int rows = 0;
  bool operator==(const CellCount&) const = default;
};

struct Cell {
  double total = 0;    // rows
  double absence = 0;  // cost of each fold without a row of it
  double share = 0;    // weight of its deviation in the judge's cost; 0 for all rows
  double pull = 0;     // weight of (rows in a fold - total / k)² in the search's cost
};

/// Cell 0 is all rows.
struct BalanceProblem {
  int k = 0;
  std::vector<Cell> cells;

  // Groups with the same counts form a type. types[t] lists the cells that type t has rows in, ascending.
  std::vector<std::vector<CellCount>> types;
  std::vector<int> groups_of_type;
};

/// Returns `dealt`: dealt[t * k + fold] groups of type t go to that fold.
/// Minimises the cost of absences first, then the imbalance of shares and sizes (fold_tally.h). Among plans with the
/// same absences, the result is no worse in shares, classes or sizes than the best of several plans dealt like
/// scikit-learn's.
/// Deterministic in the problem and the stream. The work is bounded.
std::vector<int> balance(const BalanceProblem& problem, RandomStream& random);

}  // namespace pleat
