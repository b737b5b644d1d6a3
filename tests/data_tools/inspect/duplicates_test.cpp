#include "data/duplicates.h"

#include <gmock/gmock.h>

#include <bit>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "base/random.h"
#include "data_tools/inspect/data_report.h"
#include "data_tools/inspect/duplicates_list.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr ImageShape kShape{48, 40, 3};

// A smooth picture, different for every seed.
cv::Mat scene(std::uint64_t seed) {
  RandomStream random({.seed = seed, .purpose = Purpose::kFaces});
  cv::Mat coarse(7, 6, CV_8UC3), picture;
  for (int i = 0; i < 7 * 6 * 3; ++i) coarse.data[i] = static_cast<std::uint8_t>(random.below(256));
  cv::resize(coarse, picture, {160, 192}, 0, 0, cv::INTER_CUBIC);
  return picture;
}

std::vector<std::uint8_t> crop_of(const cv::Mat& picture) {
  cv::Mat crop;
  cv::resize(picture, crop, {kShape.width, kShape.height}, 0, 0, cv::INTER_AREA);
  return {crop.data, crop.data + kShape.bytes()};
}

cv::Mat saved_again(const cv::Mat& picture, int quality) {
  std::vector<std::uint8_t> bytes;
  cv::imencode(".jpg", picture, bytes, {cv::IMWRITE_JPEG_QUALITY, quality});
  return cv::imdecode(bytes, cv::IMREAD_COLOR);
}

cv::Mat scaled(const cv::Mat& picture, double factor) {
  cv::Mat made;
  cv::resize(picture, made, {}, factor, factor, cv::INTER_AREA);
  return made;
}

struct Row {
  std::vector<std::uint8_t> crop;
  std::string label = "a", group = "g", split = "train";
};

CropFile crops_of(const ScratchFolder& folder, const std::vector<Row>& rows, const char* group = "group") {
  SampleTable table{.names = {"id", "path", "label", group, "split"},
                    .values = std::vector<std::vector<std::string>>(5)};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    table.values[0].push_back("p" + std::to_string(i));
    table.values[1].emplace_back();
    table.values[2].push_back(rows[i].label);
    table.values[3].push_back(rows[i].group);
    table.values[4].push_back(rows[i].split);
  }
  create_crops(folder / "crops.h5", kShape, table, {});
  CropWriter writer(folder / "crops.h5");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].crop.empty()) writer.write(i, rows[i].crop);
  }
  writer.finish();
  return CropFile(folder / "crops.h5");
}

Duplicates found(const CropFile& crops) {
  return find_duplicates(crops, valid_rows(crops), 2, [](std::size_t) {});
}

TEST(Duplicates, EqualPixelsAreFoundWhereverTheyAre) {
  const ScratchFolder folder;
  std::vector<Row> rows;
  for (const std::uint64_t seed : {1, 2, 1, 3, 2, 1}) rows.push_back({crop_of(scene(seed))});
  const Duplicates duplicates = found(crops_of(folder, rows));
  EXPECT_THAT(duplicates.exact, ElementsAre(ElementsAre(0, 2, 5), ElementsAre(1, 4)));
  EXPECT_TRUE(duplicates.near.empty()) << "a set stands for itself once";
}

TEST(Duplicates, OnlyTheGivenRowsAreSearched) {
  const ScratchFolder folder;
  const CropFile crops = crops_of(folder, std::vector<Row>(4, Row{crop_of(scene(1))}));
  std::size_t done = 0;
  EXPECT_THAT(find_duplicates(crops, {0, 2}, 1, [&](std::size_t rows) { done = rows; }).exact,
              ElementsAre(ElementsAre(0, 2)));
  EXPECT_EQ(done, 2U);
}

