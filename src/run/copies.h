// Copies of one photo in a data set (data.duplicates): what a run does with them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/duplicates.h"
#include "run/dataset.h"

namespace pleat {

/// The search for copies. Crops of more than 1 GiB are searched for exact copies only.
///   rows: ascending; threads: for the search
/// Throws: StopRequested
Duplicates search_copies(const CropFile& crops, const std::vector<std::size_t>& rows, int threads);

/// All sets of copies among the rows with a picture, whatever their split.
/// Throws: StopRequested
CopySets find_copies(const CropFile& crops, int threads);

/// Applies data.duplicates to a data set with groups and labels.
///   together: copies in train rows join their groups, so that no fold divides them
///   drop: of copies in train rows the first one stays; none stays if a target's labels differ, or if a test row shows
///   the photo
/// Both leave out unlabelled rows that are copies of a train or test row.
void apply_duplicates(const RunConfig& config, const CopySets& copies, Dataset& dataset);

/// The effect of data.duplicates in words. Empty for warn.
std::string copies_text(const RunConfig& config, const Dataset& dataset);

}  // namespace pleat
