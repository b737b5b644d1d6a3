// Decodes TIFF, and refuses unsupported kinds by name. tests/parity/photo_test.py has more kinds.
#include <gmock/gmock.h>
#include <zlib.h>

#include <cstring>
#include <map>
#include <opencv2/imgcodecs.hpp>

#include "data_tools/photos/formats.h"
#include "data_tools/pictures.h"

namespace pleat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Photo = std::vector<std::uint8_t>;

constexpr int kNone = 1, kLzw = 5, kDeflate = 8, kPackBits = 32773;

Photo encode_tiff(const cv::Mat& image, int compression) {
  Photo photo;
  cv::imencode(".tiff", image, photo, {cv::IMWRITE_TIFF_COMPRESSION, compression});
  return photo;
}

// Fields of up to two SHORTs or one LONG.
struct Field {
  std::uint16_t tag, type;
  std::uint32_t count, value;
};

// A little-endian file of one 2x1 picture with the pixels `data`.
Photo small_tiff(std::map<std::uint16_t, Field> changed, const Photo& data = {10, 20, 30, 40, 50, 60}) {
  std::map<std::uint16_t, Field> fields;
  for (const Field& field : std::vector<Field>{{256, 4, 1, 2},
                                               {257, 4, 1, 1},
                                               {258, 3, 1, 8},
                                               {259, 3, 1, 1},
                                               {262, 3, 1, 2},
                                               {273, 4, 1, 8},
                                               {277, 3, 1, 3},
                                               {278, 4, 1, 1},
                                               {279, 4, 1, 6}})
    fields[field.tag] = field;
  for (const auto& [tag, field] : changed) fields[tag] = field;
  Photo photo = {'I', 'I', 42, 0, 0, 0, 0, 0};
  for (const std::uint8_t value : data) photo.push_back(value);
  const auto put = [&photo](std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) photo.push_back(static_cast<std::uint8_t>(value >> 8 * i));
  };
  photo[4] = static_cast<std::uint8_t>(photo.size());
  put(static_cast<std::uint32_t>(fields.size()), 2);
  for (const auto& [tag, field] : fields) put(tag, 2), put(field.type, 2), put(field.count, 4), put(field.value, 4);
  put(0, 4);
  return photo;
}

std::map<std::uint16_t, Field> fields(std::initializer_list<Field> all) {
  std::map<std::uint16_t, Field> by_tag;
  for (const Field& field : all) by_tag[field.tag] = field;
  return by_tag;
}

std::string reason_of(const Photo& photo) {
  try {
    read_image_header(photo);
    decode_tiff(photo);
    return "accepted";
  } catch (const BadPhoto& bad) {
    return bad.what();
  }
}

TEST(Tiff, EveryPackingGivesTheSamePixels) {
  cv::Mat image(70, 90, CV_8UC3);
  cv::RNG(1).fill(image, cv::RNG::UNIFORM, 0, 256);
  image.rowRange(20, 40) = cv::Scalar(1, 2, 3);  // long runs, and an LZW table that fills up and is cleared
  const Picture plain = decode_tiff(encode_tiff(image, kNone));
  EXPECT_EQ(plain.values[0], image.at<cv::Vec3b>(0, 0)[2]);
  for (const int compression : {kLzw, kDeflate, kPackBits})
    EXPECT_EQ(decode_tiff(encode_tiff(image, compression)).values, plain.values) << compression;
}

TEST(Tiff, DamagedPackingIsFound) {
  cv::Mat image(64, 64, CV_8UC3);
  cv::RNG(1).fill(image, cv::RNG::UNIFORM, 0, 256);
  Photo photo = encode_tiff(image, kDeflate);
  for (std::size_t at = 100; at < photo.size() - 400; at += 97) {
    Photo damaged = photo;
    damaged[at] ^= 0x10;
    EXPECT_NE(reason_of(damaged), "accepted") << at;
  }
}

TEST(Tiff, DeflatedBytesMayHaveTheirBitsInReverse) {
  const Photo pixels = {10, 20, 30, 40, 50, 60};
  Photo packed(64);
  uLongf size = packed.size();
  ASSERT_EQ(compress(packed.data(), &size, pixels.data(), pixels.size()), Z_OK);
  packed.resize(size);
  for (std::uint8_t& byte : packed) {
    std::uint8_t turned = 0;
    for (int bit = 0; bit < 8; ++bit) turned = static_cast<std::uint8_t>(turned << 1 | (byte >> bit & 1));
    byte = turned;
  }
  const Photo photo =
      small_tiff(fields({{259, 3, 1, 8}, {266, 3, 1, 2}, {279, 4, 1, static_cast<std::uint32_t>(size)}}), packed);
  EXPECT_EQ(reason_of(photo), "accepted");
  EXPECT_EQ(decode_tiff(photo).values, pixels);
}

