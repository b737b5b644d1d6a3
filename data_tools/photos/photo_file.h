// Reads the bytes of a photo's file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace pleat {

/// The message of BadPhoto for a file that does not exist.
constexpr const char* kNoSuchFile = "no such file";

/// Throws: BadPhoto if the file is missing, not a regular file (a folder, a pipe), unreadable or larger than 256 MiB.
/// Throws: DataError for errors that are not the photo's fault, such as too many open files.
std::vector<std::uint8_t> read_photo(const std::filesystem::path& path);

}  // namespace pleat
