// sweep.json: what a sweep's folder holds. Format: docs/formats.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "run/run_config.h"
#include "sweep/sweep_paths.h"

namespace pleat {

struct SweepRecord {
  std::vector<std::string> keys;  // that vary
  Json config;                    // the identity fields of the config, without these keys and without rounds
  std::string data;               // hash of the crops
  std::string precision;          // fp32 or bf16; auto in a request
  double short_share = 0;         // of the config; it must stay once there are short schedules
};

/// What a sweep of this config would record. `config`: the sweep's, not a cell's.
SweepRecord record_of(const RunConfig& config, const std::vector<std::string>& keys, const std::string& data_hash);

/// The sweep that the folder holds, if the asked one may resume it, with other values of the same keys. None if the
/// folder is missing or empty. Reads only.
/// Throws: DataError if it holds other files but no sweep, a damaged sweep.json, or a sweep of other data; UsageError
/// naming every field, or the keys, that differ.
std::optional<SweepRecord> find_earlier_sweep(const SweepPaths& paths, const SweepRecord& asked);

/// Rank 0's hold on the folder of a live sweep. Writes sweep.json.
/// Throws: DataError if another live sweep holds it, or if it cannot be written.
std::unique_ptr<FolderLock> take_sweep_folder(const SweepPaths& paths, const SweepRecord& record);

}  // namespace pleat
