// The bytes of a photo, from whatever a folder may hold under its name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace pleat {

/// Throws BadPhoto if the file is not there, is none (a folder, a pipe), cannot be read, or holds more than 256 MiB.
std::vector<std::uint8_t> read_photo(const std::filesystem::path& path);

}  // namespace pleat
