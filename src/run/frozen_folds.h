// The fold plan of a run, frozen from its first start.
#pragma once

#include "run/run_setup.h"

namespace pleat {

/// The plan in the run folder, else the one that folds.file names, else a new one; in the order of the crops file.
/// Warns of train rows that a plan of folds.file does not have.
///   earlier: the folder's run; null for a new run
/// Throws: DataError if the folder's plan was edited or a plan splits a group; UsageError if a plan has another number
/// of folds than the config, or folds.file names another plan than the folder's.
FoldPlan choose_plan(const Run& run, const RunRecord* earlier);

}  // namespace pleat
