#include "report/audit_run.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/run_log.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "ensemble/audit.h"
#include "report/audit_table.h"
#include "report/joint_targets.h"
#include "report/photo_album.h"
#include "report/photo_issues.h"
#include "report/report_data.h"
#include "report/run_result.h"
#include "run/run_paths.h"
#include "run/run_record.h"
#include "target/metrics.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kListed = 10;  // on the terminal, of each target and kind

const std::string& class_of(const OofTable& table, std::int64_t code) {
  return table.classes[static_cast<std::size_t>(code)];
}

std::string group_evidence(const GroupIssue& issue, const OofTable& table) {
  return fmt::format("{} of {} are {} by themselves", issue.rows_of_suggested,
                     counted(std::int64_t(issue.rows.size()), "row"), class_of(table, issue.suggested));
}

std::string row_evidence(const LabelIssue& issue, const OofTable& table) {
  return fmt::format("{} has probability {:.3f}", class_of(table, issue.suggested),
                     probability(table, issue.row, issue.suggested));
}

// The lines of wrong labels: first of groups, then of rows.
std::vector<AuditLine> lines_of(const OofTable& table, const FoldPlan& plan, const TargetAudit& audit) {
  std::vector<AuditLine> lines;
  const auto add = [&](std::int64_t row, const LabelIssue& issue, std::int64_t given, const char* kind,
                       const std::string& evidence) {
    const auto place = static_cast<std::size_t>(row);
    lines.push_back({.target = table.target,
                     .id = plan.ids[place],
                     .group = plan.groups[place],
                     .given = class_of(table, given),
                     .suggested = class_of(table, issue.suggested),
                     .confidence = issue.confidence,
                     .kind = kind,
                     .evidence = evidence,
                     .path = ""});
  };
  for (const GroupIssue& issue : audit.group_issues) {
    for (const std::int64_t row : issue.rows)
      add(row, {row, issue.suggested, issue.confidence}, issue.given, "group", group_evidence(issue, table));
  }
  for (const LabelIssue& issue : audit.rows)
    add(issue.row, issue, table.labels.const_data_ptr<std::int64_t>()[issue.row], "row", row_evidence(issue, table));
  return lines;
}

std::set<std::int64_t> suspect_rows(const TargetAudit& audit) {
  std::set<std::int64_t> rows;
  for (const GroupIssue& issue : audit.group_issues) rows.insert(issue.rows.begin(), issue.rows.end());
  for (const LabelIssue& issue : audit.rows) rows.insert(issue.row);
  return rows;
}

void append(std::vector<AuditLine>& to, std::vector<AuditLine> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

void add_paths(std::vector<AuditLine>& lines, const PhotoAlbum& album) {
  const std::vector<std::string>* paths = album.crops() == nullptr ? nullptr : album.crops()->table().find("path");
  if (paths == nullptr) return;
  for (AuditLine& line : lines)
    if (const auto row = album.row_of(line.id)) line.path = (*paths)[*row];
}

std::string kinds_text(const std::vector<AuditLine>& lines) {
  const auto count = [&](const char* kind) {
    return std::count_if(lines.begin(), lines.end(), [kind](const AuditLine& line) { return line.kind == kind; });
  };
  return fmt::format("\nother photos to look at: {}, {}, {}\n",
                     counted(count("copy"), "copied row") + " with another label",
                     counted(count("ambiguous"), "ambiguous row"), counted(count("outlier"), "outlier"));
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
  fs::path sheet = out;
  sheet.replace_extension(".png");
  require_replaceable(out, kAuditStart, "label issues", {}, "--out");
  require_replaceable(sheet, "\x89PNG", "PNG picture", {}, "--out");
  const auto record = find_run_record(RunPaths{run.folder});
  const PhotoAlbum album(record ? &*record : nullptr, run.folder, request.crops);
  const std::set<std::string> joint = joint_targets_of(run);
  std::vector<AuditLine> lines;
  std::string text;
  for (const OofTable& table : run.oof.tables) {
    if (joint.contains(table.target)) continue;
    const TargetAudit audit = audit_target(table, run.oof.plan);
    append(lines, lines_of(table, run.oof.plan, audit));
    if (album.crops() != nullptr) append(lines, contradicting_copies(table, run.oof.plan, *album.crops()));
    append(lines, ambiguous_rows(table, run.oof.plan, suspect_rows(audit)));
    warn_of_many(table, audit);
    text += fmt::format("\n{}\n", shown(table.target, 60));
    if (audit.by_group) text += listed_groups(table, audit);
    text += listed_rows(table, run.oof.plan, audit);
  }
  if (album.crops() != nullptr) append(lines, outliers(run.oof.plan, *album.crops()));
  add_paths(lines, album);
  write_file(out, audit_csv(lines));
  std::error_code ignored;
  fs::remove(sheet, ignored);  // of an earlier audit
  const bool pictured = album.crops() != nullptr && write_audit_sheet(sheet, lines, *album.crops());
  print_result(text + kinds_text(lines));
  if (!album.missing().empty()) spdlog::warn("{}", album.missing());
  spdlog::info("wrote {} (all lines){}", out.string(), pictured ? fmt::format(" and {} (photos)", sheet.string()) : "");
}

}  // namespace pleat
