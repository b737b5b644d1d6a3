#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/utf8.h"
#include "base/wording.h"
#include "report/chart.h"
#include "report/page_blocks.h"
#include "report/views.h"

namespace pleat {
namespace {

constexpr std::size_t kBins = 10;

struct Bin {
  std::int64_t rows = 0, right = 0;
  double confidence = 0;  // sum
};

std::array<Bin, kBins> bins_of(const JudgedTarget& target) {
  std::array<Bin, kBins> bins;
  for (std::size_t row = 0; row < target.label.size(); ++row) {
    Bin& bin = bins[std::min(kBins - 1, static_cast<std::size_t>(target.confidence[row] * kBins))];
    ++bin.rows;
    bin.right += target.label[row] == target.guess[row];
    bin.confidence += target.confidence[row];
  }
  return bins;
}

// Expected calibration error: the mean distance of confidence and accuracy. Source: Guo et al. 2017, arXiv:1706.04599.
double calibration_error(const std::array<Bin, kBins>& bins) {
  double sum = 0;
  std::int64_t rows = 0;
  for (const Bin& bin : bins) {
    sum += std::abs(bin.confidence - static_cast<double>(bin.right));
    rows += bin.rows;
  }
  return sum / static_cast<double>(rows);
}

// "The networks are too sure: mean confidence 0.85, accuracy 0.57."
std::string sureness(const std::array<Bin, kBins>& bins) {
  Bin all;
  for (const Bin& bin : bins) all.rows += bin.rows, all.right += bin.right, all.confidence += bin.confidence;
  const double confidence = all.confidence / static_cast<double>(all.rows);
  const double accuracy = static_cast<double>(all.right) / static_cast<double>(all.rows);
  constexpr double kFar = 0.03;
  const char* words = confidence > accuracy + kFar   ? "The networks are too sure"
                      : confidence < accuracy - kFar ? "The networks are not sure enough"
                                                     : "The networks are as sure as they should be";
  return fmt::format("{}: mean confidence {:.2f}, accuracy {:.2f}.", words, confidence, accuracy);
}

Json reliability(const JudgedTarget& target) {
  const std::array<Bin, kBins> bins = bins_of(target);
  Chart chart{.title = fmt::format("Reliability of {}: accuracy by confidence", shown(target.table->target, 60)),
              .x_label = "confidence",
              .y_label = "accuracy"};
  ChartLine line{.name = "accuracy", .color = 0, .dots = true};
  for (const Bin& bin : bins) {
    if (bin.rows == 0) continue;
    const auto rows = static_cast<double>(bin.rows);
    const double right = static_cast<double>(bin.right) / rows, confidence = bin.confidence / rows;
    const double half = 1.96 * std::sqrt(right * (1 - right) / rows);
    line.points.emplace_back(confidence, right);
    chart.ranges.push_back({.x = confidence, .low = std::max(0.0, right - half), .high = std::min(1.0, right + half)});
  }
  chart.lines = {{.name = "perfect calibration", .points = {{0, 0}, {1, 1}}, .color = 7, .dashed = true}, line};
  const double error = calibration_error(bins);
  const std::string in_words = sureness(bins);
  return figure(
      to_svg(chart),
      fmt::format("Reliability. Rows are binned by the probability of their most probable class. On the dashed line "
                  "probabilities are right. Calibration error (ECE, the mean distance from it): {:.3f}. {}",
                  error, in_words),
      fmt::format("{}: calibration error {:.3f}. {}", shown(target.table->target, 60), error, in_words));
}

Json thresholds(const JudgedTarget& target) {
  std::vector<std::size_t> order(target.label.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return target.confidence[a] > target.confidence[b]; });
  constexpr std::size_t kPoints = 100;
  ChartLine line{.name = "accuracy", .color = 0};
  std::string words;
  std::int64_t right = 0;
  std::size_t next = 1;  // point
  for (std::size_t i = 0; i < order.size(); ++i) {
    right += target.label[order[i]] == target.guess[order[i]];
    if ((i + 1) * kPoints < next * order.size()) continue;
    while ((i + 1) * kPoints >= next * order.size()) ++next;
    const double share = double(i + 1) / double(order.size()), accuracy = double(right) / double(i + 1);
    line.points.emplace_back(share, accuracy);
    for (const double wanted : {0.5, 0.8}) {
      if (share >= wanted && share - wanted < 1.0 / kPoints)
        words += fmt::format("{} {:.0f} % of the rows (confidence at least {:.3f}): accuracy {:.4f}.",
                             words.empty() ? "The most confident" : " The most confident", 100 * wanted,
                             target.confidence[order[i]], accuracy);
    }
  }
  double low = 1;
  for (const auto& [share, accuracy] : line.points) low = std::min(low, accuracy);
  Chart chart{.title = fmt::format("Accuracy of the most confident rows of {}", shown(target.table->target, 60)),
              .x_label = "share of rows kept, the most confident first",
              .y_label = "accuracy",
              .y_low = std::max(0.0, std::floor(low * 20 - 0.5) / 20),
              .y_high = 1,
              .lines = {line}};
  return figure(to_svg(chart), "Threshold. The accuracy if only the most confident rows are predicted. " + words,
                fmt::format("{}: {}", shown(target.table->target, 60), words));
}

}  // namespace

Json calibration_view(const ReportData& data) {
  Json section = page_section("calibration", "Confidence");
  for (const JudgedTarget& target : data.targets) {
    add_block(section, heading(shown(target.table->target, 60)));
    add_block(section, {{"figures", {{"list", {reliability(target)["figure"], thresholds(target)["figure"]}}}}});
  }
  return section;
}

}  // namespace pleat
