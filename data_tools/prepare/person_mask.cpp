#include "data_tools/prepare/person_mask.h"

#include <fmt/format.h>

#include <algorithm>

#include "data_tools/photos/formats.h"
#include "data_tools/photos/photo_file.h"

namespace pleat {
namespace {

constexpr int kLeastWhite = 128;

// Reads the PNG's header (third edition, 11.2.1). The decoder would blend alpha onto white, which means "person" here.
bool has_alpha(FileBytes file) {
  constexpr std::size_t kColourType = 25;
  return starts_with(file, kPngSignature) && file.size() > kColourType && (file[kColourType] & 4) != 0;
}

void check_values(const Picture& mask) {
  int brightest = 0;
  for (std::size_t i = 0; i < mask.values.size(); i += 3) {
    const std::uint8_t* pixel = &mask.values[i];
    if (pixel[0] != pixel[1] || pixel[0] != pixel[2])
      throw BadPhoto("has colours; save it in gray, white where the person is");
    brightest = std::max<int>(brightest, pixel[0]);
  }
  if (brightest < kLeastWhite) {
    throw BadPhoto(
        fmt::format("would hide the whole photo: its brightest value is {}, expected 255 where the person is; scale it",
                    brightest));
  }
}

Picture draw(Photo& photo, const PhotoBox& box, int height, int width) {
  Picture rgb = new_picture(std::size_t(width), std::size_t(height), 3);
  photo.draw(box, height, width, rgb.values);
  return rgb;
}

Picture shares_of(FileBytes file, const Photo& photo, const PhotoBox& shown, int height, int width) {
  Photo mask(file, kMaxAllowed);  // decodes nothing yet
  if (mask.width() != photo.width() || mask.height() != photo.height()) {
    throw BadPhoto(fmt::format("is {}x{} pixels, the photo {}x{} (width x height); expected the same", mask.width(),
                               mask.height(), photo.width(), photo.height()));
  }
  if (has_alpha(file)) throw BadPhoto("has alpha; save it in gray, white where the person is");
  check_values(draw(mask, mask.whole(), static_cast<int>(mask.height()), static_cast<int>(mask.width())));
  const Picture rgb = draw(mask, shown, height, width);
  Picture gray = new_picture(std::size_t(width), std::size_t(height), 1);
  for (std::size_t i = 0; i < gray.values.size(); ++i) gray.values[i] = rgb.values[3 * i];
  return gray;
}

}  // namespace

std::filesystem::path mask_path(const std::filesystem::path& masks, const std::filesystem::path& photo) {
  return (masks / photo).replace_extension(".png");
}

Picture read_mask(const std::filesystem::path& file, const Photo& photo, const PhotoBox& shown, int height,
                  int width) try {
  return shares_of(read_photo(file), photo, shown, height, width);
} catch (const BadPhoto& bad) {
  throw BadPhoto(fmt::format("its mask {}: {} (--masks needs a mask for each photo)", file.string(), bad.what()));
}

}  // namespace pleat
