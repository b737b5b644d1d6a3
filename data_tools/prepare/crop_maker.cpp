#include "data_tools/prepare/crop_maker.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/files.h"
#include "data_tools/photos/photo_libraries.h"
#include "data_tools/prepare/background.h"
#include "data_tools/prepare/person_mask.h"

namespace pleat {
namespace {

constexpr int kDetectionSide = 320;  // pixels of the longer side for face detection

// Provenance: names and values.
constexpr const char *kSource = "source", *kPhotos = "photos", *kSize = "size", *kCrop = "crop";
constexpr const char *kMargin = "face_margin", *kDetector = "detector", *kBackground = "background";
constexpr const char *kByMasks = "gray 128, by masks", *kByFace = "gray 128, by GrabCut around the face";
constexpr std::pair<CropMode, const char*> kModes[] = {
    {CropMode::kNone, "none"}, {CropMode::kCenter, "center"}, {CropMode::kFace, "face"}};

std::int64_t rounded(double value, std::int64_t most) { return std::clamp<std::int64_t>(std::llround(value), 1, most); }

[[noreturn]] void unknown_preparation(const std::string& what) {
  throw DataError(
      "this program does not know how to prepare photos like the run's crops ({}); prepare the photos yourself and "
      "give them with --crops",
      what);
}

const std::string& fact(const Provenance& provenance, const char* name) {
  const auto found = provenance.find(name);
  if (found == provenance.end()) unknown_preparation(fmt::format("'{}' is missing", name));
  return found->second;
}

// File name and hash of the content.
std::string name_of_detector(const std::filesystem::path& file) {
  return fmt::format("{} {:.16}", file.filename().string(), sha256(read_file(file)));
}

void require_detector(const std::string& wanted, const std::filesystem::path& given) {
  const std::string found = name_of_detector(given.empty() ? default_face_detector() : given);
  const auto content = [](const std::string& name) { return name.substr(name.rfind(' ') + 1); };
  if (content(found) == content(wanted)) return;
  throw UsageError(
      "the faces of these crops were found by {} (name and content hash), not by {}; give the first with --detector",
      wanted, found);
}

template <class Number>
Number number_of(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !(number >= 0))
    unknown_preparation(fmt::format("'{}' is not a number", text));
  return number;
}

bool removed_by_masks(const Provenance& provenance) {
  if (!provenance.contains(kBackground)) return false;
  const std::string& background = fact(provenance, kBackground);
  if (background != kByMasks && background != kByFace) unknown_preparation(fmt::format("background '{}'", background));
  return background == kByMasks;
}

// Provenance does not hold the detector and the masks. The user must give each if needed, and only then.
void check_given(const Provenance& provenance, const CropOptions& options) {
  if (const bool by_masks = removed_by_masks(provenance); by_masks == options.masks.empty()) {
    throw UsageError(by_masks
                         ? "the backgrounds of these crops were removed by masks; give the photos' masks with --masks"
                         : "no masks were used for these crops; drop --masks");
  }
  if (!options.detector.empty() && !options.seeks_faces())
    throw UsageError("these crops were made without face detection; drop --detector");
  if (options.seeks_faces()) require_detector(fact(provenance, kDetector), options.detector);
}

}  // namespace

PhotoBox centered_box(const Photo& photo, int height, int width) {
  const auto across = static_cast<double>(photo.width()), down = static_cast<double>(photo.height());
  const double scale = std::min(across / width, down / height);
  PhotoBox box{.width = rounded(width * scale, photo.width()), .height = rounded(height * scale, photo.height())};
  box.left = (photo.width() - box.width) / 2;
  box.top = (photo.height() - box.height) / 2;
  return box;
}

PhotoBox box_around(const PhotoBox& face, double margin, const Photo& photo, int height, int width) {
  const double grown = 1 + 2 * margin;
  double scale =
      std::max(static_cast<double>(face.width) * grown / width, static_cast<double>(face.height) * grown / height);
  scale = std::min({scale, static_cast<double>(photo.width()) / width, static_cast<double>(photo.height()) / height});
  PhotoBox box{.width = rounded(width * scale, photo.width()), .height = rounded(height * scale, photo.height())};
  box.left = std::clamp<std::int64_t>(face.left + (face.width - box.width) / 2, 0, photo.width() - box.width);
  box.top = std::clamp<std::int64_t>(face.top + (face.height - box.height) / 2, 0, photo.height() - box.height);
  return box;
}

CropMaker::CropMaker(const CropOptions& options) : options_(options) {
  if (!options_.seeks_faces()) return;
  if (options_.detector.empty()) options_.detector = default_face_detector();
  idle_.push_back(make_face_finder(options_.detector));
  detector_name_ = name_of_detector(options_.detector);
}

