// What of a job determines its result, and so enters its key.
#pragma once

#include "base/fields.h"
#include "rounds/job_plan.h"

namespace pleat {

/// All of it. Two jobs with the same have the same result, on machines that compute alike.
Json job_identity(const RunConfig& config, const Dataset& dataset, const PlannedJob& job);

/// What of the training options enters a job's key. Options that came after the first runs are left out while they are
/// off: a job that was done, or begun, before they were there has the key that it had.
Json train_identity(const TrainConfig& train);

/// The same of how it predicts: null if all of it is off.
Json predict_identity(const PredictConfig& predict);

/// What a network's config adds to a job's key, likewise.
Json model_identity(const ModelConfig& config, const ModelFiles& files);

}  // namespace pleat
