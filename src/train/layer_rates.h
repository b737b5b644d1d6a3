// How fast each layer learns, of the last one's rate (train.layer_decay).
#pragma once

#include <string>
#include <vector>

#include "train/trained_weights.h"

namespace pleat {

/// A factor for each parameter, in (0, 1]: 1 for those of the last layer, `decay` once more for each layer before it.
/// Layers are told by names: up to the first number and its neighbour before ("layer1.0", "features.3", "conv1"), in
/// order of appearance; those of one-dimensional parameters alone (a BatchNorm) belong to the layer before them.
/// Source: Clark et al. 2020, arXiv:2003.10555, as in timm.
std::vector<double> layer_rates(const std::vector<TrainedParameter>& parameters, double decay);

}  // namespace pleat
