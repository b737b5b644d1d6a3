// Batches from the batch loader: prints crops per CPU second for each augmentation. CPU seconds make the figure
// independent of other load on the machine.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <vector>

#include "batches/batch_loader.h"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// CPU seconds of all threads of this process.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

struct Feed {
  const pleat::CropFile& crops;
  pleat::PixelNorm norm;
  std::int64_t batch;
  int threads;
  double seconds;

  // Random rows, as in training: whole epochs, and enough batches that a loader's start does not matter.
  std::vector<pleat::BatchPlan> plan() const {
    constexpr std::size_t kBatches = 1000;
    std::vector<pleat::BatchPlan> plans;
    for (std::uint32_t epoch = 0; plans.size() < kBatches; ++epoch) {
      const auto order = pleat::shuffled_positions(crops.rows(), {.seed = 1, .epoch = epoch});
      const auto size = std::min(static_cast<std::size_t>(batch), order.size());
      for (std::size_t at = 0; at + size <= order.size(); at += size) {
        plans.push_back({.epoch = epoch});
        for (std::size_t i = at; i < at + size; ++i) {
          if (crops.valid(static_cast<std::size_t>(order[i]))) plans.back().rows.push_back(order[i]);
        }
      }
    }
    return plans;
  }

  // Only the loader's threads use CPU time: this thread waits.
  double crops_per_cpu_second(const pleat::AugmentConfig& augment, bool training) const {
    double made = 0, taken = 0, used = 0;
    while (taken < seconds) {
      std::vector<pleat::BatchPlan> plans = plan();
      const std::size_t count = plans.size();
      const Clock::time_point start = Clock::now();
      const double used_before = cpu_seconds();
      pleat::BatchLoader loader(crops, {.norm = norm, .augment = augment, .training = training, .threads = threads},
                                std::move(plans));
      for (std::size_t i = 0; i < count && taken + seconds_since(start) < seconds; ++i)
        made += static_cast<double>(loader.next().images.size(0));
      taken += seconds_since(start);
      used += cpu_seconds() - used_before;
    }
    return made / used;
  }
};

// The first read of a row checks its CRC-32. Later epochs do not.
void touch_all(const pleat::CropFile& crops) {
  for (std::size_t row = 0; row < crops.rows(); ++row) {
    if (crops.valid(row)) crops.image(row);
  }
}

void measure(const char* file, std::int64_t batch, int threads, double seconds) {
  const pleat::CropFile crops(file);
  const std::vector<double> half(static_cast<std::size_t>(crops.shape().channels), 0.5);
  const Feed feed{crops, {half, half}, batch, threads, seconds};
  touch_all(crops);
  const double plain = feed.crops_per_cpu_second({}, false);
  const double pad_crop = feed.crops_per_cpu_second({.flip = true, .pad = 4}, true);
  const double resized = feed.crops_per_cpu_second({.flip = true, .pad = 0, .resized_crop = 0.35}, true);
  std::printf("{\"plain\": %.0f, \"pad_crop\": %.0f, \"resized_crop\": %.0f, \"threads\": %d}\n", plain, pad_crop,
              resized, threads);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return std::fprintf(stderr, "usage: bench_feed crops.h5 BATCH THREADS SECONDS\n"), 2;
  const auto batch = std::strtoll(argv[2], nullptr, 10);
  const auto threads = static_cast<int>(std::strtol(argv[3], nullptr, 10));
  const double seconds = std::strtod(argv[4], nullptr);
  if (batch < 1 || threads < 1 || !(seconds > 0)) {
    return std::fprintf(stderr, "bench_feed: BATCH, THREADS and SECONDS must be above 0\n"), 2;
  }
  try {
    measure(argv[1], batch, threads, seconds);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_feed: %s\n", error.what());
    return 3;
  }
}
