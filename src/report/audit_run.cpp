#include "report/audit_run.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/run_log.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "data/sample_table.h"
#include "ensemble/audit.h"
#include "report/joint_targets.h"
#include "report/run_result.h"
#include "run/run_paths.h"
#include "target/metrics.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

constexpr const char* kHeader = "target,id,group,given,suggested,confidence,kind,evidence\n";
constexpr std::size_t kListed = 10;  // on the terminal, of each target and kind

const std::string& class_of(const OofTable& table, std::int64_t code) {
  return table.classes[static_cast<std::size_t>(code)];
}

double probability(const OofTable& table, std::int64_t row, std::int64_t code) {
  return table.ensemble.const_data_ptr<double>()[row * table.ensemble.size(1) + code];
}

std::string group_evidence(const GroupIssue& issue, const OofTable& table) {
  return fmt::format("{} of {} are {} by themselves", issue.rows_of_suggested,
                     counted(std::int64_t(issue.rows.size()), "row"), class_of(table, issue.suggested));
}

std::string row_evidence(const LabelIssue& issue, const OofTable& table) {
  return fmt::format("{} has probability {:.3f}", class_of(table, issue.suggested),
                     probability(table, issue.row, issue.suggested));
}

std::string csv_line(const OofTable& table, const FoldPlan& plan, std::int64_t row, const LabelIssue& issue,
                     std::int64_t given, const char* kind, const std::string& evidence) {
  const auto place = static_cast<std::size_t>(row);
  return fmt::format("{},{},{},{},{},{:.6f},{},{}\n", csv_field(table.target), csv_field(plan.ids[place]),
                     csv_field(plan.groups[place]), csv_field(class_of(table, given)),
                     csv_field(class_of(table, issue.suggested)), issue.confidence, kind, csv_field(evidence));
}

std::string csv_of(const OofTable& table, const FoldPlan& plan, const TargetAudit& audit) {
  std::string text;
  for (const GroupIssue& issue : audit.group_issues) {
    for (const std::int64_t row : issue.rows) {
      text += csv_line(table, plan, row, {row, issue.suggested, issue.confidence}, issue.given, "group",
                       group_evidence(issue, table));
    }
  }
  for (const LabelIssue& issue : audit.rows) {
    const std::int64_t given = table.labels.const_data_ptr<std::int64_t>()[issue.row];
    text += csv_line(table, plan, issue.row, issue, given, "row", row_evidence(issue, table));
  }
  return text;
}

std::string share_text(std::size_t issues, std::int64_t all, const char* noun) {
  return fmt::format("{} of {} ({:.1f} %)", grouped(issues), counted(all, noun),
                     100.0 * static_cast<double>(issues) / static_cast<double>(all));
}

std::string more_text(std::size_t issues) {
  return issues > kListed ? fmt::format("    and {} more\n", grouped(issues - kListed)) : "";
}

std::string listed_groups(const OofTable& table, const TargetAudit& audit) {
  std::string text =
      fmt::format("  suspect labels of groups: {}\n", share_text(audit.group_issues.size(), audit.groups, "group"));
  for (std::size_t i = 0; i < std::min(kListed, audit.group_issues.size()); ++i) {
    const GroupIssue& issue = audit.group_issues[i];
    text +=
        fmt::format("    {}: {}, looks like {} ({}; {} {:.3f})\n", shown(issue.group, 40),
                    shown(class_of(table, issue.given), 40), shown(class_of(table, issue.suggested), 40),
                    shown(group_evidence(issue, table), 80), shown(class_of(table, issue.given), 40), issue.confidence);
  }
  return text + more_text(audit.group_issues.size());
}

std::string listed_rows(const OofTable& table, const FoldPlan& plan, const TargetAudit& audit) {
  std::string text =
      fmt::format("  suspect labels of single rows: {}\n", share_text(audit.rows.size(), table.labels.numel(), "row"));
  for (std::size_t i = 0; i < std::min(kListed, audit.rows.size()); ++i) {
    const LabelIssue& issue = audit.rows[i];
    const std::int64_t given = table.labels.const_data_ptr<std::int64_t>()[issue.row];
    text += fmt::format("    {}: {} {:.3f}, looks like {} {:.3f}\n",
                        shown(plan.ids[static_cast<std::size_t>(issue.row)], 40), shown(class_of(table, given), 40),
                        issue.confidence, shown(class_of(table, issue.suggested), 40),
                        probability(table, issue.row, issue.suggested));
  }
  return text + more_text(audit.rows.size());
}

// The joint target's labels are those of other targets, where they can be corrected.
std::set<std::string> joint_targets_of(const RunResult& run) {
  const fs::path file = RunPaths{run.folder}.ensemble(run.round);
  try {
    return joint_targets(parse_json(read_file(file)).at("targets"));
  } catch (const Json::exception& error) {
    throw DataError("{} is damaged ({}); run pleat train again in that folder", file.string(), error.what());
  }
}

// Labels are seldom wrong more often than this; then the networks are.
void warn_of_many(const OofTable& table, const TargetAudit& audit) {
  constexpr double kMany = 0.1;
  const auto rows = static_cast<double>(table.labels.numel());
  if (static_cast<double>(audit.rows.size()) <= kMany * rows) return;
  spdlog::warn(
      "target {}: {:.0f} % of the rows are suspect, and the run's accuracy is {:.2f}: most of these labels are "
      "probably "
      "right and the networks wrong; audit a better run",
      shown(table.target, 60), 100 * static_cast<double>(audit.rows.size()) / rows,
      score(table.ensemble, table.labels).accuracy);
}

}  // namespace

void audit_run(const AuditRequest& request) {
  const RunResult run = read_result(request.run);
  const fs::path out = request.out.empty() ? run.folder / "label_issues.csv" : request.out;
  require_replaceable(out, kHeader, "label issues", {}, "--out");
  const std::set<std::string> joint = joint_targets_of(run);
  std::string csv = kHeader, text;
  for (const OofTable& table : run.oof.tables) {
    if (joint.contains(table.target)) continue;
    const TargetAudit audit = audit_target(table, run.oof.plan);
    csv += csv_of(table, run.oof.plan, audit);
    warn_of_many(table, audit);
    text += fmt::format("\n{}\n", shown(table.target, 60));
    if (audit.by_group) text += listed_groups(table, audit);
    text += listed_rows(table, run.oof.plan, audit);
  }
  write_file(out, csv);
  print_result(text);
  spdlog::info("{}: all of them", out.string());
}

}  // namespace pleat
