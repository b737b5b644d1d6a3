#include "data_tools/inspect/contact_sheet.h"

#include <algorithm>
#include <numeric>
#include <opencv2/imgproc.hpp>

#include "base/files.h"
#include "data_tools/photos/encode.h"
#include "data_tools/photos/opencv_setup.h"

namespace pleat {
namespace {

constexpr int kLeastSide = 96;  // pixels of an enlarged picture's longer side
constexpr int kGap = 6, kMargin = 12;
constexpr double kTextScale = 0.5;
const cv::Scalar kPaper(255, 255, 255), kInk(40, 40, 40);

cv::Size text_size(const std::string& text) {
  int below = 0;
  const cv::Size size = cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, kTextScale, 1, &below);
  return {size.width, size.height + below};
}

cv::Mat tile_of(const Picture& picture) {
  cv::Mat tile = to_bgr(picture);
  const int longer = std::max(picture.height, picture.width), factor = (kLeastSide + longer - 1) / longer;
  if (factor > 1) cv::resize(tile, tile, {}, factor, factor, cv::INTER_NEAREST);
  return tile;
}

struct Line {
  std::string caption;
  std::vector<cv::Mat> tiles;
  int height = 0;  // gap included
};

// columns: the widest tile of each column so far, gap included. The columns align related pictures vertically.
Line line_of(const SheetRow& row, std::vector<int>& columns) {
  Line line{.caption = row.caption, .height = text_size(row.caption).height};
  columns.resize(std::max(columns.size(), row.pictures.size()));
  for (std::size_t i = 0; i < row.pictures.size(); ++i) {
    const cv::Mat& tile = line.tiles.emplace_back(tile_of(row.pictures[i]));
    columns[i] = std::max(columns[i], tile.cols + kGap);
    line.height = std::max(line.height, tile.rows);
  }
  line.height += kGap;
  return line;
}

void draw_line(const Line& line, const std::vector<int>& columns, int left, int top, cv::Mat& sheet) {
  const cv::Point baseline(kMargin, top + line.height / 2);
  cv::putText(sheet, line.caption, baseline, cv::FONT_HERSHEY_SIMPLEX, kTextScale, kInk, 1, cv::LINE_AA);
  for (std::size_t i = 0; i < line.tiles.size(); ++i) {
    const cv::Mat& tile = line.tiles[i];
    tile.copyTo(sheet(cv::Rect(left, top, tile.cols, tile.rows)));
    left += columns[i];
  }
}

}  // namespace

std::string sheet_caption(std::string text, std::size_t longest) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  if (text.size() > longest) text = text.substr(0, longest - 3) + "...";
  return text;
}

void write_contact_sheet(const std::filesystem::path& png, const std::vector<SheetRow>& rows) {
  quiet_opencv();
  std::vector<Line> lines;
  std::vector<int> columns;
  int captions = 0, height = 0;
  for (const SheetRow& row : rows) {
    height += lines.emplace_back(line_of(row, columns)).height;
    captions = std::max(captions, text_size(row.caption).width);
  }
  const int width = std::accumulate(columns.begin(), columns.end(), 0);
  const int left = captions == 0 ? kMargin : 2 * kMargin + captions;
  cv::Mat sheet(height + 2 * kMargin, left + width + kMargin, CV_8UC3, kPaper);
  int top = kMargin;
  for (const Line& line : lines) {
    draw_line(line, columns, left, top, sheet);
    top += line.height;
  }
  const std::vector<std::uint8_t> bytes = encode_png(sheet);
  write_file(png, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace pleat