TEST(Duplicates, APhotoSavedOrScaledOnceMoreIsNear) {
  const ScratchFolder folder;
  const cv::Mat picture = scene(1);
  const CropFile crops = crops_of(folder, {{crop_of(picture)},
                                           {crop_of(saved_again(picture, 70))},
                                           {crop_of(scaled(picture, 0.6))},
                                           {crop_of(scene(2))},
                                           {}});
  const Duplicates duplicates = found(crops);
  EXPECT_TRUE(duplicates.exact.empty());
  EXPECT_THAT(duplicates.near, ElementsAre(ElementsAre(0, 1, 2)));
}

// A chain of near pairs is one set. So the number of a set can serve as the group of its rows.
TEST(Duplicates, EachRowIsInOneSet) {
  const Duplicates duplicates{.exact = {{0, 4}, {5, 6}, {7, 9}}, .near = {{0, 1, 2}, {3, 7}}};
  EXPECT_THAT(near_sets(duplicates), ElementsAre(ElementsAre(0, 1, 2, 4), ElementsAre(3, 7, 9)));
  EXPECT_THAT(all_sets(duplicates), ElementsAre(ElementsAre(0, 1, 2, 4), ElementsAre(3, 7, 9), ElementsAre(5, 6)));
  EXPECT_THAT(all_sets({}), testing::IsEmpty());
}

TEST(Duplicates, DifferentPicturesAreNot) {
  const ScratchFolder folder;
  std::vector<Row> rows;
  for (std::uint64_t seed = 0; seed < 200; ++seed) rows.push_back({crop_of(scene(seed))});
  const Duplicates duplicates = found(crops_of(folder, rows));
  EXPECT_TRUE(duplicates.exact.empty() && duplicates.near.empty());
}

TEST(Duplicates, ManyPlainPicturesEndInTime) {
  const ScratchFolder folder;
  std::vector<Row> rows;
  for (int i = 0; i < 3000; ++i) {
    Row& row = rows.emplace_back(Row{std::vector<std::uint8_t>(kShape.bytes(), 100)});
    row.crop[0] = static_cast<std::uint8_t>(i), row.crop[1] = static_cast<std::uint8_t>(i / 256);
  }
  EXPECT_THAT(found(crops_of(folder, rows)).near, ElementsAre(testing::SizeIs(3000)));
}

TEST(PictureHash, SurvivesTheJpegAndTellsPicturesApart) {
  const auto hash = [](const cv::Mat& picture) { return picture_hash(crop_of(picture), kShape); };
  EXPECT_LE(std::popcount(hash(scene(5)) ^ hash(saved_again(scene(5), 40))), 4);
  EXPECT_GT(std::popcount(hash(scene(5)) ^ hash(scene(6))), 10);
}

Json report_of(const CropFile& crops) { return data_report(crops, found(crops)); }

TEST(DataReport, CountsClassesAndGroupsPerSplit) {
  const ScratchFolder folder;
  std::vector<Row> rows;
  for (std::uint64_t i = 0; i < 6; ++i)
    rows.push_back({crop_of(scene(i)), i % 2 ? "a" : "b", "g" + std::to_string(i / 2), i < 4 ? "train" : "test"});
  rows[1].crop.clear();
  const Json report = report_of(crops_of(folder, rows));
  EXPECT_EQ(report["splits"]["train"],
            Json::parse(R"({"rows": 4, "without_picture": 1, "groups": 2, "classes": {"label": {"a": 2, "b": 2}}})"));
  EXPECT_EQ(report["splits"]["test"]["rows"], 2);
  EXPECT_FALSE(report["splits"].contains("unlabelled"));
  EXPECT_TRUE(report_warnings(report).empty());
}

// 15 sets, though a report names ten.
TEST(DuplicatesList, HasEveryCopyWithItsSetKindAndDistance) {
  const ScratchFolder folder;
  std::vector<Row> rows;
  for (std::uint64_t seed = 0; seed < 15; ++seed) rows.push_back({crop_of(scene(seed))});
  for (std::uint64_t seed = 0; seed < 14; ++seed) rows.push_back({crop_of(scene(seed))});
  rows.push_back({crop_of(saved_again(scene(14), 70))});
  rows.push_back({crop_of(scene(99))});
  const CropFile crops = crops_of(folder, rows);
  const std::string list = duplicates_csv(crops, found(crops));
  EXPECT_EQ(std::count(list.begin(), list.end(), '\n'), 1 + 15 * 2);
  EXPECT_THAT(list, testing::StartsWith("set,id,kind,distance\n1,p0,equal,0.00\n1,p15,equal,0.00\n2,p1,equal,0.00\n"));
  EXPECT_THAT(list, testing::ContainsRegex("\n15,p14,near,0.00\n15,p29,near,[1-5]\\.[0-9][0-9]\n$"));
}

