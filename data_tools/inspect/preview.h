// Shows photos above their crops, for viewing.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "data/crop_file.h"
#include "data_tools/inspect/contact_sheet.h"

namespace pleat {

/// Returns the row's crop, reduced to at most 320 pixels on the longer side.
Picture crop_picture(const CropFile& crops, std::size_t row);

/// Shows `count` rows spread over the file (fewer if fewer have a picture). A line of up to eight upright photos stands
/// above a line of their crops, each at most 320 pixels wide. A photo that can no longer be read is gray.
std::vector<SheetRow> preview_crops(const CropFile& crops, const std::filesystem::path& images, std::size_t count);

}  // namespace pleat
