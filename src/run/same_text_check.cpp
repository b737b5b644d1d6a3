#include "run/same_text_check.h"

#include "base/error.h"
#include "base/log.h"
#include "base/same_text.h"
#include "base/wording.h"

namespace pleat {

void check_alike_groups(const RunConfig& config, const Dataset& dataset) {
  if (config.data.group.empty() || config.data.same_text == "strict") return;
  const std::vector<std::string>& column = dataset.crops.table().column(config.data.group, "data.group");
  std::vector<std::string> groups;
  for (const auto* rows : {&dataset.train, &dataset.unlabelled, &dataset.test}) {
    for (const std::int64_t row : *rows) groups.push_back(column[std::size_t(row)]);
  }
  const auto alike = alike_values(groups);
  if (alike.empty()) return;
  throw DataError(
      "{}: {} in column {} (data.group) {} with another spelling, such as {}: rows of one group could be on both sides "
      "of a fold; give each group one spelling in the table and prepare it again, or set data.same_text: strict if "
      "they are different groups",
      dataset.crops.path().string(), counted(std::int64_t(alike.size()), "group"), config.data.group,
      alike.size() == 1 ? "occurs" : "occur", quoted_pair(alike.front()));
}

void warn_of_alike_classes(const RunConfig& config, const Dataset& dataset) {
  if (config.data.same_text == "strict") return;
  for (std::size_t t = 0; t < dataset.targets.own(); ++t) {
    const Target& target = dataset.targets.targets[t];
    if (target.numeric()) continue;
    for (const std::vector<std::string>& alike : alike_values(target.classes)) {
      spdlog::warn(
          "target {}: the classes {} read alike but are separate classes; if they are one, give it one spelling in the "
          "table and prepare it again (data.same_text: strict silences this)",
          target.name, quoted_pair(alike));
    }
  }
}

}  // namespace pleat
