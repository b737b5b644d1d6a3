// ensemble.json of an ensemble of several runs. Format: docs/formats.md.
#pragma once

#include <string>
#include <vector>

#include "merge/join_candidates.h"

namespace pleat {

/// The runs and tables whose candidates are joined.
struct Sources {
  std::vector<SourceRun> runs;
  std::vector<TableSource> tables;
};

/// The place of a run's files, relative to the ensemble's folder.
inline RunPaths joined(const SourceRun& run) { return RunPaths{}.joined_run(run.trained.name); }

/// Describes the runs, the tables, and each target's blend with its networks.
///   asked: the method; targets: from join_candidates
Json describe_merged(const Sources& sources, const std::vector<GatheredTarget>& targets, const std::string& asked);

}  // namespace pleat
