// Suggests a config for a crops file, for pleat init.
#pragma once

#include <string>

#include "data/crop_file.h"

namespace pleat {

/// Returns a commented config that trains on the file as it is: one target, the group column if the file has one by a
/// usual name, and as many folds as the smallest class and the groups allow, up to five. Other possible targets and
/// groups are comments. A column is a target if each train row has a value, and there are 2 to 32 different ones with
/// two rows each; a column of more numbers gets edges that make classes of similar size.
///   path: of the file, as it stands in the config
/// Throws: DataError that gives the reason for each column if no column can be a target, or if there are no train rows.
std::string first_config(const CropFile& crops, const std::string& path);

}  // namespace pleat
