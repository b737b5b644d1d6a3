// Reports the content of a crops file: classes and groups per split, and duplicate photos.
#pragma once

#include <string>
#include <vector>

#include "base/fields.h"  // Json
#include "data/crop_file.h"
#include "data/duplicates.h"

namespace pleat {

constexpr std::size_t kFewValues = 32;  // columns with more distinct values are not classes

/// Returns the group column: `group`, else `person` (of pleat person-folders); null if both are missing. Rows of one
/// group must not be on both sides of a fold.
const std::vector<std::string>* group_column(const SampleTable& table);
/// Its name; empty if there is none.
std::string group_column_name(const SampleTable& table);

/// Throws: DataError if two of its values in train rows read alike (alike_values).
///   source: the table's file, for the message
void check_alike_groups(const SampleTable& table, const std::string& source);

/// Columns that look like classes: few values, and none of id, path, split and the group column.
std::vector<std::string> class_columns(const SampleTable& table);

/// Whether two of the copies have different values, neither of them empty, in the column. False for a null column.
bool copies_differ(const Copies& copies, const std::vector<std::string>* column);

/// crops.report.json; see docs/formats.md.
Json data_report(const CropFile& crops, const Duplicates& duplicates);

/// Returns the warnings of a report, one line each: copies in two splits, in two groups, within the train rows of a
/// table without groups, or with different labels. Each names some ids.
///   list: names the file with all sets; empty: there is none
std::vector<std::string> report_warnings(const Json& report, const std::string& list = "");

}  // namespace pleat
