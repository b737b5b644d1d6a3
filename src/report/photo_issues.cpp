#include "report/photo_issues.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/files.h"
#include "base/side_file.h"
#include "data/sample_table.h"
#include "data_tools/inspect/odd_crops.h"
#include "report/report_data.h"

namespace pleat {
namespace {

constexpr std::size_t kMostListed = 100;
constexpr double kSmallMargin = 0.1;

AuditLine line_of(const OofTable& table, const FoldPlan& plan, std::int64_t row, std::int64_t suggested,
                  const char* kind) {
  const auto place = static_cast<std::size_t>(row);
  const std::int64_t given = table.labels.const_data_ptr<std::int64_t>()[row];
  return {.target = table.target,
          .id = plan.ids[place],
          .group = plan.groups[place],
          .given = table.classes[std::size_t(given)],
          .suggested = table.classes[std::size_t(suggested)],
          .confidence = probability(table, row, given),
          .kind = kind,
          .evidence = "",
          .path = ""};
}

struct TopTwo {
  std::int64_t row = 0, first = 0, second = 0;
  double margin = 0;
};

TopTwo top_two(const double* probs, std::int64_t classes, std::int64_t row) {
  TopTwo top{.row = row, .first = 0, .second = 1};
  if (probs[1] > probs[0]) std::swap(top.first, top.second);
  for (std::int64_t c = 2; c < classes; ++c) {
    if (probs[c] > probs[top.first])
      top.second = top.first, top.first = c;
    else if (probs[c] > probs[top.second])
      top.second = c;
  }
  top.margin = probs[top.first] - probs[top.second];
  return top;
}

std::unordered_map<std::string, std::int64_t> rows_by_id(const FoldPlan& plan) {
  std::unordered_map<std::string, std::int64_t> rows;
  for (std::size_t row = 0; row < plan.ids.size(); ++row) rows.emplace(plan.ids[row], static_cast<std::int64_t>(row));
  return rows;
}

}  // namespace

std::vector<AuditLine> ambiguous_rows(const OofTable& table, const FoldPlan& plan,
                                      const std::set<std::int64_t>& suspect) {
  const std::int64_t classes = table.ensemble.size(1);
  std::vector<TopTwo> found;
  for (std::int64_t row = 0; row < table.labels.numel(); ++row) {
    const TopTwo top = top_two(table.ensemble.const_data_ptr<double>() + row * classes, classes, row);
    if (top.margin < kSmallMargin && !suspect.contains(row)) found.push_back(top);
  }
  std::stable_sort(found.begin(), found.end(), [](const TopTwo& a, const TopTwo& b) { return a.margin < b.margin; });
  found.resize(std::min(kMostListed, found.size()));
  std::vector<AuditLine> lines;
  for (const TopTwo& top : found) {
    AuditLine& line = lines.emplace_back(line_of(table, plan, top.row, top.first, "ambiguous"));
    line.evidence = fmt::format("{} {:.3f}, {} {:.3f}", table.classes[std::size_t(top.first)],
                                probability(table, top.row, top.first), table.classes[std::size_t(top.second)],
                                probability(table, top.row, top.second));
  }
  return lines;
}

std::vector<AuditLine> contradicting_copies(const OofTable& table, const FoldPlan& plan, const CropFile& crops) {
  std::vector<AuditLine> lines;
  const std::filesystem::path file = side_file(crops.path(), "duplicates.csv");
  if (!file_exists(file)) return lines;
  const SampleTable copies = read_plain_csv(file, {"set", "id"});
  const auto row_of = rows_by_id(plan);
  const auto* labels = table.labels.const_data_ptr<std::int64_t>();
  std::string set;
  std::vector<std::int64_t> rows;
  const auto close = [&] {
    for (const std::int64_t row : rows) {
      const auto other =
          std::find_if(rows.begin(), rows.end(), [&](std::int64_t each) { return labels[each] != labels[row]; });
      if (other == rows.end()) continue;
      AuditLine& line = lines.emplace_back(line_of(table, plan, row, labels[*other], "copy"));
      line.evidence =
          fmt::format("shows the photo of {}, whose label is {}", plan.ids[std::size_t(*other)], line.suggested);
    }
    rows.clear();
  };
  for (std::size_t i = 0; i < copies.rows(); ++i) {
    if (copies.column("set")[i] != set) close();
    set = copies.column("set")[i];
    if (const auto row = row_of.find(copies.column("id")[i]); row != row_of.end()) rows.push_back(row->second);
  }
  close();
  return lines;
}

std::vector<AuditLine> outliers(const FoldPlan& plan, const CropFile& crops) {
  const auto place_of = rows_by_id(plan);
  const std::vector<std::string>& ids = crops.table().column("id");
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < ids.size(); ++row)
    if (crops.valid(row) && place_of.contains(ids[row])) rows.push_back(row);
  std::vector<AuditLine> lines;
  for (const OddCrop& odd : find_odd_crops(crops, rows)) {
    if (lines.size() == kMostListed) break;
    const auto place = static_cast<std::size_t>(place_of.at(ids[odd.row]));
    lines.push_back({.target = "",
                     .id = ids[odd.row],
                     .group = plan.groups[place],
                     .given = "",
                     .suggested = "",
                     .confidence = 0,
                     .kind = "outlier",
                     .evidence = odd.reason,
                     .path = ""});
  }
  return lines;
}

}  // namespace pleat
