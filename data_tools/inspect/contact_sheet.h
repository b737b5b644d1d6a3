// Writes pictures side by side into one PNG, for viewing.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data_tools/photos/picture.h"

namespace pleat {

struct SheetRow {
  std::string caption;  // ASCII
  std::vector<Picture> pictures;
};

/// A caption of any text: cut to `longest` letters, and `?` for letters that the font lacks.
std::string sheet_caption(std::string text, std::size_t longest);

/// Writes one line of pictures per row, with the caption on the left. Small pictures are enlarged by a whole number, so
/// that pixels are visible.
/// Requires: pictures of three channels or one.
/// Throws: DataError if the PNG cannot be written.
void write_contact_sheet(const std::filesystem::path& png, const std::vector<SheetRow>& rows);

}  // namespace pleat
