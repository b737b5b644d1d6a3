// Time and training images of a run over all its starts. Format of time.json: docs/formats.md.
#pragma once

#include <cstdint>

#include "run/run_folder.h"

namespace pleat {

struct RunCost {
  double wall_seconds = 0;   // from start to end
  double train_seconds = 0;  // part of wall_seconds: while jobs ran
  std::int64_t images = 0;   // images trained on in train_seconds

  double images_per_second() const { return train_seconds > 0 ? static_cast<double>(images) / train_seconds : 0; }
};
RunCost operator+(const RunCost& a, const RunCost& b);

/// Returns zeros without a time.json, or, with a warning, if it is damaged.
RunCost read_cost(const RunPaths& paths);

/// Called after each finished job, so a kill loses only the time since the last one.
void write_cost(const RunPaths& paths, const RunCost& cost);

}  // namespace pleat
