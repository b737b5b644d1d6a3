// Learning rate of each parameter, relative to the last layer's weights (train.layer_decay, train.norm_bias_rate).
#pragma once

#include <string>
#include <vector>

#include "train/train_config.h"
#include "train/trained_weights.h"

namespace pleat {

/// Factor of the learning rate for each parameter, in (0, 1]. It is 1 for the last layer, and each earlier layer has
/// `decay` times the factor of the next.
/// A layer is the parameter name up to its first number ("layer1.0", "features.3"), or its first part ("conv1"). Layers
/// count in order of appearance. A layer with only one-dimensional parameters (BatchNorm) joins the layer before it.
/// Source: Clark et al. 2020, arXiv:2003.10555, as in timm.
std::vector<double> layer_rates(const std::vector<TrainedParameter>& parameters, double decay);

/// The layer's factor, and besides `train.norm_bias_rate` for the biases of BatchNorm: those of layers whose weight has
/// one dimension.
std::vector<double> parameter_rates(const std::vector<TrainedParameter>& parameters, const TrainConfig& config);

}  // namespace pleat
