// What a run has taken over all the times it was started. Format of time.json: docs/formats.md.
#pragma once

#include <cstdint>

#include "rounds/run_folder.h"

namespace pleat {

struct RunCost {
  double wall_seconds = 0;   // from start to end
  double train_seconds = 0;  // of these, while jobs ran
  std::int64_t images = 0;   // trained on in them

  double images_per_second() const { return train_seconds > 0 ? static_cast<double>(images) / train_seconds : 0; }
};
RunCost operator+(const RunCost& a, const RunCost& b);

/// Nothing if there is no time.json; a damaged one is named in a warning and counts as none.
RunCost read_cost(const RunPaths& paths);

/// Called after each finished job: a kill loses the seconds since then, and no more.
void write_cost(const RunPaths& paths, const RunCost& cost);

}  // namespace pleat
