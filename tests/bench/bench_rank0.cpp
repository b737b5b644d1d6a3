// Rank 0's work at scale: greedy selection, and pseudo-labels for persons of seven photos. Prints seconds, memory above
// the tables (MB) and a checksum of each stage as JSON.
//   bench_rank0 greedy|labels ROWS CANDIDATES CLASSES SEED
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <numeric>
#include <stdexcept>
#include <string>

#include "base/random.h"
#include "ensemble/admit.h"
#include "ensemble/greedy.h"
#include "ensemble/group_evidence.h"
#include "peak_memory.h"

namespace {

using namespace pleat;

// Rows of noise, mostly of one or two classes as networks predict them, with a bonus for class row % classes;
// tests/bench/peers/rank0.py makes the same numbers.
torch::Tensor table(std::int64_t rows, std::int64_t classes, std::uint64_t seed, double bonus) {
  torch::Tensor probs = at::empty({rows, classes}, at::kDouble);
  auto* out = probs.data_ptr<double>();
  at::parallel_for(0, rows, 1024, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) {
      double sum = 0;
      for (std::int64_t c = 0; c < classes; ++c) {
        std::uint64_t x =
            (static_cast<std::uint64_t>(row) * 1000003ULL + static_cast<std::uint64_t>(c) * 10007ULL + seed) *
            0x9E3779B97F4A7C15ULL;
        x ^= x >> 29, x *= 0xBF58476D1CE4E5B9ULL, x ^= x >> 32;
        const double uniform = static_cast<double>(x >> 11) * 0x1p-53;
        const double square = (0.05 + uniform) * (0.05 + uniform), fourth = square * square;
        sum += out[row * classes + c] = fourth * fourth + (row % classes == c ? bonus : 0.0);
      }
      for (std::int64_t c = 0; c < classes; ++c) out[row * classes + c] /= sum;
    }
  });
  return probs;
}

void greedy(std::int64_t rows, std::int64_t count, std::int64_t classes, std::uint64_t seed) {
  Candidates candidates{.labels = torch::arange(rows) % classes};
  for (std::int64_t m = 0; m < count; ++m)
    candidates.probs.push_back(
        table(rows, classes, seed + static_cast<std::uint64_t>(m) * 7919, 0.05 + 0.005 * static_cast<double>(m)));
  RowList all(static_cast<std::size_t>(rows));
  std::iota(all.begin(), all.end(), 0);
  const double before = peak_megabytes();
  reset_peak();
  const auto start = std::chrono::steady_clock::now();
  const std::vector<int> picks = greedy_picks(candidates, all, "macro_f1");
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  std::int64_t checksum = 0;
  for (const int pick : picks) checksum = checksum * 31 % 1'000'003 + pick + 1;
  std::printf("{\"seconds\": %.4f, \"extra_mb\": %.1f, \"tables_mb\": %.1f, \"checksum\": %ld, \"picks\": %zu}\n",
              taken.count(), peak_megabytes() - before, double(rows * count * classes) * 8 / 1e6, checksum,
              picks.size());
}

// Gender (2 classes, one per person), mask (3 classes: five, one and one of a person's photos).
void labels(std::int64_t rows, std::uint64_t seed) {
  const torch::Tensor gender = table(rows, 2, seed, 0.3), mask = table(rows, 3, seed + 1, 0.3);
  if (rows % 7 != 0) throw std::invalid_argument("ROWS must be a multiple of 7");
  std::vector<std::int64_t> person;
  for (std::int64_t row = 0; row < rows; ++row) person.push_back(row / 7);
  const double before = peak_megabytes();
  reset_peak();
  const auto start = std::chrono::steady_clock::now();
  const RowGroups groups = group_rows(person);
  const auto count = static_cast<std::size_t>(groups.count());
  const Belief of_gender = constant_belief(gender, groups, std::vector<std::int64_t>(count, -1));
  const std::vector<std::vector<std::int64_t>> places(count, {5, 1, 1});
  const Belief of_mask = composed_belief(mask, groups, places);
  const Admitted admitted = admit_rows(of_gender, groups, {.threshold = 0.5, .quotas = true}, {0.6, 0.4});
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  const std::int64_t checksum =
      of_gender.labels.sum().item<std::int64_t>() * 7 + of_mask.labels.sum().item<std::int64_t>() * 3 + admitted.count;
  std::printf("{\"seconds\": %.4f, \"extra_mb\": %.1f, \"tables_mb\": %.1f, \"checksum\": %ld}\n", taken.count(),
              peak_megabytes() - before, double(rows * 5) * 8 / 1e6, checksum);
}

}  // namespace

int main(int count, char** values) try {
  if (count != 6) throw std::invalid_argument("expected greedy|labels ROWS CANDIDATES CLASSES SEED");
  const std::int64_t rows = std::stoll(values[2]);
  if (std::string(values[1]) == "greedy")
    greedy(rows, std::stoll(values[3]), std::stoll(values[4]), std::stoull(values[5]));
  else
    labels(rows, std::stoull(values[5]));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "bench_rank0: %s\n", error.what());
  return 1;
}
