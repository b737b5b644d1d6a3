// Whether runs can be joined: their out-of-fold tables must have the same rows, held out by the same folds, and the
// same targets and classes.
#pragma once

#include "merge/source_run.h"

namespace pleat {

/// Throws: DataError naming the first thing in which `other` differs from `first`, and how to train it alike.
void require_same_experiment(const SourceRun& first, const SourceRun& other);

}  // namespace pleat
