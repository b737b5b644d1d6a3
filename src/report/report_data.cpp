#include "report/report_data.h"

#include <ATen/ops/max.h>
#include <fmt/format.h>

#include "base/utf8.h"

namespace pleat {
namespace {

// Intervals of many groups are narrow, and take long to draw.
int resamples_for(const RowGroups& groups) { return groups.count() > 20'000 ? 300 : 1000; }

std::vector<std::int64_t> integers(const torch::Tensor& tensor) {
  const torch::Tensor flat = tensor.contiguous();
  const auto* values = flat.const_data_ptr<std::int64_t>();
  return {values, values + flat.numel()};
}

JudgedTarget judge(const ReportSource& source, const OofTable& table, const RowGroups& groups) {
  const auto [confidence, guess] = table.ensemble.max(1);
  const torch::Tensor flat = confidence.contiguous();
  const GroupBootstrap bootstrap({table.ensemble}, table.labels, groups, source.score());
  return {.table = &table,
          .joint = source.is_joint(table.target),
          .label = integers(table.labels),
          .guess = integers(guess),
          .confidence = {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()},
          .intervals = bootstrap.intervals(resamples_for(groups)),
          .summary = source.target_summary(table.target)};
}

}  // namespace

ReportData read_report_data(const std::filesystem::path& folder, const std::filesystem::path& crops) {
  ReportSource source = read_report_source(folder);
  PhotoAlbum album(source.record ? &*source.record : nullptr, source.folder, crops);
  ReportData data{.source = std::move(source), .album = std::move(album), .groups = {}, .targets = {}};
  if (!data.source.oof) return data;
  data.groups = group_rows(data.plan().groups);
  for (const OofTable& table : data.source.oof->tables) data.targets.push_back(judge(data.source, table, data.groups));
  return data;
}

std::string resampled_unit(const FoldPlan& plan) { return plan.groups == plan.ids ? "row" : "group"; }

std::string score_text(double score, const std::string& name) {
  return fmt::format("{:.4f}", name == "log_loss" ? -score : score);
}

std::string interval_text(const Interval& interval, const std::string& name) {
  const bool negated = name == "log_loss";
  return fmt::format("{} to {}", score_text(negated ? interval.high : interval.low, name),
                     score_text(negated ? interval.low : interval.high, name));
}

double probability(const OofTable& table, std::int64_t row, std::int64_t code) {
  return table.ensemble.const_data_ptr<double>()[row * table.ensemble.size(1) + code];
}

std::string class_text(const OofTable& table, std::int64_t code) {
  return shown(table.classes[static_cast<std::size_t>(code)], 80);
}

}  // namespace pleat
