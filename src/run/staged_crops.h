// A node-local copy of the crops file (cluster.stage): one per host, which all its ranks map.
#pragma once

#include <filesystem>

#include "base/ranks.h"
#include "cluster/rank_layout.h"
#include "data/crop_file.h"

namespace pleat {

/// Collective. On each host one rank copies the file to `folder`, unless the copy is there; then every rank opens it.
/// The copy's name has the crops' hash, so other crops and earlier runs never clash. A new copy's rows are all compared
/// with their CRC-32, and the hash of any copy with the original's.
/// Throws: DataError on all ranks if the copy cannot be written, or is damaged.
CropFile stage_crops(const CropFile& crops, const std::filesystem::path& folder, const RankPlace& mine,
                     const Ranks& world);

}  // namespace pleat