TEST(Tiff, SmallFileOfEachKindOfPixels) {
  EXPECT_THAT(decode_tiff(small_tiff({})).values, ElementsAre(10, 20, 30, 40, 50, 60));
  const Photo two = {10, 200};
  const auto gray = [](std::uint32_t photometric) {
    return fields({{262, 3, 1, photometric}, {277, 3, 1, 1}, {279, 4, 1, 2}});
  };
  EXPECT_THAT(decode_tiff(small_tiff(gray(1), two)).values, ElementsAre(10, 200));
  EXPECT_THAT(decode_tiff(small_tiff(gray(0), two)).values, ElementsAre(245, 55)) << "white is zero";
  const Photo four = {10, 0, 10, 255};  // gray and an extra value; as alpha: hidden, shown
  const auto extra = [](std::uint32_t meaning) {
    return fields({{258, 3, 2, 8 | 8 << 16}, {262, 3, 1, 1}, {277, 3, 1, 2}, {279, 4, 1, 4}, {338, 3, 1, meaning}});
  };
  EXPECT_THAT(decode_tiff(small_tiff(extra(0), four)).values, ElementsAre(10, 10)) << "no meaning";
  EXPECT_THAT(decode_tiff(small_tiff(extra(2), four)).values, ElementsAre(255, 10)) << "alpha";
  EXPECT_THAT(decode_tiff(small_tiff(extra(1), {0, 0, 5, 128})).values, ElementsAre(255, 132)) << "premultiplied";
  const auto sixteen = fields({{258, 3, 1, 16}, {262, 3, 1, 1}, {277, 3, 1, 1}, {279, 4, 1, 4}});
  EXPECT_THAT(decode_tiff(small_tiff(sixteen, {0xFF, 0xFF, 0x80, 0x80})).values, ElementsAre(255, 128));
  const auto predicted = fields({{317, 3, 1, 2}});
  EXPECT_THAT(decode_tiff(small_tiff(predicted, {10, 20, 30, 5, 251, 0})).values, ElementsAre(10, 20, 30, 5, 251, 0))
      << "what is not compressed is not predicted, whatever the field says";
}

TEST(Tiff, FewBitsPalettesAndInksBecomeRgb) {
  const auto bits = [](std::uint32_t count, std::uint32_t photometric) {
    return fields({{258, 3, 1, count}, {262, 3, 1, photometric}, {277, 3, 1, 1}, {279, 4, 1, 1}});
  };
  EXPECT_THAT(decode_tiff(small_tiff(bits(1, 1), {0x40})).values, ElementsAre(0, 0, 0, 255, 255, 255));
  EXPECT_THAT(decode_tiff(small_tiff(bits(1, 0), {0x40})).values, ElementsAre(255, 255, 255, 0, 0, 0)) << "0 is white";
  EXPECT_THAT(decode_tiff(small_tiff(bits(2, 1), {0x90})).values, ElementsAre(170, 170, 170, 85, 85, 85));
  EXPECT_THAT(decode_tiff(small_tiff(bits(4, 1), {0x2F})).values, ElementsAre(34, 34, 34, 255, 255, 255));
  const auto inks = fields({{258, 3, 1, 8}, {262, 3, 1, 5}, {277, 3, 1, 4}, {279, 4, 1, 8}});
  EXPECT_THAT(decode_tiff(small_tiff(inks, {0, 51, 255, 0, 0, 0, 0, 255})).values, ElementsAre(255, 204, 0, 0, 0, 0));
  const auto planes = fields({{284, 3, 1, 2}, {273, 4, 1, 8}, {278, 4, 1, 1}});
  EXPECT_THAT(reason_of(small_tiff(planes)), HasSubstr("is damaged (Invalid strip byte count"))
      << "three planes, but one strip";
}

TEST(Tiff, KindsThatAreNotReadAreNamed) {
  const std::vector<std::pair<Field, std::string>> changes = {
      {{258, 3, 1, 4}, "4 bits per channel"},
      {{258, 3, 1, 12}, "12 bits per channel"},
      {{258, 3, 1, 32}, "32 bits per channel"},
      {{258, 3, 2, 8 | 5 << 16}, "broken directory (Incorrect count for"},
      {{259, 3, 1, 6}, "JPEG inside in the old manner"},
      {{259, 3, 1, 34712}, "compression 34712"},
      {{262, 3, 1, 5}, "3 channels"},
      {{262, 3, 1, 4}, "a mask"},
      {{262, 3, 1, 8}, "CIELab colours"},
      {{262, 3, 1, 32803}, "raw sensor values"},
      {{262, 3, 1, 77}, "unknown colours (77)"},
      {{277, 3, 1, 9}, "9 channels"},
      {{339, 3, 1, 3}, "float values"},
      {{339, 3, 1, 2}, "signed values"},
      {{339, 3, 1, 5}, "values of format 5"},
      {{254, 4, 1, 1}, "whose first picture is a thumbnail"},
      {{50706, 1, 4, 0x0401}, "whose first picture is a thumbnail"},
      {{257, 4, 1, 9}, "is damaged"},
      {{259, 3, 1, 50001}, "compression 50001"},
      {{273, 4, 1, 900000000}, "cut short"},
      {{257, 4, 1, 0}, "zero number of strips"},
      {{256, 4, 1, 4000000000U}, "pixels are too many"},
  };
  for (const auto& [field, reason] : changes)
    EXPECT_THAT(reason_of(small_tiff(fields({field}))), HasSubstr(reason)) << field.tag << " = " << field.value;
}

TEST(Tiff, AWrongLengthOfAStripThatIsWholeIsReadOver) {
  for (const std::uint32_t length : {9000U, 5U, 0U})
    EXPECT_EQ(reason_of(small_tiff(fields({{279, 4, 1, length}}))), "accepted") << length;
}

TEST(Tiff, DirectoriesThatLeadNowhereOrInCirclesAreRefused) {
  Photo photo = small_tiff({});
  const std::size_t link = photo.size() - 4;
  photo[link] = photo[4];  // back to the first
  EXPECT_THAT(reason_of(photo), HasSubstr("broken directory"));
  photo[link] = 200;  // behind the end
  EXPECT_THAT(reason_of(photo), HasSubstr("broken directory"));
  EXPECT_EQ(reason_of(small_tiff({})), "accepted");
}

TEST(Tiff, NothingIsPrinted) {
  testing::internal::CaptureStderr();
  reason_of(small_tiff(fields({{60000, 3, 1, 1}})));  // an unknown field
  reason_of(small_tiff(fields({{259, 3, 1, 5}})));    // no LZW
  reason_of(small_tiff(fields({{257, 4, 1, 9}})));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace pleat
