// Memory that the networks of an ensemble need while they predict.
#pragma once

#include <optional>

#include "base/ranks.h"
#include "inference/trained_ensemble.h"
#include "run/memory_check.h"

namespace pleat {

/// Collective. Returns the need of the largest network, on rank 0; none on a GPU, whose own memory is not checked.
///   crops: their shape
std::optional<MemoryNeed> need_of_members(const TrainedEnsemble& ensemble, const ImageShape& crops,
                                          const torch::Device& device, const Ranks& ranks);

}  // namespace pleat
