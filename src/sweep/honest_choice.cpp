#include "sweep/honest_choice.h"

#include <limits>

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

// For each fold, the best cell on the others; the first of equal ones. Reads one cell after another, since the tables
// of all may not fit into memory.
std::vector<int> best_on_others(CellScores& scores, const std::vector<int>& cells, int folds) {
  std::vector<int> best(std::size_t(folds), cells.front());
  std::vector<double> most(std::size_t(folds), -std::numeric_limits<double>::infinity());
  for (const int cell : cells) {
    for (int place = 0; place < folds; ++place) {
      const double score = whole_score(scores.scores_of(all_but(cell, place, folds)));
      if (score <= most[std::size_t(place)]) continue;
      best[std::size_t(place)] = cell;
      most[std::size_t(place)] = score;
    }
    scores.forget(cell);
  }
  return best;
}

}  // namespace

std::optional<HonestScore> honest_score(CellScores& scores, const std::vector<int>& complete, int winner, int folds,
                                        int decided_after) {
  const std::vector<int> best = best_on_others(scores, complete, folds);
  std::vector<Part> parts;
  for (int place = decided_after + 1; place < folds; ++place) parts.push_back({best[std::size_t(place)], place});
  if (parts.empty()) return std::nullopt;
  HonestScore honest{.rows = scores.scores_of(parts), .folds = static_cast<int>(parts.size())};
  honest.score = whole_score(honest.rows);
  honest.flattery =
      whole_score(scores.scores_of(CellScores::folds_of(winner, decided_after + 1, folds))) - honest.score;
  return honest;
}

}  // namespace pleat
