#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"
#include "base/wording.h"
#include "report/json_values.h"
#include "report/page_blocks.h"
#include "report/views.h"

namespace pleat {
namespace {

std::vector<TableCell> row_of(const std::string& name, const Json& scores, const std::string& weight,
                              const std::string& rows) {
  return {{name},
          {rows},
          {decimals(number_in(scores, "accuracy"), 4)},
          {decimals(number_in(scores, "macro_f1"), 4)},
          {decimals(number_in(scores, "log_loss"), 4)},
          {weight}};
}

// The model's weight in the ensemble; empty if it has none.
std::string weight_of(const Json& ensemble, const std::string& model) {
  const auto weight = number_in(part_of(ensemble, "weights"), model.c_str());
  return weight ? decimals(weight, 3) : "";
}

// The scores of always guessing the most frequent class.
std::vector<TableCell> majority_row(const JudgedTarget& target) {
  std::vector<std::int64_t> rows(target.table->classes.size());
  for (const std::int64_t label : target.label) ++rows[std::size_t(label)];
  const auto most = std::max_element(rows.begin(), rows.end());
  const auto seen = rows.size() - static_cast<std::size_t>(std::count(rows.begin(), rows.end(), 0));
  const double share = static_cast<double>(*most) / static_cast<double>(target.label.size());
  return {{fmt::format("always {}", class_text(*target.table, most - rows.begin()))},
          {"out of fold"},
          {fmt::format("{:.4f}", share)},
          {fmt::format("{:.4f}", 2 * share / (1 + share) / static_cast<double>(seen))},
          {"–"},
          {""}};
}

void add_target(const JudgedTarget& target, Json& section) {
  const Json& summary = target.summary;
  if (!summary.is_object()) return;
  const Json ensemble = summary.value("ensemble", Json());
  const Json named = part_of(ensemble, "method");
  const std::string method = named.is_string() ? named.get<std::string>() : target.joint ? "derived" : "";
  PageTable table{.caption = shown(target.table->target, 60),
                  .head = {"", "rows", "accuracy", "macro F1", "log-loss", "weight"}};
  table.rows.push_back(row_of("ensemble" + (method.empty() ? "" : " (" + method + ")"), summary.value("oof", Json()),
                              "", "out of fold"));
  const Json models = summary.value("models", Json::object());
  const bool several = models.size() > 1;
  if (several && ensemble.is_object()) {
    table.rows.push_back(
        row_of("ensemble, fitted to the rows it is scored on", ensemble.value("in_sample", Json()), "", "out of fold"));
  }
  if (summary.value("test", Json()).is_object())
    table.rows.push_back(row_of("ensemble", summary["test"], "", "held-out"));
  for (const auto& [model, scores] : models.items()) {
    if (!several) break;
    table.rows.push_back(row_of("model " + shown(model, 60), scores, weight_of(ensemble, model), "out of fold"));
    if (scores.is_object() && scores.value("test", Json()).is_object())
      table.rows.push_back(row_of("model " + shown(model, 60), scores["test"], "", "held-out"));
  }
  Json folds = summary.value("folds", Json::array());
  if (!folds.is_array()) folds = Json::array();
  constexpr std::size_t kFoldsShown = 40;
  for (std::size_t f = 0; f < std::min(kFoldsShown, folds.size()); ++f)
    table.rows.push_back(row_of(fmt::format("fold {}", f), folds[f], "", "out of fold"));
  table.rows.push_back(majority_row(target));
  if (!several) table.head.pop_back();
  for (auto& row : table.rows) row.resize(table.head.size());
  add_block(section, table_block(table));
  if (folds.size() > kFoldsShown)
    add_block(section, paragraph(fmt::format("The first {} of {} folds.", kFoldsShown, folds.size())));
}

std::string job_name(const TrainedJob& job, bool rounds) {
  return fmt::format("{}{}, {}, {}", rounds ? fmt::format("round {}, ", job.round) : "", shown(job.unit, 40),
                     shown(job.model, 40), job.fold);
}

void add_jobs(const ReportData& data, Json& section) {
  constexpr std::size_t kMostJobs = 200;
  const auto& jobs = data.source.jobs;
  if (jobs.empty()) return;
  bool rounds = false;
  for (const TrainedJob& job : jobs) rounds = rounds || job.round > 0;
  PageTable table{.head = {"network", "epochs", "kept epoch", "rows", "last loss", "images/s", "time"},
                  .folded = fmt::format("Networks ({})", grouped(jobs.size()))};
  for (std::size_t i = 0; i < std::min(kMostJobs, jobs.size()); ++i) {
    const TrainedJob& job = jobs[i];
    const std::string loss = job.epochs.empty() ? "–" : fmt::format("{:.4f}", job.epochs.back().loss);
    const bool done = job.done.is_object();
    const auto seconds = number_in(job.done, "seconds");
    table.rows.push_back(
        {{job_name(job, rounds)},
         {done ? grouped(job.epochs.size()) : fmt::format("{}, not done", job.epochs.size()), done ? "" : "bad"},
         {decimals(number_in(job.done, "kept_epoch"), 0)},
         {decimals(number_in(job.done, "train_rows"), 0)},
         {loss},
         {decimals(number_in(job.done, "train_images_per_second"), 0)},
         {seconds ? duration_text(*seconds) : "–"}});
  }
  add_block(section, table_block(table));
  if (jobs.size() > kMostJobs)
    add_block(section, paragraph(fmt::format("The first {} of {} networks.", kMostJobs, grouped(jobs.size()))));
}

}  // namespace

Json leaderboard_view(const ReportData& data) {
  Json section = page_section("leaderboard", "Leaderboard");
  const bool several = std::any_of(data.targets.begin(), data.targets.end(), [](const JudgedTarget& target) {
    return target.summary.is_object() && target.summary.value("models", Json::object()).size() > 1;
  });
  if (several) {
    add_block(section,
              paragraph("The first line of each table is the result. With several models, it is the ensemble "
                        "with weights fitted to the other folds; a line below says how much higher it is if the "
                        "weights are fitted to the rows they are scored on."));
  }
  for (const JudgedTarget& target : data.targets) add_target(target, section);
  add_jobs(data, section);
  return section;
}

}  // namespace pleat
