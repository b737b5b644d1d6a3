#include "data_tools/inspect/preview.h"

#include <algorithm>

#include "data_tools/photos/area_resize.h"
#include "data_tools/photos/photo.h"
#include "data_tools/photos/photo_file.h"

namespace pleat {
namespace {

constexpr int kPhotoHeight = 160;  // pixels
constexpr int kWidest = 320;       // pixels; a wider photo is squeezed
constexpr std::size_t kPerLine = 8;

std::vector<std::size_t> spread_rows(const CropFile& crops, std::size_t count) {
  std::vector<std::size_t> valid, rows;
  for (std::size_t row = 0; row < crops.rows(); ++row) {
    if (crops.valid(row)) valid.push_back(row);
  }
  count = std::min(count, valid.size());
  for (std::size_t i = 0; i < count; ++i) rows.push_back(valid[i * valid.size() / count]);
  return rows;
}

// Returns gray if the photo can no longer be read; its crop is shown all the same.
Picture whole_photo(const std::filesystem::path& path) try {
  const std::vector<std::uint8_t> bytes = read_photo(path);
  Photo photo(bytes, kMaxAllowed);  // prepare accepted it
  const double shape = static_cast<double>(photo.width()) / static_cast<double>(photo.height());
  const int width = std::clamp(static_cast<int>(kPhotoHeight * shape), 1, kWidest);
  Picture shown = new_picture(static_cast<std::size_t>(width), kPhotoHeight, 3);
  photo.draw(photo.whole(), kPhotoHeight, width, shown.values);
  return shown;
} catch (const BadPhoto&) {
  Picture gray = new_picture(kPhotoHeight, kPhotoHeight, 1);
  std::ranges::fill(gray.values, std::uint8_t{200});
  return gray;
}

}  // namespace

Picture crop_picture(const CropFile& crops, std::size_t row) {
  const auto pixels = crops.image(row);
  const auto& [height, width, channels] = crops.shape();
  const Picture crop{width, height, channels, {pixels.begin(), pixels.end()}};
  const int longer = std::max(height, width);
  if (longer <= kWidest) return crop;
  const auto shown = [&](int side) { return std::max(1, side * kWidest / longer); };
  const auto taps = [&](int side) { return area_taps({0, double(side)}, side, shown(side)); };
  return area_resize(crop, taps(height), taps(width));
}

std::vector<SheetRow> preview_crops(const CropFile& crops, const std::filesystem::path& images, std::size_t count) {
  const std::vector<std::size_t> rows = spread_rows(crops, count);
  std::vector<SheetRow> lines;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i % kPerLine == 0) lines.insert(lines.end(), {SheetRow{"photos", {}}, SheetRow{"crops", {}}});
    lines[lines.size() - 2].pictures.push_back(whole_photo(images / crops.table().column("path")[rows[i]]));
    lines[lines.size() - 1].pictures.push_back(crop_picture(crops, rows[i]));
  }
  return lines;
}

}  // namespace pleat
