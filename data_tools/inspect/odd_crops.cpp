#include "data_tools/inspect/odd_crops.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace pleat {
namespace {

constexpr std::size_t kFewest = 20;  // rows

struct Measure {
  const char* name;
  const char *low, *high;  // in words
};
constexpr std::array<Measure, 3> kMeasures{{{"brightness", "very dark", "very bright"},
                                            {"contrast", "nearly blank", "very contrasty"},
                                            {"detail", "blurred or blank", "noisy"}}};
using Measured = std::array<double, kMeasures.size()>;

Measured measure(std::span<const std::uint8_t> image, const ImageShape& shape) {
  const auto channels = static_cast<std::size_t>(shape.channels),
             width = static_cast<std::size_t>(shape.width) * channels;
  double sum = 0, squares = 0, steps = 0;
  std::size_t neighbours = 0;
  for (std::size_t i = 0; i < image.size(); ++i) {
    const double value = image[i];
    sum += value;
    squares += value * value;
    if (i % width >= channels) steps += std::abs(value - image[i - channels]), ++neighbours;
  }
  const auto count = static_cast<double>(image.size());
  const double mean = sum / count;
  return {mean, std::sqrt(std::max(0.0, squares / count - mean * mean)),
          neighbours == 0 ? 0 : steps / static_cast<double>(neighbours)};
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

struct Center {
  double median = 0, deviation = 0;
};

Center center_of(const std::vector<Measured>& all, std::size_t which) {
  std::vector<double> values;
  for (const Measured& each : all) values.push_back(each[which]);
  const double middle = median(values);
  for (double& value : values) value = std::abs(value - middle);
  constexpr double kToDeviation = 1.4826, kLeast = 0.5;  // equal crops have no deviation
  return {middle, std::max(kLeast, kToDeviation * median(values))};
}

}  // namespace

std::vector<OddCrop> find_odd_crops(const CropFile& crops, const std::vector<std::size_t>& rows, double most) {
  std::vector<OddCrop> odd;
  if (rows.size() < kFewest) return odd;
  std::vector<Measured> all;
  for (const std::size_t row : rows) all.push_back(measure(crops.image(row), crops.shape()));
  std::array<Center, kMeasures.size()> centers;
  for (std::size_t m = 0; m < centers.size(); ++m) centers[m] = center_of(all, m);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    OddCrop found{.row = rows[i]};
    for (std::size_t m = 0; m < centers.size(); ++m) {
      const double offset = all[i][m] - centers[m].median, distance = std::abs(offset) / centers[m].deviation;
      if (distance <= std::max(most, found.distance)) continue;
      found.distance = distance;
      found.reason = fmt::format("{}: {} {:.1f}, median {:.1f}", offset < 0 ? kMeasures[m].low : kMeasures[m].high,
                                 kMeasures[m].name, all[i][m], centers[m].median);
    }
    if (found.distance > 0) odd.push_back(std::move(found));
  }
  std::stable_sort(odd.begin(), odd.end(), [](const OddCrop& a, const OddCrop& b) { return a.distance > b.distance; });
  return odd;
}

}  // namespace pleat