std::optional<PhotoBox> CropMaker::find_face(Photo& photo) const {
  const double scale = std::min(1.0, kDetectionSide / static_cast<double>(std::max(photo.width(), photo.height())));
  const auto width = static_cast<int>(rounded(static_cast<double>(photo.width()) * scale, kDetectionSide));
  const auto height = static_cast<int>(rounded(static_cast<double>(photo.height()) * scale, kDetectionSide));
  Picture picture = new_picture(std::size_t(width), std::size_t(height), 3);
  photo.draw(photo.whole(), height, width, picture.values);

  const std::optional<FaceBox> face = largest_face(picture);
  if (!face) return std::nullopt;
  return PhotoBox{face->left * photo.width() / width, face->top * photo.height() / height,
                  std::max<std::int64_t>(1, face->width * photo.width() / width),
                  std::max<std::int64_t>(1, face->height * photo.height() / height)};
}

std::optional<FaceBox> CropMaker::largest_face(const Picture& picture) const {
  std::unique_ptr<FaceFinder> finder;
  if (const std::lock_guard lock(mutex_); !idle_.empty()) {
    finder = std::move(idle_.back());
    idle_.pop_back();
  }
  if (!finder) finder = make_face_finder(options_.detector);
  std::optional<FaceBox> face;
  try {
    face = finder->largest_face(picture);
  } catch (const std::runtime_error& error) {  // from OpenCV; other errors are pleat's own or lack of memory
    throw BadPhoto(fmt::format("face detection failed ({}); leave the photo out", error.what()));
  }
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(finder));
  return face;
}

PhotoBox CropMaker::shown_part(const Photo& photo, const std::optional<PhotoBox>& face) const {
  if (options_.crop == CropMode::kNone) return photo.whole();
  if (options_.crop == CropMode::kFace && face)
    return box_around(*face, options_.face_margin, photo, options_.height, options_.width);
  return centered_box(photo, options_.height, options_.width);
}

CropFacts CropMaker::make(std::span<const std::uint8_t> file, const std::filesystem::path& path,
                          std::span<std::uint8_t> crop) const {
  Photo photo(file, options_.max_pixels);
  CropFacts facts{.format = photo.format(), .width = photo.width(), .height = photo.height()};
  std::optional<PhotoBox> face;
  if (options_.seeks_faces()) {
    face = find_face(photo);
    facts.face_missed = !face;
  }
  const PhotoBox shown = shown_part(photo, face);
  photo.draw(shown, options_.height, options_.width, crop);
  facts.notes = photo.notes();
  if (!options_.remove_background) return facts;
  if (!options_.masks.empty()) {
    const auto mask = mask_path(options_.masks, path);
    gray_out_background(read_mask(mask, photo, shown, options_.height, options_.width), crop);
  } else if (face) {
    gray_out_background(person_of(photo, *face, shown, options_.height, options_.width), crop);
  }
  return facts;
}

Provenance CropMaker::provenance() const {
  Provenance facts = {{kSource, kPhotos},
                      {kSize, fmt::format("{}x{}", options_.height, options_.width)},
                      {"resize", "area"},
                      {"decoder", decoder_names()}};
  for (const auto& [mode, name] : kModes) {
    if (mode == options_.crop) facts[kCrop] = name;
  }
  if (options_.seeks_faces()) facts[kDetector] = detector_name_;
  if (options_.crop == CropMode::kFace) facts[kMargin] = fmt::format("{}", options_.face_margin);
  if (options_.remove_background) facts[kBackground] = options_.masks.empty() ? kByFace : kByMasks;
  return facts;
}

CropOptions crop_options_of(const Provenance& provenance, const std::filesystem::path& detector,
                            const std::filesystem::path& masks) {
  if (fact(provenance, kSource) != kPhotos)
    throw DataError(
        "the run's crops were made from {}, not from photos; prepare new ones the same way and give them with --crops",
        fact(provenance, kSource));
  CropOptions options;
  const std::string_view size = fact(provenance, kSize);
  const std::size_t x = std::min(size.find('x'), size.size() - 1);
  options.height = number_of<int>(size.substr(0, x));
  options.width = number_of<int>(size.substr(x + 1));
  const std::string& crop = fact(provenance, kCrop);
  const auto mode = std::ranges::find_if(kModes, [&](const auto& known) { return known.second == crop; });
  if (mode == std::end(kModes) || options.height < 1 || options.width < 1)
    unknown_preparation(fmt::format("size '{}', crop '{}'", size, crop));
  options.crop = mode->first;
  if (options.crop == CropMode::kFace) options.face_margin = number_of<double>(fact(provenance, kMargin));
  options.remove_background = provenance.contains(kBackground);
  options.masks = masks;
  options.detector = detector;
  check_given(provenance, options);
  return options;
}

}  // namespace pleat
