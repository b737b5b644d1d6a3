#include "report/sweep_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "data/sample_table.h"
#include "report/page_blocks.h"
#include "sweep/sweep_paths.h"
#include "target/target.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostColumns = 20, kMostRows = 40;  // of a map
constexpr std::size_t kMostCells = 300;                   // listed

struct Cell {
  std::string name, verdict;
  std::vector<std::string> keys;
  std::optional<double> score;  // of the full schedule; of a cell that was dropped early, of the short one
  bool brief = false;           // the score is that of the short schedule
};

// The columns between the cell's name and its rung are the keys; the score's column follows `folds`.
std::size_t key_count(const SampleTable& table) {
  const auto rung = std::find(table.names.begin(), table.names.end(), "rung");
  if (rung == table.names.end() || rung == table.names.begin() || rung + 2 >= table.names.end())
    throw DataError("{} has no column rung; run pleat sweep again in that folder", shown(table.source));
  return static_cast<std::size_t>(rung - table.names.begin()) - 1;
}

std::vector<Cell> cells_of(const SampleTable& table, std::size_t keys, const std::string& score) {
  std::vector<Cell> cells;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    Cell& cell = cells.emplace_back(Cell{.name = table.values[0][row], .verdict = table.column("verdict")[row]});
    for (std::size_t k = 0; k < keys; ++k) cell.keys.push_back(table.values[1 + k][row]);
    cell.score = number_of(table.column(score)[row]);
    if (!cell.score) cell.score = number_of(table.column("short_" + score)[row]), cell.brief = true;
  }
  return cells;
}

// Values of a key in the order of the table, which is the axis' order.
std::vector<std::string> values_of(const std::vector<Cell>& cells, std::size_t key) {
  std::vector<std::string> values;
  for (const Cell& cell : cells)
    if (std::find(values.begin(), values.end(), cell.keys[key]) == values.end()) values.push_back(cell.keys[key]);
  return values;
}

// 0 for the worst score, 100 for the best.
int share_of(const std::vector<Cell>& cells, double score, bool less_is_better) {
  double low = score, high = score;
  for (const Cell& cell : cells) {
    if (!cell.score) continue;
    low = std::min(low, *cell.score);
    high = std::max(high, *cell.score);
  }
  const double share = high > low ? (score - low) / (high - low) : 1;
  return static_cast<int>(100 * (less_is_better ? 1 - share : share) + 0.5);
}

Json map_of(const std::vector<Cell>& cells, const SampleTable& table, std::size_t keys, bool less_is_better) {
  const std::vector<std::string> rows = values_of(cells, 0);
  const std::vector<std::string> columns = keys == 2 ? values_of(cells, 1) : std::vector<std::string>{""};
  std::map<std::pair<std::string, std::string>, const Cell*> at;
  for (const Cell& cell : cells) at[{cell.keys[0], keys == 2 ? cell.keys[1] : ""}] = &cell;
  Json head = Json::array(), lines = Json::array();
  for (const std::string& column : columns) head.push_back({{"text", shown(column, 40)}});
  for (const std::string& row : rows) {
    Json line = Json::array();
    for (const std::string& column : columns) {
      const auto found = at.find({row, column});
      const Cell* cell = found == at.end() ? nullptr : found->second;
      const bool scored = cell != nullptr && cell->score;
      line.push_back(
          {{"text", scored ? fmt::format("{:.4f}", *cell->score) : "–"},
           {"verdict", cell == nullptr ? "" : cell->verdict + (cell->brief && scored ? ", short schedule" : "")},
           {"tone", cell == nullptr ? "" : cell->verdict},
           {"share", scored ? share_of(cells, *cell->score, less_is_better) : 0}});
    }
    lines.push_back({{"first", shown(row, 40)}, {"line", line}});
  }
  const std::string corner = keys == 2 ? fmt::format("{} \\ {}", shown(table.names[1], 40), shown(table.names[2], 40))
                                       : shown(table.names[1], 40);
  return {{"map", {{"corner", corner}, {"head", head}, {"rows", lines}}}};
}

