// Everything that affects a job's result, as JSON. Its hash is the job's key.
#pragma once

#include "base/fields.h"
#include "run/job_plan.h"

namespace pleat {

/// Two jobs with the same identity have the same result, on machines that compute alike.
Json job_identity(const RunConfig& config, const Dataset& dataset, const PlannedJob& job);

/// The training options that affect the result.
Json train_identity(const TrainConfig& train, const PredictConfig& predict);

/// The prediction options that affect the result; null if all are off.
Json predict_identity(const PredictConfig& predict);

/// The network, its options and the content of its files.
Json model_identity(const ModelConfig& config, const ModelFiles& files);

}  // namespace pleat
