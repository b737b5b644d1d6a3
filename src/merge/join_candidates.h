// Joins the candidates of several runs and tables, target by target, and chooses each target's ensemble.
#pragma once

#include <string>
#include <vector>

#include "data/prediction_table.h"
#include "merge/source_run.h"

namespace pleat {

struct TableSource {
  std::string name;
  PredictionTable table;  // its targets are those of the runs, in order
};

/// The targets with all candidates: the models of the runs in order, then the tables. A target that every run derives,
/// and no table has, is derived from the chosen ensembles; every other target's ensemble is chosen by `rule`.
/// Requires: the runs belong to one experiment (same_experiment.h).
/// Throws: DataError naming the table, if it lacks a row or has one that is not in the data, if it was made with other
/// folds, or if a target can neither be read from it nor derived.
std::vector<GatheredTarget> join_candidates(const std::vector<SourceRun>& runs, const std::vector<TableSource>& tables,
                                            const EnsembleRule& rule);

/// The names of the candidates, in order.
std::vector<std::string> candidate_names(const std::vector<SourceRun>& runs, const std::vector<TableSource>& tables);

}  // namespace pleat
