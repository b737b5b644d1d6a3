// How much the choice among many cells flatters the best one's score.
#pragma once

#include <optional>
#include <vector>

#include "sweep/cell_scores.h"

namespace pleat {

/// A score that the choice of the cell had no part in.
struct HonestScore {
  double score = 0;          // more is better
  TargetsScore rows;         // the scored rows
  int folds = 0;             // folds that it is measured on
  bool chosen_anew = false;  // on each fold the cell is chosen by the other folds; else: folds after the last choice
  double flattery = 0;       // with chosen_anew: the winner's score on all folds less this one
};

/// With several complete cells: for each fold the best of them on the other folds predicts it. With one: its score on
/// the folds after the last decision of the race. None if each fold had a say in the choice.
///   complete: cells that are done on all folds; dropped_after: the last fold (its place) after which a cell was
///   dropped, -1: none
std::optional<HonestScore> honest_score(CellScores& scores, const std::vector<int>& complete, int winner, int folds,
                                        int dropped_after);

}  // namespace pleat
