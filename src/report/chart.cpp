#include "report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <kainjow/mustache.hpp>

namespace pleat {
namespace {

using kainjow::mustache::html_escape;

constexpr double kWidth = 460, kHeight = 300;                       // of the picture, in its own units
constexpr double kLeft = 58, kRight = 14, kTop = 12, kBottom = 46;  // margins

class Drawing {
 public:
  explicit Drawing(const Chart& chart) : chart_(chart) {}

  double x(double value) const {
    return kLeft + (value - chart_.x_low) / (chart_.x_high - chart_.x_low) * (kWidth - kLeft - kRight);
  }
  double y(double value) const {
    return kHeight - kBottom - (value - chart_.y_low) / (chart_.y_high - chart_.y_low) * (kHeight - kTop - kBottom);
  }

 private:
  const Chart& chart_;
};

// Steps of 1, 2 or 5 times a power of ten, about five of them.
std::vector<double> ticks(double low, double high, bool whole) {
  const double rough = (high - low) / 5, power = std::pow(10, std::floor(std::log10(rough)));
  double step = power * (rough / power < 1.5 ? 1 : rough / power < 3.5 ? 2 : rough / power < 7.5 ? 5 : 10);
  if (whole) step = std::max(1.0, std::round(step));
  std::vector<double> values;
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i) values.push_back(i * step);
  return values;
}

std::string number(double value) { return fmt::format("{:.6g}", std::abs(value) < 1e-12 ? 0 : value); }

std::string axes(const Chart& chart, const Drawing& at) {
  std::string svg;
  for (const double value : ticks(chart.y_low, chart.y_high, false)) {
    svg += fmt::format(R"(<line class="grid" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>)", kLeft,
                       kWidth - kRight, at.y(value), at.y(value));
    svg += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>)", kLeft - 6, at.y(value) + 4,
                       number(value));
  }
  for (const double value : ticks(chart.x_low, chart.x_high, chart.whole_x)) {
    svg += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)", at.x(value),
                       kHeight - kBottom + 17, number(value));
  }
  svg += fmt::format(R"(<path class="axis" d="M{:.1f} {:.1f}V{:.1f}H{:.1f}"/>)", kLeft, kTop, kHeight - kBottom,
                     kWidth - kRight);
  svg += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)", (kLeft + kWidth - kRight) / 2,
                     kHeight - 10, html_escape(chart.x_label));
  svg += fmt::format(R"svg(<text transform="translate(14 {:.1f}) rotate(-90)" text-anchor="middle">{}</text>)svg",
                     (kTop + kHeight - kBottom) / 2, html_escape(chart.y_label));
  return svg;
}

std::string line_of(const ChartLine& line, const Drawing& at) {
  if (line.points.empty()) return "";
  std::string path, dots;
  for (const auto& [x, y] : line.points) {
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", at.x(x), at.y(y));
    if (line.dots) {
      dots +=
          fmt::format(R"(<circle class="c{} dot" cx="{:.1f}" cy="{:.1f}" r="3.5"><title>{}: {}, {}</title></circle>)",
                      line.color, at.x(x), at.y(y), html_escape(line.name), number(x), number(y));
    }
  }
  if (!line.joined) return dots;
  return fmt::format(R"(<path class="c{} line{}" d="{}"/>)", line.color, line.dashed ? " dashed" : "", path) + dots;
}

std::string range_of(const ChartRange& range, const Drawing& at) {
  return fmt::format(R"(<path class="c{0} line" d="M{1:.1f} {2:.1f}V{3:.1f}M{4:.1f} {2:.1f}h8M{4:.1f} {3:.1f}h8"/>)",
                     range.color, at.x(range.x), at.y(range.low), at.y(range.high), at.x(range.x) - 4);
}

// Below the picture, as HTML: it wraps on a narrow screen.
std::string legend(const Chart& chart) {
  std::string items;
  for (const ChartLine& line : chart.lines) {
    if (line.name.empty() || line.points.empty()) continue;
    items += fmt::format(R"(<li><span class="c{} key{}"></span>{}</li>)", line.color, line.dashed ? " dashed" : "",
                         html_escape(line.name));
  }
  return items.empty() ? "" : "<ul class=\"legend\">" + items + "</ul>";
}

}  // namespace

std::string to_svg(const Chart& chart) {
  const Drawing at(chart);
  std::string svg = fmt::format(R"(<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">)", kWidth,
                                kHeight, html_escape(chart.title));
  svg += axes(chart, at);
  for (const ChartRange& range : chart.ranges) svg += range_of(range, at);
  for (const ChartLine& line : chart.lines) svg += line_of(line, at);
  return svg + "</svg>" + legend(chart);
}

}  // namespace pleat
