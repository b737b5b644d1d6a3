// predictions.csv of a run: the ensemble's predictions for the rows outside the folds.
#pragma once

#include <string>
#include <vector>

#include "rounds/gather.h"

namespace pleat {

/// One line for each test row, then for each unlabelled row (format_predictions).
std::string predictions_csv(const std::vector<GatheredTarget>& targets, const Dataset& dataset);

}  // namespace pleat
