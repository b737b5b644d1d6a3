// A finished run as a source of candidates.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "inference/trained_ensemble.h"
#include "rounds/gather.h"
#include "run/dataset.h"

namespace pleat {

struct SourceRun {
  TrainedRun trained;  // its name is that in the merged ensemble
  Dataset dataset;     // the rows that the run used
  FoldPlan plan;
  std::vector<std::string> notes;       // of its summary.json
  std::vector<GatheredTarget> targets;  // candidates of every target, also of those that the run derives; no ensembles
};

/// Reads the run's result and checks every file of its networks against its hash.
///   crops: in place of the config's data.crops; may be empty
/// Throws: DataError if the run is not finished, is itself a merged ensemble, or was changed, or if the crops are
/// missing or are not those that it was trained on.
SourceRun read_source(const std::filesystem::path& folder, const std::string& name, const std::filesystem::path& crops);

}  // namespace pleat
