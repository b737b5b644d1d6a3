// A seeded, stratified part of some rows, in whole groups.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"

namespace pleat {

/// Returns the positions of `count` rows or a few less, ascending. Groups stay whole: a stratum keeps the groups that
/// fit into its share, in the key's random order. Places that its groups are too large for pass to the next stratum by
/// name.
///   groups, strata: one per row; a group belongs to its first row's stratum
///   key: its `sample` is overwritten
std::vector<std::size_t> part_of_groups(const std::vector<std::string>& groups, const std::vector<std::string>& strata,
                                        std::size_t count, RandomKey key);

}  // namespace pleat
