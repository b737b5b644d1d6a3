#include "sweep/sweep_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/wording.h"
#include "data/sample_table.h"

namespace pleat {
namespace {

constexpr std::size_t kListed = 12;      // cells below the map
constexpr std::size_t kMostColumns = 9;  // of a map
constexpr std::size_t kWidest = 10;      // letters of a column's title

std::string number(double value) { return fmt::format("{:.6f}", value); }

std::string interval_fields(const std::optional<Interval>& interval, const std::string& score_name) {
  if (!interval) return ",,";
  const Interval shown = as_shown(*interval, score_name);
  return fmt::format("{},{},{}", number(shown.value), number(shown.low), number(shown.high));
}

std::string sign_of(const CellResult& cell) {
  if (cell.verdict == "best") return "*";
  if (cell.verdict == "equal") return "=";
  if (cell.verdict == "failed") return "!";
  return cell.standing.folds > 0 ? "+" : " ";
}

// The score that all cells share: of the short schedule, or of all folds.
std::optional<double> shared_score(const CellResult& cell, const SweepResult& result) {
  if (result.briefs) return cell.brief;
  if (cell.score && cell.standing.complete) return cell.score->value;
  return std::nullopt;
}

struct Shades {
  double low = std::numeric_limits<double>::infinity(), high = -low;

