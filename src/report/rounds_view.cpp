#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"
#include "base/wording.h"
#include "report/chart.h"
#include "report/json_values.h"
#include "report/page_blocks.h"
#include "report/views.h"

namespace pleat {
namespace {

// A target's scores in a round.
Json scores_of(const Json& round, const std::string& target) {
  return part_of(part_of(round, "targets"), target.c_str());
}

std::optional<double> number_at(const Json& scores, const char* part, const char* key) {
  return number_in(part_of(scores, part), key);
}

double number_of(const Json& round) { return number_in(round, "round").value_or(0); }

Chart score_chart(const Json& rounds, const std::string& target, const std::string& score) {
  const bool negated = score == "log_loss";
  ChartLine oof{.name = "out of fold", .color = 0, .dots = true}, test{.name = "held-out", .color = 1, .dots = true};
  double low = std::numeric_limits<double>::infinity(), high = -low;
  const auto add = [&](ChartLine& line, double round, std::optional<double> value) {
    if (!value) return;
    const double shown_value = negated ? -*value : *value;
    line.points.emplace_back(round, shown_value);
    low = std::min(low, shown_value);
    high = std::max(high, shown_value);
  };
  for (const Json& round : rounds) {
    const Json scores = scores_of(round, target);
    const double number = number_of(round);
    add(oof, number, number_at(scores, "oof", "score"));
    add(test, number, number_at(scores, "test", "score"));
  }
  const double margin = std::max(0.01, (high - low) * 0.1);
  return {.title = fmt::format("{} of {} by round", score, shown(target, 60)),
          .x_label = "round",
          .y_label = score,
          .x_low = -0.2,
          .x_high = double(rounds.size()) - 0.8,
          .y_low = low - margin,
          .y_high = high + margin,
          .whole_x = true,
          .lines = {oof, test}};
}

Chart leak_chart(const Json& rounds, const std::string& target) {
  ChartLine line{.name = "leak meter, with its 95 % interval", .color = 2, .dots = true};
  Chart chart{.title = fmt::format("Leak meter of {} by round", shown(target, 60)),
              .x_label = "round",
              .y_label = "leak meter",
              .x_low = -0.2,
              .x_high = double(rounds.size()) - 0.8,
              .whole_x = true};
  double low = 0, high = 0;
  for (const Json& round : rounds) {
    const Json scores = scores_of(round, target);
    const auto value = number_at(scores, "leak_meter", "value"), from = number_at(scores, "leak_meter", "low"),
               to = number_at(scores, "leak_meter", "high");
    if (!value || !from || !to) continue;
    line.points.emplace_back(number_of(round), *value);
    chart.ranges.push_back({.x = number_of(round), .low = *from, .high = *to, .color = 2});
    low = std::min(low, *from);
    high = std::max(high, *to);
  }
  const double margin = std::max(0.01, (high - low) * 0.1);
  chart.y_low = low - margin, chart.y_high = high + margin;
  chart.lines = {{.name = "", .points = {{chart.x_low, 0}, {chart.x_high, 0}}, .color = 7, .dashed = true}, line};
  return chart;
}

std::string number_text(const std::optional<double>& value, const std::string& score) {
  return value ? score_text(*value, score) : "–";
}

PageTable rounds_table(const Json& rounds, const std::string& target, const ReportData& data) {
  const std::string score = data.source.score();
  PageTable table{.caption = fmt::format("Rounds of {}: {}", shown(target, 60), score),
                  .head = {"round", "out of fold", "held-out", "leak meter", "networks", "failed"}};
  for (const Json& round : rounds) {
    const Json scores = scores_of(round, target);
    const auto leak = number_at(scores, "leak_meter", "value");
    const int number = static_cast<int>(number_of(round));
    table.rows.push_back(
        {{fmt::format("{}{}", number, number == data.source.round ? ", the result" : "")},
         {number_text(number_at(scores, "oof", "score"), score)},
         {number_text(number_at(scores, "test", "score"), score)},
         {leak ? fmt::format("{:+.3f} [{:+.3f}, {:+.3f}]", *leak, number_at(scores, "leak_meter", "low").value_or(0),
                             number_at(scores, "leak_meter", "high").value_or(0))
               : "–"},
         {decimals(number_in(round, "jobs"), 0)},
         {decimals(number_in(round, "failed"), 0)}});
  }
  return table;
}

}  // namespace

Json rounds_view(const ReportData& data) {
  Json section = page_section("rounds", "Rounds");
  const Json rounds = part_of(data.source.summary, "rounds");
  if (!rounds.is_array() || rounds.size() < 2) return section;
  add_block(section, paragraph("In each round, students learn pseudo-labels of the round before. Leak meter: "
                               "out-of-fold less held-out score of one "
                               "fold's models; far above 0, labels have leaked."));
  for (const JudgedTarget& target : data.targets) {
    const std::string& name = target.table->target;
    add_block(section, table_block(rounds_table(rounds, name, data)));
    const Chart scores = score_chart(rounds, name, data.source.score()), leak = leak_chart(rounds, name);
    if (scores.lines.front().points.empty()) continue;
    Json list = Json::array();
    list.push_back(figure(to_svg(scores), fmt::format("{}: scores by round", shown(name, 60)))["figure"]);
    if (!leak.lines.back().points.empty())
      list.push_back(figure(to_svg(leak), fmt::format("{}: leak meter by round", shown(name, 60)))["figure"]);
    add_block(section, {{"figures", {{"list", list}}}});
  }
  return section;
}

Json failures_view(const ReportData& data) {
  Json section = page_section("failures", "Failures");
  if (!data.source.failures.is_array() || data.source.failures.empty()) return section;
  PageTable table{.caption = "", .head = {"network", "reason"}};
  for (const Json& failure : data.source.failures) {
    if (!failure.is_object()) continue;
    table.rows.push_back({{shown(failure.value("job", ""), 120)}, {shown(failure.value("why", ""), 500)}});
  }
  add_block(section, warning(counted(std::int64_t(data.source.failures.size()), "network") +
                             " failed. Targets with a failed network have no scores."));
  add_block(section, table_block(table));
  return section;
}

}  // namespace pleat
