// Where the choice of the best epoch stands (train.keep: best).
#pragma once

#include <cstdint>

#include "model/classifier.h"

namespace pleat {

struct BestSoFar {
  std::int64_t epoch = 0;  // from 1; 0: none yet
  double score = 0;        // more is better
  std::int64_t since = 0;  // epochs after it that were no better
  NamedTensors weights;    // its own memory
};

}  // namespace pleat