TEST(DuplicatesList, TheSheetShowsContradictionsFirst) {
  const ScratchFolder folder;
  std::vector<Row> rows;
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    for (int copy = 0; copy < 2; ++copy) rows.push_back({crop_of(scene(seed))});
  }
  rows[7].label = "b\u00F6se", rows[5].split = "test", rows[3].group = "h";
  const CropFile crops = crops_of(folder, rows);
  const std::vector<SheetRow> sheet = duplicates_sheet(crops, found(crops));
  ASSERT_EQ(sheet.size(), 4u);
  EXPECT_EQ(sheet[0].caption, "set 4, label: a | b??se");
  EXPECT_EQ(sheet[1].caption, "set 3, split: train | test");
  EXPECT_EQ(sheet[2].caption, "set 2, group: g | h");
  EXPECT_EQ(sheet[3].caption, "set 1");
  EXPECT_EQ(sheet[0].pictures.size(), 2u);
}

TEST(DataReport, WarnsOfCopiesThatLeakAndOfLabelsThatContradict) {
  const ScratchFolder folder;
  const auto one = crop_of(scene(1)), two = crop_of(scene(2)), again = crop_of(saved_again(scene(2), 80));
  const Json report = report_of(crops_of(
      folder,
      {{one, "a", "g1", "train"}, {one, "b", "g1", "train"}, {two, "a", "g2", "train"}, {again, "a", "g3", "test"}}));
  const std::vector<std::string> lines = report_warnings(report);
  EXPECT_THAT(lines, ElementsAre(HasSubstr("1 set of equal images with different values of label (ids 'p0', 'p1')"),
                                 HasSubstr("1 set of nearly equal images in two splits (ids 'p2', 'p3')"),
                                 HasSubstr("1 set of nearly equal images in two groups (ids 'p2', 'p3')")));
}

// Each row is then a group of its own.
TEST(DataReport, WarnsOfCopiesWithinTheTrainRowsIfThereAreNoGroups) {
  const ScratchFolder folder;
  const auto one = crop_of(scene(1)), two = crop_of(scene(2)), again = crop_of(saved_again(scene(2), 80));
  const std::vector<Row> rows = {{one}, {one}, {two}, {again}, {one, "a", "g", "test"}, {one, "a", "g", "test"}};
  const CropFile grouped = crops_of(folder, rows);
  EXPECT_THAT(report_warnings(report_of(grouped)), ElementsAre(HasSubstr("in two splits")));
  const CropFile alone = crops_of(folder, rows, "camera");
  EXPECT_THAT(
      report_warnings(report_of(alone), "crops.duplicates.csv"),
      ElementsAre(HasSubstr("1 set of equal images in two splits"),
                  testing::AllOf(HasSubstr("1 set of equal images within the train rows (ids 'p0', 'p1', 'p4', 'p5')"),
                                 HasSubstr("add a column group"), HasSubstr("; crops.duplicates.csv has all sets")),
                  HasSubstr("1 set of nearly equal images within the train rows (ids 'p2', 'p3')")));
}

TEST(DataReport, ALabelThatIsMissingContradictsNothing) {
  const ScratchFolder folder;
  const auto one = crop_of(scene(1));
  const Json report = report_of(crops_of(folder, {{one, "a"}, {one, ""}}));
  EXPECT_EQ(report["exact_duplicates"]["sets"], 1);
  EXPECT_TRUE(report_warnings(report).empty());
}

}  // namespace
}  // namespace pleat
