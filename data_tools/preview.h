// Photos beside the crops that were made of them, to be looked at.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "data/crop_file.h"
#include "data_tools/contact_sheet.h"

namespace pleat {

/// `count` rows spread over the file (fewer, if fewer have a picture), eight to a line: a line of upright photos above
/// one of their crops, at most 320 pixels wide. A photo that cannot be read any more is gray.
std::vector<SheetRow> preview_crops(const CropFile& crops, const std::filesystem::path& images, std::size_t count);

}  // namespace pleat
