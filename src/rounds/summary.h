// summary.json, and the table at the end of a run.
#pragma once

#include <string>
#include <vector>

#include "rounds/target_scores.h"

namespace pleat {

struct RoundSummary {
  int round = 0;
  int jobs = 0, done_before = 0, failed = 0;
  double score = 0;  // score_of_round; higher is better
  std::vector<TargetScores> targets;
};

/// Time and layout of a run, for the summary.
struct RunTotals {
  double wall_seconds = 0, train_images_per_second = 0;
  int ranks = 1, threads = 1;
  std::string device, precision, promise;
};

/// summary.json.
///   rounds: from the first on; result: the round whose ensemble is the run's result
///   notes: what a reader of the scores must know, one sentence each
Json summarise(const std::vector<RoundSummary>& rounds, int result, const std::string& score_name,
               const RunTotals& totals, const std::vector<std::string>& notes);

/// The scores of all targets, of several rounds one line each, and the notes.
std::string scores_table(const std::vector<RoundSummary>& rounds, int result, const std::string& score_name,
                         const std::vector<std::string>& notes);

/// The table on the terminal: the scores, and a line on jobs, layout and time.
std::string final_table(const std::vector<RoundSummary>& rounds, int result, const std::string& score_name,
                        const RunTotals& totals, const std::vector<std::string>& notes);

}  // namespace pleat
