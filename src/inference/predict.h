// pleat predict: the ensemble of a finished run on other crops, all folds' models in parallel.
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

/// Collective. The preparation of the run's crops, for making crops of new photos.
///   table: of the photos, which `out` must not overwrite; empty: none
/// Throws, before the photos are prepared, the errors of predict_run: DataError if the run is not finished or `out`
/// cannot be written; UsageError if `out` is `table`; ClusterError for a missing device.
Provenance run_preparation(const PredictRequest& request, const std::filesystem::path& table,
                           const MpiSession& session);

/// Collective. Writes `out` on rank 0: one row per valid row of the crops file, in its order. If the file has labels of
/// the run's targets, prints the scores and writes them beside `out` (scores.json); rows that the run trained on are
/// not scored. Warns if the crops were prepared differently from the run's. Requires: every host sees the run folder
/// and the crops. Throws: before predicting, DataError if the run is not finished, has failed jobs or is damaged, if
/// the crops have another shape than the run's, or if `out` cannot be written; ClusterError if a model fails to
/// predict.
ExitCode predict_run(const PredictRequest& request, const MpiSession& session);

}  // namespace pleat
