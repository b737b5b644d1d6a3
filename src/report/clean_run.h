// pleat clean: frees what a finished run or sweep no longer needs.
#pragma once

#include <filesystem>
#include <vector>

namespace pleat {

struct CleanRequest {
  std::vector<std::filesystem::path> runs;
  bool remove = false;  // else only list
};

/// Lists, and with `remove` removes:
///   - checkpoints of networks that are done
///   - weights of networks that the ensemble does not use: of other rounds, of models without a weight, and of a
///     sweep's cells other than the best
/// pleat predict, export, compare, audit and report work as before. To train on in the folder, these networks would be
/// trained again.
/// Throws: DataError if a folder holds no run, is in use or is damaged; then nothing of it is removed.
void clean_runs(const CleanRequest& request);

}  // namespace pleat
