// Line charts as inline SVG. The page's style sheet gives the colors (classes c0 to c7, axis, grid).
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace pleat {

struct ChartLine {
  std::string name;                               // in the legend; empty: not in it
  std::vector<std::pair<double, double>> points;  // x, y; ascending x
  int color = 0;                                  // 0 to 7
  bool dashed = false, dots = false;
  bool joined = true;  // else dots alone
};

/// A vertical bar from `low` to `high`.
struct ChartRange {
  double x = 0, low = 0, high = 0;
  int color = 0;
};

struct Chart {
  std::string title;  // read aloud in place of the picture
  std::string x_label, y_label;
  double x_low = 0, x_high = 1, y_low = 0, y_high = 1;
  bool whole_x = false;  // ticks on whole numbers only
  std::vector<ChartLine> lines;
  std::vector<ChartRange> ranges;
};

/// Requires: finite numbers, x_low < x_high, y_low < y_high.
std::string to_svg(const Chart& chart);

}  // namespace pleat
