#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "base/utf8.h"
#include "base/wording.h"
#include "report/page_blocks.h"
#include "report/samples.h"
#include "report/views.h"

namespace pleat {
namespace {

constexpr std::size_t kMostClasses = 30;  // of a matrix
constexpr std::size_t kMostRows = 12;     // examples of a cell
constexpr double kAlbumShare = 0.55;      // of all matrices
constexpr std::size_t kMostPairs = 10;    // listed

using Cell = std::pair<std::int64_t, std::int64_t>;  // given, guess

// The rows of each cell. Of errors the surest come first, of right rows the least sure.
std::map<Cell, std::vector<std::int64_t>> cells_of(const JudgedTarget& target) {
  std::map<Cell, std::vector<std::int64_t>> cells;
  for (std::size_t row = 0; row < target.label.size(); ++row)
    cells[{target.label[row], target.guess[row]}].push_back(std::int64_t(row));
  for (auto& [cell, rows] : cells) {
    const bool right = cell.first == cell.second;
    std::stable_sort(rows.begin(), rows.end(), [&](std::int64_t a, std::int64_t b) {
      const double one = target.confidence[std::size_t(a)], other = target.confidence[std::size_t(b)];
      return right ? one < other : one > other;
    });
  }
  return cells;
}

// All classes in their order; of many, those in most errors.
std::vector<std::int64_t> shown_classes(const JudgedTarget& target) {
  std::vector<std::int64_t> classes(target.table->classes.size()), errors(classes.size());
  std::iota(classes.begin(), classes.end(), 0);
  if (classes.size() <= kMostClasses) return classes;
  for (std::size_t row = 0; row < target.label.size(); ++row) {
    if (target.label[row] == target.guess[row]) continue;
    ++errors[std::size_t(target.label[row])];
    ++errors[std::size_t(target.guess[row])];
  }
  std::stable_sort(classes.begin(), classes.end(),
                   [&](std::int64_t a, std::int64_t b) { return errors[std::size_t(a)] > errors[std::size_t(b)]; });
  classes.resize(kMostClasses);
  std::sort(classes.begin(), classes.end());
  return classes;
}

// The cells of errors, the fullest first.
std::vector<Cell> errors_of(const std::map<Cell, std::vector<std::int64_t>>& cells) {
  std::vector<Cell> errors;
  for (const auto& [cell, rows] : cells)
    if (cell.first != cell.second) errors.push_back(cell);
  std::stable_sort(errors.begin(), errors.end(),
                   [&](const Cell& a, const Cell& b) { return cells.at(a).size() > cells.at(b).size(); });
  return errors;
}

std::string key_of(const Cell& cell) { return fmt::format("{}-{}", cell.first, cell.second); }

// Photos go to the first row of each cell, then to the second rows, and so on; the fullest cells first.
Json examples_of(ReportData& data, std::size_t target, const std::map<Cell, std::vector<std::int64_t>>& cells,
                 double share) {
  std::vector<Cell> order = errors_of(cells);
  for (const auto& [cell, rows] : cells)
    if (cell.first == cell.second) order.push_back(cell);
  Json examples = Json::object();
  for (std::size_t place = 0; place < kMostRows; ++place) {
    for (const Cell& cell : order) {
      const std::vector<std::int64_t>& rows = cells.at(cell);
      if (place >= rows.size()) continue;
      const int sample = add_sample(data, target, rows[place], share);
      if (sample >= 0) examples[key_of(cell)].push_back(sample);
    }
  }
  return examples;
}

Json matrix_of(const JudgedTarget& target, std::size_t number, const std::map<Cell, std::vector<std::int64_t>>& cells) {
  const std::vector<std::int64_t> classes = shown_classes(target);
  std::vector<std::int64_t> rows_of(target.table->classes.size());
  for (const std::int64_t label : target.label) ++rows_of[std::size_t(label)];
  Json head = Json::array(), rows = Json::array();
  for (const std::int64_t c : classes) head.push_back({{"text", class_text(*target.table, c)}});
  for (const std::int64_t given : classes) {
    Json line = Json::array();
    for (const std::int64_t guess : classes) {
      const auto found = cells.find({given, guess});
      const std::size_t count = found == cells.end() ? 0 : found->second.size();
      const double share = rows_of[std::size_t(given)] == 0 ? 0 : double(count) / double(rows_of[std::size_t(given)]);
      line.push_back({{"count", grouped(count)},
                      {"any", count > 0},
                      {"key", key_of({given, guess})},
                      {"tone", given == guess ? "right" : "wrong"},
                      {"share", static_cast<int>(share * 100 + 0.5)},
                      {"label", fmt::format("{} of {} given as {} and predicted as {}", grouped(count),
                                            counted(rows_of[std::size_t(given)], "row"),
                                            class_text(*target.table, given), class_text(*target.table, guess))}});
    }
    rows.push_back({{"first", class_text(*target.table, given)},
                    {"total", grouped(std::size_t(rows_of[std::size_t(given)]))},
                    {"line", line}});
  }
  return {{"matrix",
           {{"number", number},
            {"target", shown(target.table->target, 60)},
            {"head", head},
            {"rows", rows},
            {"many", classes.size() > 8}}}};
}

PageTable pairs_of(const JudgedTarget& target, const std::map<Cell, std::vector<std::int64_t>>& cells) {
  PageTable table{.caption = "Most frequent errors", .head = {"given", "predicted", "rows", "of the class"}};
  std::vector<std::int64_t> rows_of(target.table->classes.size());
  for (const std::int64_t label : target.label) ++rows_of[std::size_t(label)];
  for (const Cell& cell : errors_of(cells)) {
    if (table.rows.size() == kMostPairs) break;
    const std::size_t count = cells.at(cell).size();
    table.rows.push_back({{class_text(*target.table, cell.first)},
                          {class_text(*target.table, cell.second)},
                          {grouped(count)},
                          {fmt::format("{:.1f} %", 100.0 * double(count) / double(rows_of[std::size_t(cell.first)]))}});
  }
  return table;
}

}  // namespace

Json confusion_view(ReportData& data) {
  Json section = page_section("confusion", "Confusion");
  if (data.targets.empty()) return section;
  add_block(section,
            hint("Rows are the given classes, columns the predicted ones, out of fold. Choose a cell to see its rows: "
                 "errors with the highest confidence first, right predictions with the lowest. Arrow keys move between "
                 "cells."));
  data.scripted["targets"] = Json::array();
  for (std::size_t t = 0; t < data.targets.size(); ++t) {
    const JudgedTarget& target = data.targets[t];
    const auto cells = cells_of(target);
    add_block(section, heading(shown(target.table->target, 60)));
    if (target.table->classes.size() > kMostClasses) {
      add_block(section, paragraph(fmt::format("The {} of {} with the most errors.", kMostClasses,
                                               fmt::format("{} classes", grouped(target.table->classes.size())))));
    }
    add_block(section, matrix_of(target, t, cells));
    add_block(section, table_block(pairs_of(target, cells)));
    const double share = kAlbumShare * static_cast<double>(t + 1) / static_cast<double>(data.targets.size());
    Json about{{"name", shown(target.table->target, 60)},
               {"classes", class_names(*target.table)},
               {"cells", examples_of(data, t, cells, share)}};
    data.scripted["targets"].push_back(std::move(about));
  }
  return section;
}

}  // namespace pleat
