// Random reads of a crops file, like a batch loader's. Prints crops per second of the first pass and of later passes.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <vector>

#include "base/random.h"
#include "data/crop_file.h"

namespace {

void measure(const char* file, std::size_t reads) {
  const pleat::CropFile crops(file);
  std::vector<std::uint8_t> image(crops.shape().bytes());
  std::vector<double> rates;
  unsigned checksum = 0;
  for (int pass = 0; pass < 4; ++pass) {
    pleat::RandomStream random({.seed = static_cast<std::uint64_t>(pass)});
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < reads; ++i) {
      const auto pixels = crops.image(random.below(static_cast<std::uint32_t>(crops.rows())));
      std::memcpy(image.data(), pixels.data(), pixels.size());
      checksum += image[i % image.size()];
    }
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    rates.push_back(static_cast<double>(reads) / taken.count());
  }
  // The first pass also checks each row's CRC-32. The others are like epochs after the first.
  std::printf("{\"first\": %.0f, \"later\": %.0f, \"checksum\": %u}\n", rates[0], (rates[1] + rates[2] + rates[3]) / 3,
              checksum);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: bench_crops crops.h5 READS\n"), 2;
  try {
    measure(argv[1], static_cast<std::size_t>(std::strtoull(argv[2], nullptr, 10)));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_crops: %s\n", error.what());
    return 3;
  }
}
