// The pixel mean and standard deviation that a model's images are normalised with.
#pragma once

#include <string>
#include <vector>

#include "model/model_files.h"
#include "run/dataset.h"

namespace pleat {

/// models[].mean and std; else those in the model's script; else the run's (dataset.norm).
/// Throws: UsageError or DataError if they are not one value for each channel of the crops.
PixelNorm norm_of(const ModelConfig& model, const ModelFiles& files, const Dataset& dataset);

/// A message for each model whose images are normalised in its own way. `files`: of config.models.
std::vector<std::string> own_norms(const RunConfig& config, const std::vector<ModelFiles>& files,
                                   const Dataset& dataset);

}  // namespace pleat
