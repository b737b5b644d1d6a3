// Checkpoints of an unfinished job. A resumed job ends with the same bits as an uninterrupted one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "model/tensor_file.h"
#include "train/best_so_far.h"
#include "train/epoch_report.h"

namespace pleat {

struct Checkpoint {
  std::int64_t epoch = 0;  // epoch to resume in, from 0
  std::int64_t step = 0;   // next step in that epoch
  EpochReport running;     // figures of that epoch so far
  std::vector<EpochReport> history;
  NamedTensors model, optimizer;
  NamedTensors average;  // average of the model's weights; empty without train.ema
  BestSoFar best;        // empty without train.keep: best
};

/// The checkpoint as a safetensors file.
///   key: the job's key, stored in the file
std::string checkpoint_to_bytes(const Checkpoint& checkpoint, const std::string& key);

/// Writes `folder`/epoch_E_step_S.safetensors atomically, and removes all but the newest two checkpoints.
/// Throws: DataError.
void save_checkpoint(const std::filesystem::path& folder, const Checkpoint& checkpoint, const std::string& key);

struct FoundCheckpoint {
  std::string bytes, path;
};
/// Reads the newest intact checkpoint in `folder` with this key. Returns empty strings if there is none.
/// Warns of each broken file, and names the file that is used instead.
FoundCheckpoint find_checkpoint(const std::filesystem::path& folder, const std::string& key);

/// Throws: DataError naming `source`.
Checkpoint parse_checkpoint(std::string_view bytes, const std::string& source);

}  // namespace pleat
