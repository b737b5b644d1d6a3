// The groups of some rows (a person's photos, say).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pleat {

/// Rows by group. Group g has the rows rows[begin[g]] … rows[begin[g + 1] - 1], ascending.
struct RowGroups {
  std::vector<std::int64_t> rows, begin;

  std::int64_t count() const { return static_cast<std::int64_t>(begin.size()) - 1; }
  std::int64_t size(std::int64_t group) const { return begin[std::size_t(group + 1)] - begin[std::size_t(group)]; }
  const std::int64_t* first(std::int64_t group) const { return rows.data() + begin[std::size_t(group)]; }
};

/// Groups the rows 0…N-1. Groups come in the order of their first rows.
///   group_of: one per row, in [0, any)
RowGroups group_rows(const std::vector<std::int64_t>& group_of);
/// The same for groups with names, such as FoldPlan::groups.
RowGroups group_rows(const std::vector<std::string>& group_of);

}  // namespace pleat
