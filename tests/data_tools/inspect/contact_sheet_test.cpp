#include "data_tools/inspect/contact_sheet.h"

#include <gtest/gtest.h>

#include <opencv2/imgcodecs.hpp>

#include "base/error.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

Picture plain(int width, int height, std::vector<std::uint8_t> color) {
  Picture picture = new_picture(std::size_t(width), std::size_t(height), int(color.size()));
  for (std::size_t i = 0; i < picture.values.size(); ++i) picture.values[i] = color[i % color.size()];
  return picture;
}

std::size_t pixels_of(const cv::Mat& sheet, const cv::Vec3b& bgr) {
  std::size_t count = 0;
  for (int y = 0; y < sheet.rows; ++y) {
    for (int x = 0; x < sheet.cols; ++x) count += sheet.at<cv::Vec3b>(y, x) == bgr;
  }
  return count;
}

TEST(ContactSheet, ShowsEveryPictureWhole) {
  const ScratchFolder folder;
  write_contact_sheet(folder / "sheet.png", {{"red and a gray one", {plain(20, 30, {200, 10, 20}), plain(50, 40, {3})}},
                                             {"a large blue one", {plain(150, 99, {10, 20, 210})}}});
  const cv::Mat sheet = cv::imread((folder / "sheet.png").string());
  ASSERT_FALSE(sheet.empty());
  EXPECT_EQ(pixels_of(sheet, {20, 10, 200}), 20U * 30 * 16) << "four times as large";
  EXPECT_EQ(pixels_of(sheet, {3, 3, 3}), 50U * 40 * 4) << "twice";
  EXPECT_EQ(pixels_of(sheet, {210, 20, 10}), 150U * 99) << "as it is";
}

TEST(ContactSheet, AFolderThatIsNotThereIsAnError) {
  EXPECT_THROW(write_contact_sheet("/no/such/folder/sheet.png", {{"one", {plain(8, 8, {1})}}}), DataError);
}

}  // namespace
}  // namespace pleat
