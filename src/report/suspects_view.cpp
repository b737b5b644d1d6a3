#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/utf8.h"
#include "base/wording.h"
#include "ensemble/audit.h"
#include "report/page_blocks.h"
#include "report/samples.h"
#include "report/views.h"

namespace pleat {
namespace {

constexpr std::size_t kMostShown = 60;       // of a target: groups and rows each
constexpr std::size_t kMostGroupPhotos = 7;  // of a suspect group
constexpr double kAlbumShare = 0.85;         // with the section before

struct Suspect {
  std::string id, group;  // of a group: id is empty
  std::int64_t given = 0, suggested = 0;
  double confidence = 0;
  std::string evidence;
  std::vector<std::int64_t> rows;
};

// False if the page cuts a class's name, so that a choice among them would not be a label.
bool names_are_whole(const OofTable& table) {
  for (std::size_t c = 0; c < table.classes.size(); ++c)
    if (class_text(table, std::int64_t(c)) != table.classes[c]) return false;
  return true;
}

// The script writes these values into the CSV, so ids are whole.
Json card_of(ReportData& data, const JudgedTarget& target, std::size_t number, const Suspect& suspect) {
  Json pictures = Json::array(), ids = Json::array();
  for (const std::int64_t row : suspect.rows) {
    ids.push_back(data.id(row));
    if (pictures.size() >= kMostGroupPhotos) continue;
    if (const int photo = data.album.add(data.id(row), kAlbumShare); photo >= 0)
      pictures.push_back({{"picture", photo}});
  }
  const bool group = suspect.id.empty();
  const std::string name = shown(group ? suspect.group : suspect.id, 160);
  Json& suspects = data.scripted["suspects"];
  const std::size_t place = suspects.size();
  suspects.push_back({{"target", target.table->target},
                      {"number", number},
                      {"menu", target.table->classes.size() <= 100 && names_are_whole(*target.table)},
                      {"ids", ids},
                      {"group", suspect.group},
                      {"given", target.table->classes[std::size_t(suspect.given)]},
                      {"suggested", target.table->classes[std::size_t(suspect.suggested)]},
                      {"confidence", fmt::format("{:.6f}", suspect.confidence)},
                      {"kind", group ? "group" : "row"},
                      {"evidence", suspect.evidence}});
  return {{"place", place},
          {"name", name},
          {"pictures", pictures},
          {"given", class_text(*target.table, suspect.given)},
          {"suggested", class_text(*target.table, suspect.suggested)},
          {"evidence", suspect.evidence}};
}

void add_cards(ReportData& data, std::size_t number, const std::vector<Suspect>& suspects, const std::string& title,
               Json& section) {
  if (suspects.empty()) return;
  Json cards = Json::array();
  for (const Suspect& suspect : suspects) cards.push_back(card_of(data, data.targets[number], number, suspect));
  add_block(section, {{"suspects", {{"title", title}, {"cards", cards}}}});
}

std::string title_of(const char* what, std::size_t shown_number, std::size_t found, std::int64_t all,
                     const char* noun) {
  return fmt::format(
      "{}: {} of {}{}", what, grouped(found), counted(all, noun),
      shown_number < found ? fmt::format("; the first {} are shown, pleat audit RUN lists all", shown_number) : "");
}

std::set<std::int64_t> rows_of(const std::vector<GroupIssue>& issues) {
  std::set<std::int64_t> rows;
  for (const GroupIssue& issue : issues) rows.insert(issue.rows.begin(), issue.rows.end());
  return rows;
}

// Labels are seldom wrong more often than this; then the networks are.
void warn_of_many(const JudgedTarget& target, const TargetAudit& audit, Json& section) {
  constexpr double kMany = 0.05;
  const double share = static_cast<double>(audit.rows.size()) / static_cast<double>(target.label.size());
  if (share <= kMany) return;
  add_block(section,
            warning(fmt::format(
                "{:.0f} % of the rows are suspect. Labels are seldom wrong that often: most of these are errors of "
                "the networks.",
                100 * share)));
}

void add_target(ReportData& data, std::size_t number, Json& section) {
  const JudgedTarget& target = data.targets[number];
  const TargetAudit audit = audit_target(*target.table, data.plan());
  add_block(section, heading(shown(target.table->target, 60)));
  warn_of_many(target, audit, section);
  std::vector<Suspect> groups, rows;
  for (const GroupIssue& issue : audit.group_issues) {
    if (groups.size() == kMostShown) break;
    groups.push_back({.group = issue.group,
                      .given = issue.given,
                      .suggested = issue.suggested,
                      .confidence = issue.confidence,
                      .evidence = fmt::format("{} of {} look like {} by themselves; pooled, {} has probability {:.3f}",
                                              issue.rows_of_suggested, counted(std::int64_t(issue.rows.size()), "row"),
                                              class_text(*target.table, issue.suggested),
                                              class_text(*target.table, issue.given), issue.confidence),
                      .rows = issue.rows});
  }
  const std::set<std::int64_t> in_groups = rows_of(audit.group_issues);
  for (const LabelIssue& issue : audit.rows) {
    if (rows.size() == kMostShown) break;
    if (in_groups.contains(issue.row)) continue;  // marked with its group
    rows.push_back(
        {.id = data.id(issue.row),
         .group = data.plan().groups[std::size_t(issue.row)],
         .given = target.label[std::size_t(issue.row)],
         .suggested = issue.suggested,
         .confidence = issue.confidence,
         .evidence = fmt::format("{} has probability {:.3f}, {} {:.3f}", class_text(*target.table, issue.suggested),
                                 probability(*target.table, issue.row, issue.suggested),
                                 class_text(*target.table, target.label[std::size_t(issue.row)]), issue.confidence),
         .rows = {issue.row}});
  }
  if (audit.by_group)
    add_cards(data, number, groups,
              title_of("Labels of groups", groups.size(), audit.group_issues.size(), audit.groups, "group"), section);
  add_cards(data, number, rows,
            title_of("Labels of rows", rows.size(), audit.rows.size(), target.table->labels.numel(), "row"), section);
  if (groups.empty() && rows.empty()) add_block(section, paragraph("No label is suspect."));
}

}  // namespace

Json suspects_view(ReportData& data) {
  Json section = page_section("suspects", "Suspect labels");
  if (data.targets.empty()) return section;
  data.scripted["suspects"] = Json::array();
  add_block(
      section,
      hint("Labels contradicted by networks that did not train on the row, the least probable first. Look "
           "at the photo, mark it, and export the marks. The next run learns without the dropped labels, and with "
           "the fixed ones: pleat train my.yaml --set train.labels.drop=label_marks.csv --set "
           "train.labels.relabel=label_marks.csv --run runs/next"));
  for (std::size_t t = 0; t < data.targets.size(); ++t)
    if (!data.targets[t].joint) add_target(data, t, section);
  add_block(section, {{"export", {{"file", "label_marks.csv"}}}});
  return section;
}

}  // namespace pleat
