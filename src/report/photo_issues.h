// Photos that are no wrong labels but deserve a look: copies with different labels, ambiguous photos, outliers.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "ensemble/oof_table.h"
#include "report/audit_table.h"

namespace pleat {

/// Rows whose two most probable classes differ by less than 0.1, the smallest difference first; at most 100. Rows in
/// `suspect` are left out.
std::vector<AuditLine> ambiguous_rows(const OofTable& table, const FoldPlan& plan,
                                      const std::set<std::int64_t>& suspect);

/// Rows that show the photo of a row with another label, by the list that pleat prepare wrote beside the crops; none if
/// there is no list.
/// Throws: DataError if the list is damaged.
std::vector<AuditLine> contradicting_copies(const OofTable& table, const FoldPlan& plan, const CropFile& crops);

/// Crops that differ from the others as pictures (find_odd_crops); at most 100. They belong to no target.
std::vector<AuditLine> outliers(const FoldPlan& plan, const CropFile& crops);

}  // namespace pleat
