// The ensemble of a finished run on other crops, all folds' models in parallel.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"
#include "cluster/mpi_session.h"

namespace pleat {

struct PredictRequest {
  std::filesystem::path run, crops, out;
  std::string device = "auto";
};

/// Collective. Writes `out` on rank 0: one row per valid row of the crops file, in its order.
/// Throws DataError if the run is not finished or damaged, or the crops are of another shape or preparation than the
/// run's.
ExitCode predict_run(const PredictRequest& request, const MpiSession& session);

}  // namespace pleat
