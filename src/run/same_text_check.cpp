#include "run/same_text_check.h"

#include <initializer_list>
#include <string_view>

#include "base/error.h"
#include "base/log.h"
#include "base/same_text.h"
#include "base/wording.h"

namespace pleat {

namespace {

std::vector<std::string_view> values_of(const std::vector<std::string>& column,
                                        std::initializer_list<const std::vector<std::int64_t>*> splits) {
  std::vector<std::string_view> values;
  for (const std::vector<std::int64_t>* rows : splits) {
    for (const std::int64_t row : *rows) values.push_back(column[std::size_t(row)]);
  }
  return values;
}

}  // namespace

void check_alike_groups(const RunConfig& config, const Dataset& dataset) {
  if (config.data.group.empty() || config.data.same_text == "strict") return;
  const std::vector<std::string>& column = dataset.crops.table().column(config.data.group, "data.group");
  const auto alike = alike_values(values_of(column, {&dataset.train}));
  if (alike.empty()) return;
  throw DataError(
      "{}: {} in column {} (data.group) {} with another spelling, such as {}: rows of one group could be on both sides "
      "of a fold; give each group one spelling in the table and prepare it again, or set data.same_text: strict if "
      "they are different groups",
      dataset.crops.path().string(), counted(std::int64_t(alike.size()), "group"), config.data.group,
      alike.size() == 1 ? "occurs" : "occur", quoted_pair(alike.front()));
}

void warn_of_alike_test_groups(const RunConfig& config, const Dataset& dataset) {
  if (config.data.group.empty() || config.data.same_text == "strict") return;
  const std::vector<std::string>& column = dataset.crops.table().column(config.data.group);
  const auto alike = alike_values(values_of(column, {&dataset.train, &dataset.test}));
  if (alike.empty()) return;
  spdlog::warn(
      "{}: {} in column {} (data.group) {} with another spelling in train and test rows, such as {}: if they are one "
      "group, the held-out test scores will be too good; give all rows of a group one spelling and one split "
      "(data.same_text: strict silences this)",
      dataset.crops.path().string(), counted(std::int64_t(alike.size()), "group"), config.data.group,
      alike.size() == 1 ? "occurs" : "occur", quoted_pair(alike.front()));
}

void warn_of_alike_classes(const RunConfig& config, const Dataset& dataset) {
  if (config.data.same_text == "strict") return;
  for (std::size_t t = 0; t < dataset.targets.own(); ++t) {
    const Target& target = dataset.targets.targets[t];
    if (target.numeric()) continue;
    for (const std::vector<std::string>& alike : alike_values({target.classes.begin(), target.classes.end()})) {
      spdlog::warn(
          "target {}: the classes {} read alike but are separate classes; if they are one, give it one spelling in the "
          "table and prepare it again (data.same_text: strict silences this)",
          target.name, quoted_pair(alike));
    }
  }
}

}  // namespace pleat
