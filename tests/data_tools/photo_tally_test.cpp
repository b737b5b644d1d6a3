#include "data_tools/photo_tally.h"

#include <gmock/gmock.h>

namespace pleat {
namespace {

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
  const Json photos = describe_photos(tally, {64, 64, 3}, true);
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

TEST(PhotoTally, WarnsOfPhotosThatAreEnlargedAndOfMissingFaces) {
  const auto lines = [](const std::vector<CropFacts>& facts, int height, int width, bool sought) {
    return photo_warnings(describe_photos(tally_of(facts), {height, width, 3}, sought));
  };
  EXPECT_THAT(lines({kTall, kSmall}, 64, 60, false), ElementsAre()) << "60 wide and 100 high is enough";
  EXPECT_THAT(lines({kTall, kSmall}, 64, 61, false), ElementsAre(HasSubstr("1 of 2 photos")));
  EXPECT_THAT(lines({kTall, kSmall}, 101, 60, false), ElementsAre(HasSubstr("enlarged")));
  EXPECT_THAT(lines({kTall, kSmall}, 64, 64, true),
              ElementsAre(HasSubstr("no face was found in 1 of 2 photos"), HasSubstr("enlarged")));
}

}  // namespace
}  // namespace pleat
