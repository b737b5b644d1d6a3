// data.limit: a part of the train rows that is like the whole.
#pragma once

#include <cstdint>
#include <vector>

#include "rounds/dataset.h"

namespace pleat {

/// At most config.data.limit of dataset.train, ascending: from each combination of classes its share
/// (part_of_groups), whole groups only, in an order that the seed and the names of rows or groups alone decide. Throws DataError if that leaves no
/// row, because every group is larger than its share.
std::vector<std::int64_t> limit_train(const RunConfig& config, const Dataset& dataset);

}  // namespace pleat
