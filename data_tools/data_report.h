// What a crops file holds, and what is odd about it: classes and groups per split, and photos that are there twice.
#pragma once

#include <string>
#include <vector>

#include "base/fields.h"  // Json
#include "data/crop_file.h"
#include "data_tools/duplicates.h"

namespace pleat {

constexpr std::size_t kFewValues = 32;  // columns with more distinct values are not classes

/// The column of what must not be on both sides of a fold: `group`, else `person`, as pleat person-folders calls it;
/// null if there is neither.
const std::vector<std::string>* group_column(const SampleTable& table);

/// Columns that look like classes: few values, and none of id, path, split and the group column.
std::vector<std::string> class_columns(const SampleTable& table);

/// data_report.json; see docs/formats.md.
Json data_report(const CropFile& crops, const Duplicates& duplicates);

/// What of a report a reader must not miss, one line each: copies on both sides of a split or of a group, or with
/// different labels, with some of their ids.
std::vector<std::string> report_warnings(const Json& report);

}  // namespace pleat
