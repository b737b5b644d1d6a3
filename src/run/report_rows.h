// Log lines and warnings about a run's rows, before it trains.
#pragma once

#include "run/dataset.h"

namespace pleat {

/// Logs the rows left by data.limit. Warns of classes without train rows, of groups with both train and test rows, and
/// of copies that folds or splits may separate. Call on one rank; open_dataset is called on all.
void report_rows(const RunConfig& config, const Dataset& dataset);

}  // namespace pleat
