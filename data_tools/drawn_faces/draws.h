// Random draws for drawing faces. Never put two draws into one argument list or expression: C++ does not define their
// order. (Within braces the order is fixed.)
#pragma once

#include "base/random.h"

namespace pleat {

inline double between(RandomStream& random, double low, double high) { return low + (high - low) * random.uniform(); }

inline bool chance(RandomStream& random, double probability) { return random.uniform() < probability; }

/// Mean 0, standard deviation 1, never beyond ±6. A sum of twelve draws, so that the platform's logarithm and cosine do
/// not matter.
inline double normal(RandomStream& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.uniform();
  return sum;
}

/// -1 or 1.
inline double either_side(RandomStream& random) { return random.below(2) == 0 ? -1 : 1; }

}  // namespace pleat
