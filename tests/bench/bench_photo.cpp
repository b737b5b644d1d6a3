// Photos to crops on one thread, with files already in memory. Prints photos per second of CPU time as JSON.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <vector>

#include "data_tools/photos/opencv_setup.h"
#include "data_tools/photos/photo_file.h"
#include "data_tools/prepare/crop_maker.h"

namespace {

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// The first `count` files of the folder, by name.
std::vector<std::vector<std::uint8_t>> read_photos(const char* folder, std::size_t count) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  paths.resize(std::min(count, paths.size()));
  std::vector<std::vector<std::uint8_t>> photos;
  for (const auto& path : paths) photos.push_back(pleat::read_photo(path));
  return photos;
}

void measure(const char* folder, std::size_t count, int size) {
  pleat::quiet_opencv();
  const auto photos = read_photos(folder, count);
  const pleat::CropMaker maker({.height = size, .width = size});
  std::vector<std::uint8_t> crop(static_cast<std::size_t>(size) * static_cast<std::size_t>(size) * 3);
  for (std::size_t i = 0; i < std::min<std::size_t>(20, photos.size()); ++i) maker.make(photos[i], {}, crop);
  const double start = cpu_seconds();
  for (const auto& photo : photos) maker.make(photo, {}, crop);
  std::printf("{\"photos_per_second\": %.1f, \"photos\": %zu}\n",
              static_cast<double>(photos.size()) / (cpu_seconds() - start), photos.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::fprintf(stderr, "usage: bench_photo FOLDER PHOTOS SIZE\n"), 2;
  const auto count = static_cast<std::size_t>(std::strtoull(argv[2], nullptr, 10));
  const auto size = static_cast<int>(std::strtol(argv[3], nullptr, 10));
  if (count < 1 || size < 1) return std::fprintf(stderr, "bench_photo: PHOTOS and SIZE must be above 0\n"), 2;
  try {
    measure(argv[1], count, size);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_photo: %s\n", error.what());
    return 3;
  }
}
