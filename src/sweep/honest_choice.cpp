#include "sweep/honest_choice.h"

namespace pleat {
namespace {

using Part = CellScores::Part;

std::vector<Part> all_but(int cell, int place, int folds) {
  std::vector<Part> parts;
  for (int other = 0; other < folds; ++other) {
    if (other != place) parts.push_back({cell, other});
  }
  return parts;
}

// The best cell on the folds other than `place`; the first of equal ones.
int best_without(CellScores& scores, const std::vector<int>& cells, int place, int folds) {
  int best = cells.front();
  double most = 0;
  for (const int cell : cells) {
    const double score = whole_score(scores.scores_of(all_but(cell, place, folds)));
    if (cell != cells.front() && score <= most) continue;
    best = cell;
    most = score;
  }
  return best;
}

}  // namespace

std::optional<HonestScore> honest_score(CellScores& scores, const std::vector<int>& complete, int winner, int folds,
                                        int dropped_after) {
  HonestScore honest;
  std::vector<Part> parts, winners;
  if (complete.size() > 1 && folds > 1) {
    honest.chosen_anew = true;
    for (int place = 0; place < folds; ++place) parts.push_back({best_without(scores, complete, place, folds), place});
  } else {
    parts = CellScores::folds_of(winner, dropped_after + 1, folds);
  }
  if (parts.empty()) return std::nullopt;
  for (const Part& part : parts) winners.push_back({winner, part.place});
  honest.rows = scores.scores_of(parts);
  honest.score = whole_score(honest.rows);
  honest.folds = static_cast<int>(parts.size());
  const double of_winner = honest.chosen_anew ? whole_score(scores.scores_of(winners)) : scores.score(winner, folds);
  honest.flattery = of_winner - honest.score;
  return honest;
}

}  // namespace pleat
