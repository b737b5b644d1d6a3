// Finds damage that the structure of a JPEG does not show: with libjpeg's warnings, and without one.
#include <gmock/gmock.h>

#include <algorithm>

#include "data_tools/photos/formats.h"
#include "data_tools/pictures.h"

namespace pleat {
namespace {

using testing::HasSubstr;
using Photo = std::vector<std::uint8_t>;

const Photo kStartOfScan = {0xFF, 0xDA}, kEnd = {0xFF, 0xD9};

Photo noisy_jpeg(bool progressive = false, bool gray = false) {
  cv::Mat noise(64, 96, gray ? CV_8UC1 : CV_8UC3);
  cv::RNG(1).fill(noise, cv::RNG::UNIFORM, 60, 200);
  Photo photo;
  cv::imencode(".jpg", noise, photo, {cv::IMWRITE_JPEG_QUALITY, 90, cv::IMWRITE_JPEG_PROGRESSIVE, progressive});
  return photo;
}

std::string reason_of(const Photo& photo) {
  try {
    read_image_header(photo);
    decode_jpeg(photo, 1);
    return "accepted";
  } catch (const BadPhoto& bad) {
    return bad.what();
  }
}

Photo part(const Photo& photo, std::size_t begin, std::size_t end) {
  return {photo.begin() + long(begin), photo.begin() + long(end)};
}

Photo joined(Photo first, const Photo& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

std::size_t last(const Photo& photo, const Photo& marker) {
  return std::size_t(std::find_end(photo.begin(), photo.end(), marker.begin(), marker.end()) - photo.begin());
}

TEST(Jpeg, ReducedDecodingGivesAverages) {
  const Photo photo = encode(quarters(64, 96), ".jpg");
  for (const int reduction : {1, 2, 4, 8}) {
    const Picture picture = decode_jpeg(photo, reduction);
    EXPECT_EQ(picture.width, 96 / reduction);
    EXPECT_EQ(picture.height, 64 / reduction);
    EXPECT_EQ(picture.channels, 3);
    EXPECT_NEAR(picture.values[0], 255, 3);  // red
    EXPECT_NEAR(picture.values[1], 0, 3);
  }
  EXPECT_EQ(decode_jpeg(noisy_jpeg(false, true), 2).channels, 1);
}

TEST(Jpeg, AnEndThatWasPutBackHidesNoCut) {
  for (const bool progressive : {false, true}) {
    const Photo photo = noisy_jpeg(progressive);
    ASSERT_EQ(reason_of(photo), "accepted");
    const std::size_t scan = last(part(photo, 0, photo.size() / 2), kStartOfScan) + 20;
    for (std::size_t size = scan; size < photo.size() - 8; size += 1 + photo.size() / 200) {
      EXPECT_NE(reason_of(joined(part(photo, 0, size), kEnd)), "accepted") << size << " of " << photo.size();
    }
  }
}

TEST(Jpeg, AProgressiveOneNeedsAllItsScans) {
  Photo photo = noisy_jpeg(true);
  for (int scans = 0; scans < 6; ++scans) {
    photo = joined(part(photo, 0, last(photo, kStartOfScan)), kEnd);
    EXPECT_THAT(reason_of(photo), HasSubstr("lacks its last scans")) << scans;
  }
}

TEST(Jpeg, JunkBeforeTheEndIsReadOver) {
  for (const bool gray : {false, true}) {
    const Photo photo = noisy_jpeg(false, gray), inside = part(photo, 0, photo.size() - 2);
    for (const Photo& junk : {Photo(40, 0), Photo(5, 0xFF), Photo(40, 7), Photo{7}, Photo{1, 2, 3}, Photo{0xFF, 0, 9}})
      EXPECT_EQ(reason_of(joined(joined(inside, junk), kEnd)), "accepted") << junk.size() << " of " << int(junk[0]);
  }
  const Photo photo = noisy_jpeg(true), inside = part(photo, 0, photo.size() - 2);
  EXPECT_EQ(reason_of(joined(joined(inside, Photo(40, 7)), kEnd)), "accepted") << "padding";
  EXPECT_THAT(reason_of(joined(joined(inside, {1, 2, 3, 4}), kEnd)), HasSubstr("extraneous bytes")) << "progressive";
}

// The decoder finds the blocks again, but later than they were. The last ones are left.
TEST(Jpeg, BlocksThatAreLeftOverAreDamage) {
  const Photo photo = noisy_jpeg();
  const std::size_t scan = last(photo, kStartOfScan) + 14;
  int whole = 0, left_over = 0, tries = 0;
  for (std::size_t at = scan; at < photo.size() - 200; at += 101, ++tries) {
    Photo more = part(photo, 0, at);
    for (std::size_t i = 0; i < 40; ++i) more.push_back(static_cast<std::uint8_t>((at + i) * 37 % 255));
    const std::string reason = reason_of(joined(more, part(photo, at, photo.size())));
    whole += reason == "accepted";
    left_over += reason.find("bytes of coded data are left over") != std::string::npos;
  }
  EXPECT_GT(left_over, tries / 2);
  EXPECT_LT(whole, tries / 5) << "the inserted bytes may hold whole blocks that take the place of others";
}

TEST(Jpeg, JunkBetweenSegmentsIsReadOver) {
  const Photo photo = noisy_jpeg();
  for (const std::size_t at : {std::size_t{20}, last(photo, {0xFF, 0xC4}), last(photo, kStartOfScan)}) {
    for (const Photo& junk : {Photo{7}, Photo{1, 2, 3}, Photo{9, 0xFF, 0, 0xFF, 0xFF, 0, 9}}) {
      const Photo odd = joined(joined(part(photo, 0, at), junk), part(photo, at, photo.size()));
      EXPECT_EQ(reason_of(odd), "accepted") << at;
    }
  }
}

TEST(Jpeg, ABrokenSegmentThatNamesTheColoursIsRefused) {
  const Photo photo = noisy_jpeg();
  const Photo adobe = {0xFF, 0xEE, 0, 13, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0};
  EXPECT_THAT(reason_of(joined(joined(part(photo, 0, 20), adobe), part(photo, 20, photo.size()))),
              HasSubstr("broken Adobe segment"));
}

TEST(Jpeg, OnlyOneScanDecodesRowByRow) {
  EXPECT_TRUE(read_image_header(noisy_jpeg()).reducible);
  EXPECT_TRUE(read_image_header(noisy_jpeg()).streamed);
  EXPECT_FALSE(read_image_header(noisy_jpeg(true)).streamed) << "progressive";
}

TEST(Jpeg, AMarkerThatDoesNotBelongIsDamage) {
  const Photo photo = noisy_jpeg();
  for (const std::size_t at : {photo.size() / 2, 3 * photo.size() / 4}) {
    const Photo marked = joined(joined(part(photo, 0, at), {0xFF, 0xD3}), part(photo, at, photo.size()));
    EXPECT_THAT(reason_of(marked), HasSubstr("JPEG cannot be decoded"));
  }
}

TEST(Jpeg, ChannelsWithoutAScanAreMissed) {
  Photo photo = noisy_jpeg();
  const std::size_t scan = last(photo, kStartOfScan);
  ASSERT_EQ(photo[scan + 4], 3);      // channels of the scan
  photo[scan + 5] = photo[scan + 7];  // the second instead of the first
  EXPECT_THAT(reason_of(photo), HasSubstr("lacks the scans of some channels"));
}

TEST(Jpeg, ThousandsOfScansAreRefusedUnread) {
  Photo photo = noisy_jpeg(true);
  const std::size_t scan = last(photo, kStartOfScan);
  const Photo again = part(photo, scan, photo.size() - 2);
  photo.resize(photo.size() - 2);
  for (int i = 0; i < 200; ++i) photo = joined(photo, again);
  EXPECT_THAT(reason_of(joined(photo, kEnd)), HasSubstr("more than 100 scans"));
}

TEST(Jpeg, OnlyTheFirstOfSeveralPicturesCounts) {
  const Photo photo = noisy_jpeg();
  EXPECT_EQ(reason_of(joined(photo, photo)), "accepted");
  EXPECT_EQ(reason_of(joined(photo, part(photo, 0, photo.size() / 2))), "accepted");  // the second is cut short
}

// The reason holds the text that libjpeg would print.
TEST(Jpeg, NothingIsPrinted) {
  testing::internal::CaptureStderr();
  const Photo photo = noisy_jpeg();
  reason_of(joined(part(photo, 0, photo.size() / 2), kEnd));
  reason_of(joined(joined(part(photo, 0, photo.size() - 2), {1, 2, 3, 4}), kEnd));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace pleat
