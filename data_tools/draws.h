// A stream's numbers in the shapes that drawing faces needs. Two draws never stand in one argument list or expression:
// C++ leaves open which comes first. (Within braces the order is fixed.)
#pragma once

#include "base/random.h"

namespace pleat {

inline double between(RandomStream& random, double low, double high) { return low + (high - low) * random.uniform(); }

inline bool chance(RandomStream& random, double probability) { return random.uniform() < probability; }

/// Mean 0, standard deviation 1, never beyond ±6: a sum of twelve, which needs no logarithm or cosine of the
/// platform's.
inline double normal(RandomStream& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.uniform();
  return sum;
}

/// -1 or 1.
inline double either_side(RandomStream& random) { return random.below(2) == 0 ? -1 : 1; }

}  // namespace pleat
