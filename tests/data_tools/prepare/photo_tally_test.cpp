#include "data_tools/prepare/photo_tally.h"

#include <gmock/gmock.h>

namespace pleat {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

PhotoTally tally_of(const std::vector<CropFacts>& facts) {
  PhotoTally tally;
  for (const CropFacts& each : facts) tally.add(each);
  return tally;
}

const CropFacts kTall{PhotoFormat::kJpeg, 384, 512}, kSmall{PhotoFormat::kPng, 60, 100, true};

TEST(PhotoTally, CountsFormatsAndSizes) {
  const PhotoTally tally = tally_of({kTall, kSmall, kTall, {PhotoFormat::kPng, 384, 512}});
  EXPECT_EQ(tally.count(), 4U);
  const Json photos = describe_photos(tally, {.height = 64, .width = 64, .crop = CropMode::kFace});
  EXPECT_EQ(photos.at("formats"), (Json{{"JPEG", 2}, {"PNG", 2}}));
  EXPECT_EQ(photos.at("sizes").at("different"), 2);
  EXPECT_EQ(photos.at("sizes").at("commonest")[0], (Json{{"width", 384}, {"height", 512}, {"photos", 3}}));
  EXPECT_EQ(photos.at("sizes").at("smallest"), (Json{{"width", 60}, {"height", 100}}));
  EXPECT_EQ(photos.at("sizes").at("largest"), (Json{{"width", 384}, {"height", 512}}));
  EXPECT_EQ(photos.at("without_face"), 1);
}

TEST(PhotoTally, IsTheSumOverTheRanks) {
  const PhotoTally mine = tally_of({kTall, kSmall}), other = tally_of({kTall});
  std::vector<std::string> texts;
  const auto told = [&texts](const std::string& text) { return texts.push_back(text), std::vector{text}; };
  gather_tally(other, {.all_gather = told});
  const PhotoTally sum = gather_tally(mine, {.size = 2, .all_gather = [&](const std::string& text) {
                                               return std::vector{text, texts.front()};
                                             }});
  EXPECT_EQ(sum.photos, tally_of({kTall, kTall, kSmall}).photos);
  EXPECT_EQ(sum.faces_missed, 1U);
}

TEST(PhotoTally, WarnsOfPhotosThatAreEnlarged) {
  const auto lines = [](int height, int width) {
    return photo_warnings(tally_of({kTall, kSmall}), {.height = height, .width = width}, true);
  };
  EXPECT_THAT(lines(64, 60), ElementsAre()) << "60 wide and 100 high is enough";
  EXPECT_THAT(lines(64, 61), ElementsAre(AllOf(HasSubstr("1 of 2 photos"), HasSubstr("smaller --size"))));
  EXPECT_THAT(lines(101, 60), ElementsAre(HasSubstr("enlarged")));
}

TEST(PhotoTally, SaysWhatBecameOfPhotosWithoutAFace) {
  const auto line = [](const CropOptions& options, bool may_change) {
    const auto lines = photo_warnings(tally_of({kSmall}), options, may_change);
    return lines.empty() ? std::string() : lines.front();
  };
  const CropOptions crop{.height = 9, .width = 9, .crop = CropMode::kFace};
  EXPECT_EQ(line(crop, false), "no face was found in 1 of 1 photo: they are cropped as with --crop center");
  CropOptions both = crop, background{.height = 9, .width = 9, .remove_background = true}, masked = crop;
  both.remove_background = masked.remove_background = true;
  masked.masks = "masks";
  EXPECT_THAT(line(both, true), AllOf(HasSubstr("center and keep their background"), HasSubstr("--detector")));
  EXPECT_EQ(line(background, false), "no face was found in 1 of 1 photo: they keep their background");
  EXPECT_EQ(line(masked, false), line(crop, false)) << "by masks a background goes without a face too";
  EXPECT_EQ(line({.height = 9, .width = 9}, true), "");
}

}  // namespace
}  // namespace pleat
