// The result of a sweep as sweep.csv and as text for the terminal. Format of sweep.csv: docs/formats.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ensemble/resample.h"
#include "sweep/cells.h"
#include "sweep/race.h"

namespace pleat {

struct CellResult {
  std::string name;
  std::vector<std::string> values;  // of the keys
  Race::Standing standing;
  std::string verdict;                   // "best", "equal", "worse", "dropped" or "failed"
  std::string why;                       // of a cell that was dropped or failed
  std::optional<double> brief;           // score with the short schedule, more is better
  std::optional<Interval> score;         // on the folds done with the full schedule
  std::optional<Interval> to_best;       // of a complete cell: its score less the best one's
  double images_per_second = 0;          // of its full trainings
  double seconds = 0, fold_seconds = 0;  // of all its trainings; of a full one, mean
};

struct SweepResult {
  std::string score;  // its name
  int first_fold = 0;
  bool briefs = false;            // there were short schedules
  std::int64_t brief_epochs = 0;  // of all of them; 0: they differ
  std::vector<CellResult> cells;
};

/// A row per cell. The last two columns are times, the others are the same for any number of ranks.
std::string sweep_csv(const Cells& cells, const SweepResult& result);

/// A map of two keys, or a bar per value of one key: of the scores that all cells share. Of more keys, and below a map,
/// the cells with a full schedule, best first.
std::string sweep_text(const Cells& cells, const SweepResult& result);

/// A score, and an interval of scores or of differences, as people read it: log_loss is not negated.
std::string shown(double score, const std::string& score_name);
Interval as_shown(const Interval& given, const std::string& score_name);

}  // namespace pleat
