// A seeded, stratified part of some rows, in whole groups.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"

namespace pleat {

/// Positions, ascending, of `count` of the rows or a few less. Groups stay whole: of each stratum, those that fit into
/// its share are taken in the key's order, and what its groups are too large for goes to the next stratum by name.
/// groups, strata: one per row; a group is of its first row's stratum. `key`: the sample is filled in.
std::vector<std::size_t> part_of_groups(const std::vector<std::string>& groups, const std::vector<std::string>& strata,
                                        std::size_t count, RandomKey key);

}  // namespace pleat
