#include "report/compare_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"
#include "base/wording.h"
#include "report/board_text.h"
#include "report/chart.h"
#include "report/config_differences.h"
#include "report/page_blocks.h"
#include "report/report_data.h"

namespace pleat {
namespace {

constexpr std::size_t kMostPairs = 30;    // with classes and folds
constexpr std::size_t kMostColumns = 6;   // runs side by side
constexpr std::size_t kMostClasses = 60;  // of a pair

std::string tone_of(Verdict verdict) {
  return verdict == Verdict::kBetter ? "good" : verdict == Verdict::kWorse ? "bad" : "mute";
}

PageTable board_table(const Board& board, const FoldPlan& plan, const std::vector<std::string>& names) {
  PageTable table{.caption = fmt::format("{}, by {}", shown(board.target, 60), board.score),
                  .head = {"run", "out of fold", "± over folds", "held-out", "difference from the highest", "verdict"}};
  for (std::size_t place = 0; place < board.entries.size(); ++place) {
    const BoardEntry& entry = board.entries[place];
    std::vector<TableCell> row{{names[entry.run]},
                               {score_text(entry.oof, board.score)},
                               {fmt::format("{:.4f}", entry.spread)},
                               {entry.test ? score_text(*entry.test, board.score) : "–"}};
    const auto pair = board.pairs.find({0, place});
    if (pair == board.pairs.end())
      row.insert(row.end(), {{"–"}, {place == 0 ? "highest" : ""}});
    else
      row.insert(row.end(), {{difference_text(pair->second.score)},
                             {verdict_text(pair->second, plan), tone_of(pair->second.verdict)}});
    table.rows.push_back(std::move(row));
  }
  return table;
}

// The differences from the best run, in the order of the table.
Json difference_chart(const Board& board) {
  Chart chart{.title = fmt::format("Differences of {} from the best run, with 95 % intervals", shown(board.target, 60)),
              .x_label = "place in the table above",
              .y_label = "difference",
              .x_low = 1.5,
              .x_high = double(board.entries.size()) + 0.5,
              .whole_x = true};
  ChartLine points{.name = "difference, with its 95 % interval", .color = 0, .dots = true, .joined = false};
  double low = 0, high = 0;
  for (std::size_t place = 1; place < board.entries.size(); ++place) {
    const Interval& score = board.pairs.at({0, place}).score;
    points.points.emplace_back(place + 1, score.value);
    chart.ranges.push_back({.x = double(place + 1), .low = score.low, .high = score.high});
    low = std::min(low, score.low);
    high = std::max(high, score.high);
  }
  const double margin = std::max(1e-4, (high - low) * 0.08);
  chart.y_low = low - margin, chart.y_high = high + margin;
  chart.lines = {{.name = "", .points = {{chart.x_low, 0}, {chart.x_high, 0}}, .color = 7, .dashed = true}, points};
  return figure(to_svg(chart), "An interval that crosses the dashed line is no evidence of a difference.")["figure"];
}

PageTable pair_table(const Board& board, const Comparison& pair, const std::string& a, const std::string& b) {
  PageTable table{.head = {"", "difference", "95 % interval"},
                  .folded = fmt::format("{}: {} less {}, by class and fold", shown(board.target, 60), a, b)};
  for (std::size_t c = 0; c < std::min(kMostClasses, pair.class_f1.size()); ++c) {
    const Interval& f1 = pair.class_f1[c];
    const std::string tone = f1.low > 0 ? "good" : f1.high < 0 ? "bad" : "";
    table.rows.push_back({{"F1 of " + shown(board.classes[c], 60)},
                          {fmt::format("{:+.4f}", f1.value), tone},
                          {fmt::format("{:+.4f} to {:+.4f}", f1.low, f1.high)}});
  }
  for (std::size_t f = 0; f < pair.fold_score.size(); ++f)
    table.rows.push_back(
        {{fmt::format("{} of fold {}", board.score, f)}, {fmt::format("{:+.4f}", pair.fold_score[f])}, {""}});
  return table;
}

void add_differences(const Experiment& experiment, const std::vector<RunResult>& runs,
                     const std::vector<std::string>& names, Json& section) {
  std::vector<std::filesystem::path> folders;
  for (const std::size_t run : experiment.runs) folders.push_back(runs[run].folder);
  const std::vector<ConfigDifference> differences = config_differences(folders);
  if (differences.empty()) {
    add_block(section, paragraph("The configs do not differ."));
    return;
  }
  PageTable table{.caption = "What differs in the configs"};
  const bool side_by_side = experiment.runs.size() <= kMostColumns;
  table.head.emplace_back(side_by_side ? "key" : "run");
  if (side_by_side) {
    for (const std::size_t run : experiment.runs) table.head.push_back(names[run]);
    for (const ConfigDifference& each : differences) {
      std::vector<TableCell> row{{each.key}};
      for (const std::string& value : each.values) row.push_back({value.empty() ? "–" : value});
      table.rows.push_back(std::move(row));
    }
  } else {
    for (const ConfigDifference& each : differences) table.head.push_back(each.key);
    for (std::size_t i = 0; i < experiment.runs.size(); ++i) {
      std::vector<TableCell> row{{names[experiment.runs[i]]}};
      for (const ConfigDifference& each : differences) row.push_back({each.values[i].empty() ? "–" : each.values[i]});
      table.rows.push_back(std::move(row));
    }
  }
  add_block(section, table_block(table));
}

void add_board(const Board& board, const FoldPlan& plan, const std::vector<std::string>& names, Json& section) {
  add_block(section, table_block(board_table(board, plan, names)));
  if (board.entries.size() > 2) add_block(section, {{"figures", {{"list", {difference_chart(board)}}}}});
  std::size_t shown_pairs = 0;
  for (const auto& [places, pair] : board.pairs) {
    if (++shown_pairs > kMostPairs) break;
    add_block(section, table_block(pair_table(board, pair, names[board.entries[places.second].run],
                                              names[board.entries[places.first].run])));
  }
  if (board.pairs.size() > kMostPairs)
    add_block(section, paragraph(fmt::format("The first {} of {} pairs; pleat compare --json writes all.", kMostPairs,
                                             grouped(board.pairs.size()))));
}

}  // namespace

Page compare_page(const std::vector<Experiment>& experiments, const std::vector<RunResult>& runs,
                  const std::vector<std::string>& names,
                  const std::vector<std::pair<std::string, std::string>>& apart) {
  Page page{.title = "Comparison of runs", .subtitle = counted(std::int64_t(runs.size()), "run")};
  int number = 0;
  for (const Experiment& experiment : experiments) {
    if (experiment.runs.size() < 2) continue;
    const FoldPlan& plan = runs[experiment.runs.front()].oof.plan;
    ++number;
    Json section = page_section(fmt::format("experiment-{}", number),
                                number == 1 ? "Verdict" : fmt::format("Other folds or data, {}", number));
    add_block(section, paragraph(experiment_text(experiment, runs)));
    for (const Board& board : experiment.boards) add_board(board, plan, names, section);
    add_differences(experiment, runs, names, section);
    add_block(
        section,
        paragraph(fmt::format(
            "Intervals hold 95 % of the differences on resampled {}s, the same for both runs. They cover chance in "
            "the rows, not in the seed: train each option with two or three seeds.",
            resampled_unit(plan))));
    page.sections.push_back(std::move(section));
  }
  if (apart.empty()) return page;
  Json section = page_section("apart", "Not compared");
  PageTable table{.head = {"run", "reason"}};
  for (const auto& [run, reason] : apart) table.rows.push_back({{shown(run, 120)}, {shown(reason, 300)}});
  add_block(section, table_block(table));
  page.sections.push_back(std::move(section));
  return page;
}

}  // namespace pleat