std::string tone_of(const std::string& verdict) {
  if (verdict == "best" || verdict == "equal") return "good";
  return verdict == "worse" || verdict == "failed" ? "bad" : "mute";
}

std::string with_interval(const SampleTable& table, std::size_t row, const std::string& value, const std::string& low,
                          const std::string& high) {
  const std::string& text = table.column(value)[row];
  if (text.empty()) return "–";
  const auto four = [](const std::string& number) { return fmt::format("{:.4f}", number_of(number).value_or(0)); };
  const std::string& from = table.column(low)[row];
  return from.empty() ? four(text) : fmt::format("{} [{}, {}]", four(text), four(from), four(table.column(high)[row]));
}

PageTable cell_table(const SampleTable& table, const std::string& score) {
  PageTable list{.caption = "Cells",
                 .head = {"cell", "verdict", "rung", "folds", score, "less the best", "short schedule", "images/s",
                          "time", "why"}};
  for (std::size_t row = 0; row < std::min(kMostCells, table.rows()); ++row) {
    const std::string& verdict = table.column("verdict")[row];
    const double speed = number_of(table.column("images_per_second")[row]).value_or(0);
    const std::string& brief = table.column("short_" + score)[row];
    list.rows.push_back({{shown(table.values[0][row], 120)},
                         {verdict, tone_of(verdict)},
                         {table.column("rung")[row]},
                         {table.column("folds")[row]},
                         {with_interval(table, row, score, "low", "high")},
                         {with_interval(table, row, "to_best", "to_best_low", "to_best_high")},
                         {brief.empty() ? "–" : fmt::format("{:.4f}", number_of(brief).value_or(0))},
                         {speed > 0 ? fmt::format("{:.0f}", speed) : "–"},
                         {duration_text(number_of(table.column("seconds")[row]).value_or(0))},
                         {shown(table.column("why")[row], 300)}});
  }
  return list;
}

}  // namespace

Json sweep_view(const SweepSource& sweep) {
  Json section = page_section("sweep", "Sweep");
  if (!file_exists(SweepPaths{sweep.folder}.table())) {
    add_block(section, warning("The sweep is not finished: sweep.csv is missing. Run the same command to resume it."));
    return section;
  }
  const SampleTable table =
      read_plain_csv(SweepPaths{sweep.folder}.table(), {"cell", "rung", "folds", "verdict", "why"});
  const std::size_t keys = key_count(table);
  const std::string score = table.names[keys + 3];
  const std::vector<Cell> cells = cells_of(table, keys, score);
  add_block(
      section,
      paragraph(
          sweep.best.empty()
              ? "No cell is done on all folds."
              : fmt::format(
                    "Best cell: {}. The sections below show its run. The best of many cells looks better than it is: "
                    "check it on held-out rows.",
                    shown(sweep.best, 200))));
  const bool fits =
      keys <= 2 && values_of(cells, 0).size() <= kMostRows && (keys < 2 || values_of(cells, 1).size() <= kMostColumns);
  if (fits) add_block(section, map_of(cells, table, keys, score == "log_loss"));
  add_block(section, table_block(cell_table(table, score)));
  if (table.rows() > kMostCells)
    add_block(section, paragraph(fmt::format("The first {} of {} cells; sweep.csv has all.", kMostCells,
                                             grouped(table.rows()))));
  return section;
}

std::optional<SweepSource> find_sweep(const fs::path& folder) {
  const SweepPaths paths{folder};
  if (!file_exists(paths.sweep())) return std::nullopt;
  SweepSource sweep{.folder = folder, .best = ""};
  if (!file_exists(paths.table())) return sweep;
  const SampleTable table = read_plain_csv(paths.table(), {"cell", "verdict"});
  for (std::size_t row = 0; row < table.rows(); ++row)
    if (table.column("verdict")[row] == "best") sweep.best = table.values[0][row];
  return sweep;
}

}  // namespace pleat
