// The ensemble of a finished run on other crops, all folds' models in parallel.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"
#include "cluster/mpi_session.h"
#include "data/crop_file.h"  // Provenance

namespace pleat {

struct PredictRequest {
  std::filesystem::path run, crops, out;
  std::string device = "auto";
};

/// Collective. How the run's crops were made, for who makes crops of new photos. Throws, before hours go into that,
/// what predict_run would throw afterwards: DataError if the run is not finished or `out` cannot be written, UsageError
/// if `out` is `table`, ClusterError for a device that is not there.
Provenance run_preparation(const PredictRequest& request, const std::filesystem::path& table,
                           const MpiSession& session);

/// Collective. Writes `out` on rank 0: one row per valid row of the crops file, in its order.
/// Throws, before anything is predicted, DataError if the run is not finished, has failed jobs or is damaged, if the
/// crops are of another shape than the run's (of another preparation: a warning), or if `out` cannot be written;
/// ClusterError if a model fails to predict. Every host must see the run folder and the crops.
ExitCode predict_run(const PredictRequest& request, const MpiSession& session);

}  // namespace pleat
