#include "ensemble/row_groups.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace pleat {

RowGroups group_rows(const std::vector<std::int64_t>& group_of) {
  const std::int64_t most = group_of.empty() ? -1 : *std::max_element(group_of.begin(), group_of.end());
  std::vector<std::int64_t> place(std::size_t(most + 1), -1);  // of each group, in order of first rows
  RowGroups groups{.begin = {0}};
  for (const std::int64_t group : group_of) {
    std::int64_t& mine = place[std::size_t(group)];
    if (mine < 0) {
      mine = groups.count();
      groups.begin.push_back(0);
    }
    ++groups.begin[std::size_t(mine + 1)];
  }
  for (std::size_t g = 1; g < groups.begin.size(); ++g) groups.begin[g] += groups.begin[g - 1];
  std::vector<std::int64_t> next(groups.begin.begin(), groups.begin.end() - 1);
  groups.rows.resize(group_of.size());
  for (std::size_t row = 0; row < group_of.size(); ++row)
    groups.rows[std::size_t(next[std::size_t(place[std::size_t(group_of[row])])]++)] = static_cast<std::int64_t>(row);
  return groups;
}

RowGroups group_rows(const std::vector<std::string>& group_of) {
  std::unordered_map<std::string_view, std::int64_t> number_of;
  std::vector<std::int64_t> numbers;
  for (const std::string& name : group_of)
    numbers.push_back(number_of.emplace(name, static_cast<std::int64_t>(number_of.size())).first->second);
  return group_rows(numbers);
}

}  // namespace pleat
