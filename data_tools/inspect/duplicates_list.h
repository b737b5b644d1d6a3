// Lists the copies in a crops file: all of them in a table, some of them as pictures.
#pragma once

#include <string>
#include <vector>

#include "data/crop_file.h"
#include "data/duplicates.h"
#include "data_tools/inspect/contact_sheet.h"

namespace pleat {

constexpr const char* kDuplicatesHeader = "set,id,kind,distance\n";

/// crops.duplicates.csv: a row for each crop that has copies; see docs/formats.md.
std::string duplicates_csv(const CropFile& crops, const Duplicates& duplicates);

/// Returns a line of pictures for each of up to 30 sets, numbered as in the table: those with different labels first,
/// then those in two splits or groups.
std::vector<SheetRow> duplicates_sheet(const CropFile& crops, const Duplicates& duplicates);

}  // namespace pleat
