// pleat ensemble: one ensemble of the networks of several finished runs, and of tables of other programs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pleat {

/// A table of predictions that another program made.
struct NamedTable {
  std::string name;
  std::filesystem::path file;
};

struct MergeRequest {
  std::vector<std::filesystem::path> runs;  // at least one; their order is that of the candidates
  std::vector<NamedTable> tables;
  std::filesystem::path out;
  std::string method;           // as SelectionRequest::method; empty: that of the first run's config
  std::filesystem::path crops;  // in place of the runs' data.crops; may be empty
};

/// Chooses an ensemble over all models of the runs and all tables, for each target, and writes it to `out`: a folder
/// for pleat predict and pleat export, which holds the networks that the ensemble uses. Prints the scores. Throws:
/// UsageError for two tables of one name, or if `out` is one of the runs or inside one; DataError if a run is not
/// finished or was changed, if runs have other data, folds, targets or classes (same_experiment.h), if a table does not
/// fit, or if `out` holds anything but an earlier ensemble. `out` is then unchanged.
void merge_runs(const MergeRequest& request);

}  // namespace pleat
