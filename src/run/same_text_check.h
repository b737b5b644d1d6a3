// Groups and classes that read alike are probably one group or class, spelt in two ways.
#pragma once

#include "run/dataset.h"

namespace pleat {

/// Throws: DataError if two groups of valid rows read alike (alike_values), since a fold could split them. No-op with
/// data.same_text: strict or without data.group.
void check_alike_groups(const RunConfig& config, const Dataset& dataset);

/// Warns of classes of a target that read alike. No-op with data.same_text: strict.
void warn_of_alike_classes(const RunConfig& config, const Dataset& dataset);

}  // namespace pleat
