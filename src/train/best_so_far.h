// The best epoch so far and its weights (train.keep: best).
#pragma once

#include <cstdint>

#include "model/classifier.h"

namespace pleat {

struct BestSoFar {
  std::int64_t epoch = 0;  // from 1; 0: none yet
  double score = 0;        // higher is better
  std::int64_t since = 0;  // epochs without improvement since then
  NamedTensors weights;    // copies, not the model's tensors
};

}  // namespace pleat