  explicit Shades(const SweepResult& result) {
    for (const CellResult& cell : result.cells) {
      const auto score = shared_score(cell, result);
      if (!score) continue;
      low = std::min(low, *score);
      high = std::max(high, *score);
    }
  }
  double share(double score) const { return high > low ? (score - low) / (high - low) : 1; }
  const char* shade(double score) const {
    static constexpr const char* kShades[] = {"  ", "░░", "▒▒", "▓▓", "██"};
    return kShades[std::min<int>(4, static_cast<int>(share(score) * 5))];
  }
};

std::string title(const SweepResult& result) {
  std::string what = result.score + " on all folds";
  if (result.briefs) {
    what = fmt::format("{} on fold {} after the short schedule", result.score, result.first_fold);
    if (result.brief_epochs > 0) what += fmt::format(" ({})", counted(result.brief_epochs, "epoch"));
  }
  return what + "; * best, = equal within the interval, + full schedule tried, ! failed\n\n";
}

std::vector<std::string> values_of(const SweepResult& result, std::size_t key) {
  std::vector<std::string> values;
  for (const CellResult& cell : result.cells) {
    if (std::find(values.begin(), values.end(), cell.values[key]) == values.end()) values.push_back(cell.values[key]);
  }
  return values;
}

std::string map_cell(const CellResult* cell, const SweepResult& result, const Shades& shades) {
  if (cell == nullptr) return fmt::format("{:13}", "");
  const auto score = shared_score(*cell, result);
  if (!score) return fmt::format("{:2} {:>7} {} ", "", "-", sign_of(*cell));
  return fmt::format("{} {:>7} {} ", shades.shade(*score), shown(*score, result.score), sign_of(*cell));
}

// A map needs few columns with short titles.
bool fits_a_map(const std::vector<std::string>& columns) {
  return columns.size() <= kMostColumns &&
         std::all_of(columns.begin(), columns.end(), [](const std::string& each) { return each.size() <= kWidest; });
}

std::string map_of(const Cells& cells, const SweepResult& result) {
  const std::vector<std::string> rows = values_of(result, 0), columns = values_of(result, 1);
  std::map<std::pair<std::string, std::string>, const CellResult*> at;
  for (const CellResult& cell : result.cells) at[{cell.values[0], cell.values[1]}] = &cell;
  std::size_t width = cells.labels[0].size() + cells.labels[1].size() + 3;
  for (const std::string& row : rows) width = std::max(width, row.size() + 1);
  const Shades shades(result);
  std::string text = fmt::format("{:{}}", fmt::format("{} \\ {}", cells.labels[0], cells.labels[1]), width);
  for (const std::string& column : columns) text += fmt::format("{:>10}   ", column);
  text += "\n";
  for (const std::string& row : rows) {
    text += fmt::format("{:{}}", row, width);
    for (const std::string& column : columns) {
      const auto found = at.find({row, column});
      text += map_cell(found == at.end() ? nullptr : found->second, result, shades);
    }
    text += "\n";
  }
  return text;
}

std::string bars_of(const SweepResult& result) {
  constexpr double kWidth = 30;
  const Shades shades(result);
  std::size_t width = 0;
  for (const CellResult& cell : result.cells) width = std::max(width, cell.name.size());
  std::string text;
  for (const CellResult& cell : result.cells) {
    const auto score = shared_score(cell, result);
    std::string bar;
    if (score) {
      for (long i = 0; i <= std::lround(kWidth * shades.share(*score)); ++i) bar += "▇";
    }
    text += fmt::format("{:{}}  {:>7} {} {}\n", cell.name, width, score ? shown(*score, result.score) : "-",
                        sign_of(cell), bar);
  }
  return text;
}

// Cells with a full schedule: more folds first, then by score.
std::vector<const CellResult*> ranked(const SweepResult& result) {
  std::vector<const CellResult*> order;
  for (const CellResult& cell : result.cells) {
    if (cell.score) order.push_back(&cell);
  }
  std::stable_sort(order.begin(), order.end(), [](const CellResult* a, const CellResult* b) {
    if (a->standing.folds != b->standing.folds) return a->standing.folds > b->standing.folds;
    return a->score->value > b->score->value;
  });
  return order;
}

std::string list_of(const SweepResult& result) {
  const std::vector<const CellResult*> order = ranked(result);
  std::size_t width = 4;
  for (const CellResult* cell : order) width = std::max(width, cell->name.size());
  std::string text = fmt::format("{:{}}  {:>5}  {:>8}  {:19}  {:>9}\n", "cell", width, "folds", result.score,
                                 "95 % interval", "s a fold");
  for (std::size_t i = 0; i < std::min(kListed, order.size()); ++i) {
    const CellResult& cell = *order[i];
    const Interval score = as_shown(*cell.score, result.score);
    text += fmt::format("{:{}}  {:>5}  {:>8.4f}  {:.4f} to {:.4f}     {:>9.1f}  {}{}\n", cell.name, width,
                        cell.standing.folds, score.value, score.low, score.high, cell.fold_seconds, cell.verdict,
                        cell.why.empty() ? "" : ": " + cell.why);
  }
  if (order.size() > kListed) text += fmt::format("and {} more\n", order.size() - kListed);
  return text;
}

}  // namespace

std::string shown(double score, const std::string& score_name) {
  return fmt::format("{:.4f}", score_name == "log_loss" ? -score : score);
}

// log_loss is negated in comparisons: an interval's ends change places.
Interval as_shown(const Interval& given, const std::string& score_name) {
  if (score_name != "log_loss") return given;
  return {-given.value, -given.high, -given.low};
}

std::string sweep_csv(const Cells& cells, const SweepResult& result) {
  std::string text = "cell";
  for (const std::string& key : cells.keys) text += "," + csv_field(key);
  text += fmt::format(
      ",rung,folds,{0},low,high,short_{0},verdict,to_best,to_best_low,to_best_high,why,"
      "images_per_second,seconds\n",
      result.score);
  for (const CellResult& cell : result.cells) {
    text += csv_field(cell.name);
    for (const std::string& value : cell.values) text += "," + csv_field(value);
    text += fmt::format(",{},{},{},{},{},{},{},{:.1f},{:.1f}\n", cell.standing.rung, cell.standing.folds,
                        interval_fields(cell.score, result.score),
                        cell.brief ? number(result.score == "log_loss" ? -*cell.brief : *cell.brief) : "", cell.verdict,
                        interval_fields(cell.to_best, result.score), csv_field(cell.why), cell.images_per_second,
                        cell.seconds);
  }
  return text;
}

std::string sweep_text(const Cells& cells, const SweepResult& result) {
  std::string text;
  if (cells.keys.size() == 1) text = title(result) + bars_of(result) + "\n";
  if (cells.keys.size() == 2 && fits_a_map(values_of(result, 1))) text = title(result) + map_of(cells, result) + "\n";
  return text + list_of(result);
}

}  // namespace pleat
