#include "run/report_rows.h"

#include <set>
#include <string_view>

#include "base/log.h"
#include "base/utf8.h"
#include "cluster/host.h"
#include "run/copies.h"
#include "run/copies_check.h"
#include "run/same_text_check.h"

namespace pleat {
namespace {

// Warns of classes without a train row: only listed in the config, or dropped by data.limit.
void warn_of_absent_classes(const RunConfig& config, const Dataset& dataset) {
  for (std::size_t t = 0; t < dataset.targets.own(); ++t) {  // a combination without rows is normal
    const Target& target = dataset.targets.targets[t];
    std::vector<bool> seen(target.classes.size(), false);
    for (const std::int64_t row : dataset.train) seen[std::size_t(dataset.labels[t].classes[std::size_t(row)])] = true;
    for (std::size_t c = 0; c < seen.size(); ++c) {
      if (seen[c]) continue;
      spdlog::warn("target {}: no train row{} has the class '{}', so no model can learn it", target.name,
                   config.data.limit ? " that data.limit left" : "", shown(target.classes[c]));
    }
  }
}

// Such held-out scores measure known people, not new ones.
void warn_of_shared_groups(const RunConfig& config, const Dataset& dataset) {
  if (config.data.group.empty()) return;
  const std::vector<std::string>& groups = dataset.crops.table().column(config.data.group);
  std::set<std::string_view> trained, shared;
  for (const std::int64_t row : dataset.train) trained.insert(groups[std::size_t(row)]);
  for (const std::int64_t row : dataset.test) {
    if (trained.contains(groups[std::size_t(row)])) shared.insert(groups[std::size_t(row)]);
  }
  if (shared.empty()) return;
  spdlog::warn(
      "{}: {} of the groups in column {} (data.group), such as '{}', are in train rows and in test rows: the models "
      "know them, so the held-out test scores will be too good; give all rows of a group one split",
      dataset.crops.path().string(), shared.size(), config.data.group, shown(*shared.begin()));
}

}  // namespace

void report_rows(const RunConfig& config, const Dataset& dataset) {
  if (dataset.train.size() < dataset.all_train.size()) {
    spdlog::info("data.limit: using {} of {} train rows{}", dataset.train.size(), dataset.all_train.size(),
                 config.data.rest == "unlabelled" ? "; the others count as unlabelled" : "");
  }
  warn_of_absent_classes(config, dataset);
  warn_of_alike_classes(config, dataset);
  warn_of_alike_test_groups(config, dataset);
  warn_of_shared_groups(config, dataset);
  if (const std::string text = copies_text(config, dataset); !text.empty()) spdlog::info("{}", text);
  for (const std::string& line : separable_copies(config, dataset, usable_cores())) spdlog::warn("{}", line);
}

}  // namespace pleat
