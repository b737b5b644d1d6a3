// Groups and classes that read alike are probably one group or class, spelt in two ways.
#pragma once

#include "run/dataset.h"

namespace pleat {

/// Throws: DataError if two groups of train rows read alike (alike_values), since a fold could split them. No-op with
/// data.same_text: strict or without data.group.
void check_alike_groups(const RunConfig& config, const Dataset& dataset);

/// Warns if a group of test rows reads like another group of train rows. No-op as check_alike_groups.
void warn_of_alike_test_groups(const RunConfig& config, const Dataset& dataset);

/// Warns of classes of a target that read alike. No-op with data.same_text: strict.
void warn_of_alike_classes(const RunConfig& config, const Dataset& dataset);

}  // namespace pleat
