// Deals groups out to folds so that every fold looks like the whole. Knows counts only, no names and no files.
#pragma once

#include <cstdint>
#include <span>
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

struct BalanceProblem {
  int k = 0;

  // Per cell. Deviations from total / k count as weight * deviation²; a fold without the cell costs `absence`.
  std::vector<double> weight;
  std::vector<double> absence;

  // Groups with the same counts are of one type; types[t] are the cells that it has rows in, ascending.
  std::vector<std::vector<CellCount>> types;
  std::vector<int> groups_of_type;

  std::size_t cells() const { return weight.size(); }
};

/// dealt[t * k + f] groups of type t go to fold f. Deterministic in the problem and the stream; takes time in
/// proportion to types * k, and to a bound on the improvement, never to the number of groups.
std::vector<int> balance(const BalanceProblem& problem, RandomStream& random);

}  // namespace pleat
