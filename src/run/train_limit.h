// data.limit: a stratified part of the train rows.
#pragma once

#include <cstdint>
#include <vector>

#include "run/dataset.h"

namespace pleat {

/// Returns at most config.data.limit rows of dataset.train, ascending. Each combination of classes gets its share
/// (part_of_groups), in whole groups. The choice depends only on the seed and the names of rows or groups.
/// Throws: DataError if no row is left, because every group is larger than its share.
std::vector<std::int64_t> limit_train(const RunConfig& config, const Dataset& dataset);

/// Makes the train rows beyond data.limit unlabelled rows, without labels (data.rest).
/// Requires: dataset.train holds the rows within the limit.
void forget_rest(Dataset& dataset);

}  // namespace pleat
