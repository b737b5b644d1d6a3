// Makes a crops file of a few rows, and the values that readers must find in it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/crop_file.h"

namespace pleat {

inline constexpr ImageShape kShape{.height = 5, .width = 7, .channels = 3};

inline SampleTable small_table(std::size_t rows) {
  SampleTable table{.names = {"path", "id", "größe", "a.b"}, .values = std::vector<std::vector<std::string>>(4)};
  for (std::size_t row = 0; row < rows; ++row) {
    const std::string number = std::to_string(row);
    table.values[0].push_back("folder/" + number + ".jpg");
    table.values[1].push_back("id-" + number);
    table.values[2].push_back(row % 2 ? "groß" : "");
    table.values[3].push_back(std::string(row % 5, 'x'));
  }
  return table;
}

inline std::vector<std::uint8_t> picture(std::size_t row) {
  std::vector<std::uint8_t> pixels(kShape.bytes());
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(row * 31 + i);
  return pixels;
}

// One writer writes rows 0 and 1 of every 4, a second writer the others. Row `skipped` stays not valid.
inline void make_small_crops(const std::filesystem::path& path, std::size_t rows, std::size_t skipped) {
  create_crops(path, kShape, small_table(rows), {{"crop", "none"}, {"size", "5x7"}});
  CropWriter first(path), second(path);
  for (std::size_t row = 0; row < rows; ++row) {
    if (row != skipped) (row % 4 < 2 ? first : second).write(row, picture(row));
  }
  first.finish();
  second.finish();
}

}  // namespace pleat
