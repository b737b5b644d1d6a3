#include <gmock/gmock.h>

#include "data_tools/pictures.h"
#include "data_tools/prepare/crop_maker.h"

namespace pleat {
namespace {

using testing::HasSubstr;

Bytes crop_of(const Bytes& photo, const CropOptions& options) {
  Bytes crop(static_cast<std::size_t>(options.height * options.width * 3));
  CropMaker(options).make(photo, {}, crop);
  return crop;
}

std::string reason_of(const Bytes& photo) {
  try {
    crop_of(photo, {8, 8});
    return "accepted";
  } catch (const BadPhoto& bad) {
    return bad.what();
  }
}

// The letter of the nearest colour of `quarters`, at the middle of each quarter of a crop.
std::string colours_of(const Bytes& crop, int height, int width) {
  std::string letters;
  for (const auto& [y, x] : {std::pair{1, 1}, {1, 3}, {3, 1}, {3, 3}}) {
    const std::uint8_t* pixel = &crop[static_cast<std::size_t>((y * height / 4 * width + x * width / 4) * 3)];
    const int bright = (pixel[0] > 127 ? 4 : 0) + (pixel[1] > 127 ? 2 : 0) + (pixel[2] > 127 ? 1 : 0);
    letters += "kbgcrmyw"[bright];
  }
  return letters;
}

TEST(Photo, ComesOutInRgbOrder) {
  for (const char* extension : {".png", ".jpg"}) {
    EXPECT_EQ(colours_of(crop_of(encode(quarters(40, 60), extension), {16, 16}), 16, 16), "rgbw") << extension;
  }
}

TEST(Photo, AveragesOverTheAreaItShrinks) {
  cv::Mat stripes(8, 8, CV_8UC3, cv::Scalar(0, 0, 0));
  for (int x = 0; x < 8; x += 2) stripes.col(x) = cv::Scalar(200, 100, 50);
  EXPECT_THAT(crop_of(encode(stripes, ".png"), {1, 1}), testing::ElementsAre(25, 50, 100));
}

TEST(Photo, IsTurnedUprightByItsExifOrientation) {
  // The four quarters as a viewer shows them, by definition of the orientation (EXIF 2.3, tag 0x0112).
  const std::vector<std::string> upright = {"rgbw", "grwb", "wbgr", "bwrg", "rbgw", "brwg", "wgbr", "gwrb"};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Bytes photo = with_orientation(encode(quarters(40, 60), ".jpg"), static_cast<std::uint8_t>(orientation));
    EXPECT_EQ(colours_of(crop_of(photo, {16, 16}), 16, 16), upright[static_cast<std::size_t>(orientation - 1)])
        << orientation;
    const Bytes large = with_orientation(encode(quarters(400, 600), ".jpg"), static_cast<std::uint8_t>(orientation));
    EXPECT_EQ(colours_of(crop_of(large, {16, 16}), 16, 16), upright[static_cast<std::size_t>(orientation - 1)])
        << orientation << ", decoded at an eighth";
  }
}

TEST(Photo, CenterTakesTheLargestBoxOfTheCropsShape) {
  cv::Mat wide(40, 120, CV_8UC3, cv::Scalar(0, 0, 255));
  wide(cv::Rect(40, 0, 40, 40)) = cv::Scalar(0, 255, 0);
  const Bytes square = crop_of(encode(wide, ".png"), {4, 4, CropMode::kCenter});
  for (std::size_t i = 0; i < square.size(); i += 3) EXPECT_EQ(square[i + 1], 255) << "only the green middle";
  const Bytes whole = crop_of(encode(wide, ".png"), {4, 12, CropMode::kCenter});
  EXPECT_EQ(whole, crop_of(encode(wide, ".png"), {4, 12, CropMode::kNone}));
  EXPECT_EQ(whole[0], 255) << "red at the left edge";
}

TEST(Photo, ReducedDecodingStaysNearTheFullOne) {
  cv::Mat photo(512, 384, CV_8UC3);
  for (int y = 0; y < photo.rows; ++y) {
    for (int x = 0; x < photo.cols; ++x)
      photo.at<cv::Vec3b>(y, x) = cv::Vec3b(static_cast<std::uint8_t>(y / 2), static_cast<std::uint8_t>(x / 2), 90);
  }
  const Bytes jpeg = crop_of(encode(photo, ".jpg"), {32, 32}), png = crop_of(encode(photo, ".png"), {32, 32});
  for (std::size_t i = 0; i < png.size(); ++i) ASSERT_NEAR(jpeg[i], png[i], 6) << i;
}

TEST(Photo, GrayBecomesThreeEqualChannels) {
  EXPECT_THAT(crop_of(encode(cv::Mat(9, 9, CV_8UC1, cv::Scalar(77)), ".png"), {1, 1}),
              testing::ElementsAre(77, 77, 77));
}

TEST(Photo, SixteenBitsKeepTheirBrightness) {
  EXPECT_THAT(crop_of(encode(cv::Mat(9, 9, CV_16UC3, cv::Scalar(0, 32896, 65535)), ".png"), {1, 1}),
              testing::ElementsAre(255, 128, 0));
}

TEST(Photo, TransparentPartsAreWhite) {
  cv::Mat image(8, 8, CV_8UC4, cv::Scalar(0, 0, 255, 0));  // red, but hidden
  EXPECT_THAT(crop_of(encode(image, ".png"), {1, 1}), testing::ElementsAre(255, 255, 255));
  image = cv::Scalar(0, 0, 255, 255);
  EXPECT_THAT(crop_of(encode(image, ".png"), {1, 1}), testing::ElementsAre(255, 0, 0));
}

TEST(Photo, HiddenColoursDoNotBleedIntoShownOnes) {
  cv::Mat image(8, 8, CV_8UC4, cv::Scalar(0, 255, 0, 0));  // hidden green …
  image.colRange(0, 4) = cv::Scalar(0, 0, 0, 255);         // … beside black
  for (const int value : crop_of(encode(image, ".png"), {1, 1})) EXPECT_NEAR(value, 127.5, 1);
  image = cv::Scalar(0, 0, 0, 51);  // a fifth black on white
  EXPECT_THAT(crop_of(encode(image, ".png"), {1, 1}), testing::ElementsAre(204, 204, 204));
}

TEST(Photo, AcceptsBytesBehindTheEndMarker) {
  Bytes photo = encode(quarters(40, 60), ".jpg");
  photo.insert(photo.end(), 1000, 0);
  EXPECT_EQ(reason_of(photo), "accepted");
}

TEST(Photo, FindsEveryTruncation) {
  cv::Mat noise(48, 64, CV_8UC3);
  cv::RNG(1).fill(noise, cv::RNG::UNIFORM, 0, 256);
  for (const char* extension : {".jpg", ".png", ".webp", ".bmp", ".tiff"}) {
    const Bytes photo = encode(noise, extension);
    ASSERT_EQ(reason_of(photo), "accepted");
    for (std::size_t size = 0; size < photo.size(); size += 1 + photo.size() / 300) {
      Bytes cut = photo;
      cut.resize(size);
      EXPECT_NE(reason_of(cut), "accepted") << extension << " cut to " << size << " of " << photo.size() << " bytes";
    }
  }
}

TEST(Photo, ThumbnailsEndMarkerIsNotThePhotos) {
  Bytes photo = encode(quarters(40, 60), ".jpg");
  const Bytes thumbnail = {0xFF, 0xE2, 0, 8, 0xFF, 0xD8, 0xFF, 0xD9, 0, 0};
  photo.insert(photo.begin() + 2, thumbnail.begin(), thumbnail.end());
  EXPECT_EQ(reason_of(photo), "accepted");
  photo.resize(photo.size() - 2);
  EXPECT_THAT(reason_of(photo), HasSubstr("cut short"));
}

TEST(Photo, SaysWhyABadOneIsRefused) {
  Bytes twelve = encode(quarters(16, 16), ".jpg"), flipped = encode(quarters(64, 64), ".png");
  for (std::size_t i = 0; i + 9 < twelve.size(); ++i) {
    if (twelve[i] == 0xFF && twelve[i + 1] == 0xC0) twelve[i + 4] = 12;
  }
  flipped[flipped.size() - 40] ^= 0x55;
  const std::vector<std::pair<Bytes, std::string>> photos = {
      {{}, "empty file"},
      {twelve, "12 bits"},
      {flipped, "PNG cannot be decoded"},
      {encode(cv::Mat(8, 8, CV_16UC1, cv::Scalar(900)), ".png"), "it would come out black"},
  };
  for (const auto& [photo, reason] : photos) EXPECT_THAT(reason_of(photo), HasSubstr(reason));
}

TEST(Photo, EveryFormatGivesTheSameCrop) {
  const cv::Mat photo = quarters(48, 64);
  const Bytes png = crop_of(encode(photo, ".png"), {12, 16});
  for (const char* extension : {".bmp", ".tiff", ".webp", ".jpg"}) {
    const Bytes other = crop_of(encode(photo, extension), {12, 16});
    for (std::size_t i = 0; i < png.size(); ++i) ASSERT_NEAR(other[i], png[i], 4) << extension << " " << i;
  }
}

TEST(Photo, SizesOfAnyShapeAreTaken) {
  cv::Mat dot(1, 1, CV_8UC3, cv::Scalar(30, 20, 10)), ribbon(10, 3000, CV_8UC3, cv::Scalar(30, 20, 10));
  for (const cv::Mat& photo : {dot, ribbon, cv::Mat(ribbon.t())}) {
    for (const char* extension : {".png", ".bmp", ".tiff", ".jpg"}) {
      for (const CropMode crop : {CropMode::kNone, CropMode::kCenter}) {
        const Bytes shown = crop_of(encode(photo, extension), {7, 5, crop});
        for (std::size_t i = 0; i < shown.size(); ++i) ASSERT_NEAR(shown[i], 10 + 10 * int(i % 3), 2) << extension;
      }
    }
  }
}

// One side shrinks by much while the other grows. The shrinking side is averaged, not sampled.
TEST(Photo, ASideThatShrinksIsAveragedWhateverTheOtherDoes) {
  cv::Mat stripes(2, 640, CV_8UC3, cv::Scalar(0, 0, 0));
  for (int x = 0; x < 640; x += 2) stripes.col(x) = cv::Scalar(200, 200, 200);
  for (const int value : crop_of(encode(stripes, ".png"), {8, 8})) EXPECT_EQ(value, 100);
}

// With any changed byte, the file gives a photo or a reason.
TEST(Photo, NoDamageDoesMore) {
  for (const char* extension : {".jpg", ".png", ".webp", ".bmp", ".tiff"}) {
    const Bytes photo = encode(quarters(24, 40), extension);
    for (std::size_t at = 0; at < photo.size(); at += 1 + photo.size() / 400) {
      for (const std::uint8_t value : {0x00, 0x01, 0x7F, 0xFF}) {
        Bytes damaged = photo;
        damaged[at] = value;
        EXPECT_EQ(reason_of(damaged).find('\n'), std::string::npos) << extension << " " << at;
      }
    }
  }
}

}  // namespace
}  // namespace pleat
