// The score of a sweep's choice on rows that had no part in it.
#pragma once

#include <optional>
#include <vector>

#include "sweep/cell_scores.h"

namespace pleat {

struct HonestScore {
  double score = 0;     // more is better
  TargetsScore rows;    // the scored rows
  int folds = 0;        // folds that it is measured on
  double flattery = 0;  // the winner's score on the same folds less this one
};

/// Each fold after the last decision of the race is predicted by the complete cell that is best on the other folds.
/// None if every fold had a part in a decision.
///   complete: cells that are done on all folds
///   folds: of the first repeat, since a row of a further repeat has had its part in the first one
///   decided_after: the last fold (its place) after which a cell was dropped; -1: none
std::optional<HonestScore> honest_score(CellScores& scores, const std::vector<int>& complete, int winner, int folds,
                                        int decided_after);

}  // namespace pleat
