// Pictures side by side in one PNG, to be looked at.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data_tools/picture.h"

namespace pleat {

struct SheetRow {
  std::string caption;  // ASCII
  std::vector<Picture> pictures;
};

/// One line of pictures per row, with its caption to their left. Small pictures are enlarged by a whole number, so that
/// their pixels can be seen; all have three channels or one. Throws DataError if it cannot be written.
void write_contact_sheet(const std::filesystem::path& png, const std::vector<SheetRow>& rows);

}  // namespace pleat
