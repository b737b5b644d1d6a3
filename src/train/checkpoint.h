// Where an unfinished job stands, so that a later run goes on from there with the same bits.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "model/tensor_file.h"
#include "train/best_so_far.h"

namespace pleat {

/// One epoch as it went.
struct EpochReport {
  std::int64_t epoch = 0;  // from 1
  double loss = 0;         // mean over the epoch's images, while they were trained on
  double lr = 0;           // of the epoch's last step
  std::int64_t images = 0;
  double seconds = 0;
  double waited_seconds = 0;          // of these, for batches that were not ready
  std::optional<double> inner_score;  // with train.keep: best, on the rows that were set aside; more is better
};
Json to_json(const EpochReport& report);

struct Checkpoint {
  std::int64_t epoch = 0;  // from 0: the epoch to go on with
  std::int64_t step = 0;   // and its first step that is not done
  EpochReport running;     // what the epoch has gathered so far
  std::vector<EpochReport> history;
  NamedTensors model, optimizer;
  NamedTensors average;  // of the model's weights; empty without train.ema
  BestSoFar best;        // none without train.keep: best
};

/// Writes `folder`/epoch_E_step_S.safetensors, whole or not at all, and removes all but the newest two.
/// `key`: the job's key, kept in the file. Throws DataError.
void save_checkpoint(const std::filesystem::path& folder, const Checkpoint& checkpoint, const std::string& key);

/// The newest checkpoint in `folder` that is whole and has this key, as bytes ("" if there is none), and its path. A
/// broken one is named in a warning, with the one that is used instead.
struct FoundCheckpoint {
  std::string bytes, path;
};
FoundCheckpoint find_checkpoint(const std::filesystem::path& folder, const std::string& key);

/// Throws DataError naming `source`.
Checkpoint parse_checkpoint(std::string_view bytes, const std::string& source);

}  // namespace pleat
