// Copies of one photo that folds or splits may separate, so that a score counts images that were trained on.
#pragma once

#include <string>
#include <vector>

#include "run/dataset.h"

namespace pleat {

/// Returns a warning for copies (find_duplicates) that have different groups of data.group, or without data.group are
/// in several train rows; and one for copies that are in train rows and in test rows. Names some of their ids. Crops of
/// more than 1 GiB are searched for exact copies only.
///   threads: for the search
/// Throws: StopRequested
std::vector<std::string> separable_copies(const RunConfig& config, const Dataset& dataset, int threads);

}  // namespace pleat
