// Scores predictions of rows whose table has labels.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/sample_table.h"
#include "ensemble/target_probs.h"
#include "run/target_plan.h"
#include "target/metrics.h"

namespace pleat {

/// The scores of one target, on the rows that have a known label of it.
struct LabelScores {
  std::string target;
  std::size_t rows = 0;                     // scored
  std::size_t unknown = 0;                  // rows with a label that is no class of the target
  std::vector<std::string> unknown_labels;  // the first ten such labels
  Scores scores;                            // if rows > 0
  std::optional<NumberScores> number;       // of a target trained as a number
};

/// Whether the table has a column with a value for one of the targets.
///   rows: of the table
bool has_labels(const TargetPlan& plan, const SampleTable& table, const std::vector<std::int64_t>& rows);

/// Scores each target whose column the table has, and the joint target if the table has all of its columns. Targets
/// without any label are left out.
///   rows: of the table, one for each predicted row; scored: whether it counts, by predicted row
///   predicted: of all targets, in the plan's order
std::vector<LabelScores> score_labels(const TargetPlan& plan, const SampleTable& table,
                                      const std::vector<std::int64_t>& rows, const std::vector<bool>& scored,
                                      const std::vector<TargetProbs>& predicted);

/// p.scores.json: each target's scores, under the names of summary.json.
///   predictions: the scored file; training_rows: rows left out, since models of the run learnt from them
std::string scores_json(const std::vector<LabelScores>& all, const std::string& predictions, std::size_t training_rows,
                        const std::string& score_name);

/// The first bytes of every scores_json.
constexpr const char* kScoresStart = "{\n  \"predictions\":";

/// The scores as a table for a terminal.
std::string scores_table(const std::vector<LabelScores>& all);

}  // namespace pleat
