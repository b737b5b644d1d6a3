// Rows that a report shows, for its script.
#pragma once

#include <cstdint>

#include "report/report_data.h"

namespace pleat {

/// Adds the row to scripted["samples"] and returns its place there; -1 if there are enough samples.
///   target: place in ReportData::targets
///   share: of the album's space, as PhotoAlbum::add
int add_sample(ReportData& data, std::size_t target, std::int64_t row, double share);

/// Class names, cut.
Json class_names(const OofTable& table);

}  // namespace pleat
