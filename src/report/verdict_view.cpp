#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/utf8.h"
#include "base/wording.h"
#include "report/json_values.h"
#include "report/page_blocks.h"
#include "report/views.h"

namespace pleat {
namespace {

std::vector<TableCell> score_row(const ReportData& data, const JudgedTarget& target) {
  const std::string name = data.source.score();
  const Json oof = part_of(target.summary, "oof");
  const std::optional<double> held_out = number_in(part_of(target.summary, "test"), "score");
  std::vector<TableCell> row{{shown(target.table->target, 60)},
                             {score_text(target.intervals.score.value, name)},
                             {interval_text(target.intervals.score, name)},
                             {decimals(number_in(oof, "score_spread"), 4)}};
  if (held_out) {
    const double gap = *held_out - target.intervals.score.value;
    const bool inside = *held_out >= target.intervals.score.low && *held_out <= target.intervals.score.high;
    row.push_back({score_text(*held_out, name)});
    row.push_back({fmt::format("{:+.4f}", name == "log_loss" ? -gap : gap), inside ? "" : "bad"});
  } else {
    row.insert(row.end(), {{"–", "mute"}, {"–", "mute"}});
  }
  row.push_back({decimals(number_in(oof, "accuracy"), 4)});
  row.push_back({decimals(number_in(oof, "log_loss"), 4)});
  return row;
}

// "worst class: incorrect, F1 0.41; of its 200 rows 57 are taken for normal".
std::string worst_class(const JudgedTarget& target) {
  const auto& f1 = target.intervals.class_f1;
  std::vector<std::int64_t> rows(f1.size());
  for (const std::int64_t label : target.label) ++rows[std::size_t(label)];
  std::size_t worst = f1.size(), never = 0;
  for (std::size_t c = 0; c < f1.size(); ++c) {
    if (rows[c] == 0) continue;
    never += f1[c].value == 0;
    if (worst == f1.size() || f1[c].value < f1[worst].value) worst = c;
  }
  if (never > 1)
    return fmt::format("{}: {} classes are never predicted rightly (F1 0); the section Classes lists them.",
                       shown(target.table->target, 60), never);
  std::map<std::int64_t, std::int64_t> taken_for;
  for (std::size_t i = 0; i < target.label.size(); ++i) {
    if (std::size_t(target.label[i]) == worst && target.guess[i] != target.label[i]) ++taken_for[target.guess[i]];
  }
  std::string text = fmt::format("{}: the worst class is {} with F1 {:.3f}", shown(target.table->target, 60),
                                 class_text(*target.table, std::int64_t(worst)), f1[worst].value);
  const auto most = std::max_element(taken_for.begin(), taken_for.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == taken_for.end()) return text + ".";
  return text + fmt::format("; of its {}, {} taken for {}.", counted(rows[worst], "row"),
                            most->second == 1 ? "1 is" : fmt::format("{} are", grouped(std::size_t(most->second))),
                            class_text(*target.table, most->first));
}

std::string coverage_text(const ReportData& data) {
  return fmt::format("Each of the {} has one out-of-fold prediction per model{}.",
                     counted(std::int64_t(data.plan().ids.size()), "labelled train row"),
                     data.plan().repeats > 1 ? " and repeat" : "");
}

void add_scores(const ReportData& data, Json& section) {
  const std::string unit = resampled_unit(data.plan()), name = data.source.score();
  PageTable table{
      .caption = fmt::format("Scores of the ensemble: {}, {} of {}", name,
                             counted(std::int64_t(data.plan().ids.size()), "labelled row"),
                             counted(data.groups.count(), unit)),
      .head = {"target", "out of fold", "95 % interval", "± over folds", "held-out", "gap", "accuracy", "log-loss"}};
  for (const JudgedTarget& target : data.targets) table.rows.push_back(score_row(data, target));
  add_block(section, table_block(table));
  add_block(section,
            paragraph(fmt::format(
                "Out of fold: each row is predicted by networks that did not train on its fold. The interval holds "
                "95 % of the scores on resampled {}s. Held-out: rows of the split test. Gap: held-out less out-of-fold "
                "score; red if the held-out score "
                "lies outside the interval.",
                unit)));
  add_block(section, paragraph(coverage_text(data)));
  for (const JudgedTarget& target : data.targets) add_block(section, paragraph(worst_class(target)));
}

// Groups that a fold plan divides.
std::int64_t divided_groups(const FoldPlan& plan) {
  std::int64_t divided = 0;
  for (const std::vector<int>& fold_of : plan.fold_of) {
    std::map<std::string, int> first;
    std::set<std::string> bad;
    for (std::size_t row = 0; row < fold_of.size(); ++row) {
      if (first.emplace(plan.groups[row], fold_of[row]).first->second != fold_of[row]) bad.insert(plan.groups[row]);
    }
    divided += static_cast<std::int64_t>(bad.size());
  }
  return divided;
}

// None if there are no test rows.
std::optional<std::vector<TableCell>> leak_row(const JudgedTarget& target) {
  const Json leak = part_of(target.summary, "leak_meter");
  const auto value = number_in(leak, "value"), low = number_in(leak, "low"), high = number_in(leak, "high");
  if (!value || !low || !high) return std::nullopt;
  constexpr double kWide = 0.2;
  const bool wide = *high - *low > kWide;
  const char* verdict = *low > 0 ? "out-of-fold scores are too high; labels leak, or new groups differ"
                        : wide   ? "no sign of a leak, but the interval is wide"
                                 : "no sign of a leak";
  return std::vector<TableCell>{
      {"leak meter, " + shown(target.table->target, 60)},
      {fmt::format("{:+.3f} [{:+.3f}, {:+.3f}]: {}", *value, *low, *high, verdict), *low > 0 ? "bad"
                                                                                    : wide   ? ""
                                                                                             : "good"}};
}

void add_checks(const ReportData& data, Json& section) {
  PageTable table{.caption = "Checks", .head = {"check", "result"}};
  if (resampled_unit(data.plan()) == "group") {
    const std::int64_t divided = divided_groups(data.plan());
    if (divided > 0)
      table.rows.push_back(
          {{"groups"},
           {fmt::format("Folds divide {}; give all rows of a group one fold.", counted(divided, "group")), "bad"}});
    else
      table.rows.push_back(
          {{"groups"},
           {fmt::format("None of the {} is divided among folds.", counted(data.groups.count(), "group")), "good"}});
  } else {
    table.rows.push_back(
        {{"groups"},
         {"data.group is not set: if several rows show one object, they may be in different folds.", "mute"}});
  }
  bool measured = false;
  for (const JudgedTarget& target : data.targets) {
    const auto row = leak_row(target);
    if (row) table.rows.push_back(*row);
    measured = measured || row;
  }
  const Json promise = part_of(data.source.summary, "promise");
  if (promise.is_string()) table.rows.push_back({{"reproducibility"}, {promise.get<std::string>()}});
  add_block(section, table_block(table));
  if (!measured) return;
  add_block(
      section,
      paragraph("Leak meter: the out-of-fold score less the held-out score (test rows), both of one fold's "
                "networks, with its 95 % interval. If it lies above 0, labels have reached networks that should not "
                "know them, or the test rows are harder."));
}

void add_facts(const ReportData& data, Json& section) {
  const ReportSource& source = data.source;
  PageTable table{.caption = "", .head = {"fact", "value"}, .folded = "Command, data and versions"};
  const auto fact = [&](const char* name, const std::string& value) {
    if (!value.empty()) table.rows.push_back({{name}, {value}});
  };
  fact("folder", shown(source.folder.string()));
  fact("command", shown(source.command, 1000));
  fact("last start", shown(source.started, 40));
  if (source.record) {
    const RunRecord& record = *source.record;
    fact("crops", fmt::format("{}; {}, {} × {} pixels; hash {}", shown(record.data.crops),
                              counted(std::int64_t(record.data.rows), "row"), record.data.shape.width,
                              record.data.shape.height, record.data.hash.substr(0, 16)));
    fact("build", record.build);
    fact("layout", fmt::format("{}, {} with {}", counted(record.layout.ranks, "rank"),
                               counted(record.layout.slots, "slot"), counted(record.layout.shards, "shard")));
    fact("device", fmt::format("{}, {}, {}; {}", record.device, counted(record.threads, "thread"), record.precision,
                               record.computed_by.cpu));
  }
  if (const auto seconds = number_in(source.summary, "wall_seconds")) fact("time", duration_text(*seconds));
  const auto speed = number_in(source.summary, "train_images_per_second");
  if (speed && *speed > 0) fact("speed", decimals(speed, 0) + " training images/s");
  if (data.source.oof)
    fact("folds", counted(data.plan().k, "fold") +
                      (data.plan().repeats > 1 ? ", " + counted(data.plan().repeats, "repeat") : ""));
  add_block(section, table_block(table));
  constexpr std::size_t kMostConfig = 60'000;  // bytes
  std::string config = to_yaml(source.config).substr(0, kMostConfig);
  config.resize(utf8_prefix(config));  // no half letter
  if (!source.config.map.empty())
    add_block(section, {{"preformatted", {{"text", config}}}, {"fold_text", "The config with all defaults"}});
}

}  // namespace

Json verdict_view(const ReportData& data) {
  Json section = page_section("verdict", "Verdict");
  for (const std::string& sentence : data.source.missing) add_block(section, warning(sentence));
  if (!data.targets.empty()) {
    add_scores(data, section);
    add_checks(data, section);
  }
  if (data.source.summary.is_object()) {
    for (const Json& note : data.source.summary.value("notes", Json::array()))
      if (note.is_string()) add_block(section, warning(note.get<std::string>()));
  }
  add_facts(data, section);
  return section;
}

}  // namespace pleat
