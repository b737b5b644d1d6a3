#include "data_tools/photos/image_header.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "data_tools/pictures.h"

namespace pleat {
namespace {

using testing::HasSubstr;
using namespace std::string_literals;

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

std::string reason_of(const Bytes& photo, std::int64_t max_pixels = 0) {
  try {
    read_image_header(photo, max_pixels);
    return "accepted";
  } catch (const BadPhoto& bad) {
    return bad.what();
  }
}

void set_number(Bytes& photo, std::size_t at, std::uint32_t value) {  // little-endian
  for (int i = 0; i < 4; ++i) photo[at + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(value >> 8 * i);
}

TEST(ImageHeader, TellsFormatAndSize) {
  const std::vector<std::pair<const char*, PhotoFormat>> formats = {{".jpg", PhotoFormat::kJpeg},
                                                                    {".png", PhotoFormat::kPng},
                                                                    {".webp", PhotoFormat::kWebp},
                                                                    {".bmp", PhotoFormat::kBmp},
                                                                    {".tiff", PhotoFormat::kTiff}};
  for (const auto& [extension, format] : formats) {
    const ImageHeader header = read_image_header(encode(quarters(20, 30), extension));
    EXPECT_EQ(header.format, format) << extension;
    EXPECT_EQ(header.width, 30) << extension;
    EXPECT_EQ(header.height, 20) << extension;
    EXPECT_EQ(header.orientation, 1) << extension;
  }
  EXPECT_EQ(read_image_header(with_orientation(encode(quarters(20, 30), ".jpg"), 6)).orientation, 6);
}

TEST(ImageHeader, NamesWhatIsNotRead) {
  const std::vector<std::pair<std::string, std::string>> files = {
      {"", "empty file; get an intact copy"},
      {"hello, I am no picture", "text, not a photo"},
      {"BMW.txt is no bitmap, although it starts like one", "text, not a photo"},
      {"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer; run git lfs pull"},
      {std::string(100, '\0'), "nothing but zeros"},
      {"\x01\x02\x03\x04 whatever", "not a photo; JPEG, PNG, WebP, BMP, TIFF, GIF, HEIC and AVIF are read"},
      {"GIF89a.", "GIF is cut short"},
      {"GIF89a\x10\0\x10\0\0\0\0;"s, "GIF without a picture"},
      {"GIF89a\x10\0\x10\0\0\0\0junk"s, "GIF is damaged at byte 13"},
      {"GIF89a\x10\0\x10\0\0\0\0!\xFE\x05text"s, "GIF is cut short"},
      {"GIF89a\x10\0\x10\0\0\0\0,\0\0\0"s, "GIF is cut short"},
      {"\0\0\0\x18"s + "ftypheic....", "HEIC is cut short"},
      {"\0\0\0\x14"s + "ftypmif1....avif", "AVIF cannot be decoded"},
      {"\0\0\0\x14"s + "ftypmif1....miaf", "HEIC cannot be decoded"},
      {"\0\0\0\x10"s + "ftypavis....", "AVIF cannot be decoded"},
      {"\0\0\0\x10"s + "ftypcrx ....", "raw photo; convert"},
      {"\0\0\0\x18"s + "ftypisom....", "a video, not a photo"},
      {"\0\0\0\x0CjP  \r\n"s, "JPEG 2000 photo; convert"},
      {"\0\0\0\x0CJXL \r\n"s, "JPEG XL photo; convert"},
      {"RIFF\x20\0\0\0WEBPVP8 "s, "WebP is cut short"},
      {"RIFF\x04\0\0\0WEBP"s, "WebP without a picture"},
      {"RIFF\x0C\0\0\0WEBPANIM\0\0\0\0"s, "animated WebP"},
      {"II*\0"s, "TIFF with a broken directory"},
      {"II*\0\x08\0\0\0\0\0"s, "TIFF with a broken directory"},
      {"II*\0\xFF\xFF\xFF\xFF"s, "TIFF with a broken directory"},
      {"BM\x01\x02", "BMP is cut short"},
  };
  for (const auto& [file, reason] : files) EXPECT_THAT(reason_of(bytes_of(file)), HasSubstr(reason)) << file;
}

TEST(ImageHeader, AnAbsurdSizeIsNamed) {
  Bytes png = encode(quarters(16, 16), ".png"), bmp = encode(quarters(16, 16), ".bmp"), endless = png;
  png[16] = png[20] = 0x00, png[17] = png[21] = 0x01;  // 65,552 pixels a side
  for (std::size_t i = 16; i < 24; ++i) endless[i] = 0xFF;
  EXPECT_THAT(reason_of(png), HasSubstr("65552x65552 pixels are too many"));
  EXPECT_THAT(reason_of(endless), HasSubstr("4294967295x4294967295 pixels are too many"));
  for (const std::uint32_t side : {60000U, 2147483647U}) {
    set_number(bmp, 18, side), set_number(bmp, 22, side);
    EXPECT_THAT(reason_of(bmp), HasSubstr(fmt::format("{0}x{0} pixels are too many", side)));
  }
  EXPECT_EQ(reason_of(encode(quarters(16, 16), ".png")), "accepted");
  EXPECT_THAT(reason_of(encode(quarters(16, 16), ".png"), 255), HasSubstr("16x16 pixels are too many, at most 255"));
  set_number(bmp, 18, 40000), set_number(bmp, 22, 40000);
  EXPECT_THAT(reason_of(bmp, kMaxAllowed), HasSubstr("BMP is cut short")) << "within a larger limit";
  set_number(bmp, 18, 0);
  EXPECT_THAT(reason_of(bmp), HasSubstr("no pixels"));
}

TEST(ImageHeader, OddBitmapsAreNamed) {
  const Bytes bmp = encode(quarters(16, 16), ".bmp");
  const std::vector<std::tuple<std::size_t, std::uint32_t, std::string>> changes = {
      {14, 12, "header of 12 bytes"},
      {14, 4000000000U, "header of 4000000000 bytes"},
      {28, 16, "BMP of 16 bits"},
      {28, 7, "BMP of 7 bits"},
      {30, 1, "BMP of 24 bits with compression 1"},
      {10, 4000000000U, "cut short"},
      {10, 50, "pixels inside of its header"},
  };
  for (const auto& [at, value, reason] : changes) {
    Bytes odd = bmp;
    set_number(odd, at, value);
    EXPECT_THAT(reason_of(odd), HasSubstr(reason)) << at;
  }
  Bytes palette = bmp;
  set_number(palette, 28, 8);
  palette.resize(200);
  EXPECT_THAT(reason_of(palette), HasSubstr("cut short")) << "less than 256 colours";
}

// If the walk used the second header and the decoder the first, any size would be allocated.
TEST(ImageHeader, ASecondHeaderIsRefused) {
  const Bytes jpeg = encode(quarters(16, 16), ".jpg"), png = encode(quarters(16, 16), ".png");
  const std::uint8_t kFrame[] = {0xFF, 0xC0};
  const auto frame = std::search(jpeg.begin(), jpeg.end(), std::begin(kFrame), std::end(kFrame));
  Bytes two = jpeg;
  two.insert(two.end() - 2, frame, frame + 2 + 17);  // marker, length and three channels
  EXPECT_EQ(reason_of(jpeg), "accepted");
  EXPECT_THAT(reason_of(two), HasSubstr("two frame headers"));
  Bytes again = png, late = png;
  again.insert(again.end() - 12, png.begin() + 8, png.begin() + 8 + 25);
  late.insert(late.begin() + 8, png.end() - 12, png.end());
  EXPECT_EQ(reason_of(png), "accepted");
  EXPECT_THAT(reason_of(again), HasSubstr("PNG with a broken header"));
  EXPECT_THAT(reason_of(late), HasSubstr("PNG with a broken header"));
  const Bytes webp = encode(quarters(16, 16), ".webp");
  Bytes twice = webp;
  twice.insert(twice.end(), webp.begin() + 12, webp.end());
  set_number(twice, 4, static_cast<std::uint32_t>(twice.size() - 8));
  EXPECT_EQ(reason_of(webp), "accepted");
  EXPECT_THAT(reason_of(twice), HasSubstr("WebP with a broken header"));
}

// libpng skips such chunks with a warning. The picture would come out opaque, or on its side.
TEST(ImageHeader, ChecksumsOfWhatDecidesPixelsAreCompared) {
  const Bytes png = encode(quarters(16, 16), ".png");
  for (const std::string chunk : {"tRNS", "eXIf"}) {
    Bytes damaged = png;
    const Bytes bytes = bytes_of("\0\0\0\x02"s + chunk + "\0\x01 sum"s);
    damaged.insert(damaged.begin() + 33, bytes.begin(), bytes.end());
    EXPECT_THAT(reason_of(damaged), HasSubstr("chunk " + chunk + " has the wrong checksum"));
  }
}

}  // namespace
}  // namespace pleat
