// metrics.jsonl of a job that still runs: a line per epoch, as epochs end. The finished job replaces it.
#pragma once

#include <filesystem>

#include "train/epoch_report.h"

namespace pleat {

/// Adds the line of an epoch that ended. A resumed job repeats epochs; their earlier lines, and all from another start
/// of the job, are removed. A file that cannot be written costs a warning.
///   folder: the job's; made if it is missing
void record_epoch(const std::filesystem::path& folder, const EpochReport& epoch);

}  // namespace pleat
