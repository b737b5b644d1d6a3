// Randomness as a function, not a state: the same key gives the same numbers on every rank, thread and machine, in any
// order of calls. Does not use std::shuffle and std::*_distribution, which differ between standard libraries.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace pleat {

/// The use of a random number. Different purposes never share numbers. Changing a value changes results.
enum class Purpose : std::uint32_t {
  kFolds = 1,
  kSubset = 2,
  kInit = 3,
  kShuffle = 4,
  kAugment = 5,
  kNetwork = 6,
  kFaces = 7,
  kFaceLabels = 8,
  kPixels = 9,
  kMix = 10,
  kSampling = 11,
  kInnerSplit = 12,
  kRoundParts = 13,
  kResample = 14,
  kSweepCells = 15,
  kSweepFolds = 16,
  kFlip = 17
};

/// Everything that a random number may depend on: never rank, worker or clock.
struct RandomKey {
  std::uint64_t seed = 0;
  Purpose purpose{};
  std::uint32_t round = 0, fold = 0, epoch = 0, step = 0, part = 0;
  std::uint64_t sample = 0;
};

/// The numbers of one key, in order.
/// Source: Philox4x32-10, Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
class RandomStream {
 public:
  explicit RandomStream(const RandomKey& key);

  std::uint32_t next();                      // uniform over all 32-bit values
  std::uint32_t below(std::uint32_t bound);  // uniform in [0, bound), without bias; bound > 0
  double uniform();                          // uniform in [0, 1), multiples of 2^-53
  std::uint64_t next64();

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
};

/// Fisher-Yates shuffle with the stream's numbers.
template <class T>
void shuffle(std::vector<T>& items, RandomStream& random) {
  for (std::size_t i = items.size(); i > 1; --i) {
    std::swap(items[i - 1], items[random.below(static_cast<std::uint32_t>(i))]);
  }
}

}  // namespace pleat
