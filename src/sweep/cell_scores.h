// Scores of a sweep's cells on the folds that they have done, read from their folders: a pure function of the results.
#pragma once

#include <torch/types.h>

#include <map>
#include <utility>
#include <vector>

#include "ensemble/oof_table.h"
#include "sweep/race.h"
#include "sweep/sweep_plan.h"

namespace pleat {

/// A cell is scored by the mean of its models' probabilities: of the joint target if there is one, else by the mean
/// over the targets. With several repeats, a row's predictions are averaged over those that are done.
class CellScores : public RaceJudge {
 public:
  explicit CellScores(const SweepPlan& plan);

  double brief_score(int cell) override;
  double score(int cell, int folds) override;
  Interval against(int cell, int leader, int folds) override;

  /// A fold's rows as predicted by a cell.
  struct Part {
    int cell = 0, place = 0;  // in the order of folds
  };
  /// The scores of all rows of these folds, each fold predicted by its cell.
  TargetsScore scores_of(const std::vector<Part>& parts);
  /// The scores of an ensemble's out-of-fold tables, which have every row.
  TargetsScore scores_of_ensemble(const std::vector<OofTable>& tables) const;
  /// The folds first to last - 1 of a cell.
  static std::vector<Part> folds_of(int cell, int first, int last);

  /// Forgets the cell's predictions.
  void forget(int cell);

 private:
  // A cell's predictions of the rows that a fold holds out.
  struct FoldTable {
    std::vector<std::int64_t> rows;    // of the plan
    std::vector<torch::Tensor> probs;  // of each scored target, [rows, C] float64
  };
  FoldTable read_table(const SweepTask& task) const;
  const FoldTable& table(int cell, int place);
  TargetsScore scores_of_tables(const std::vector<const FoldTable*>& tables) const;

  const SweepPlan& plan_;
  const Dataset& dataset_;
  std::vector<int> targets_;            // that are scored
  std::vector<std::int64_t> plan_row_;  // by crop row; -1: in no fold
  std::vector<std::int64_t> group_of_;  // by row of the plan
  std::map<std::pair<int, int>, FoldTable> tables_;
};

}  // namespace pleat
