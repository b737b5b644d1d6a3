// Helpers that make samples.csv from folders: a folder's entries, the common base of all paths, the list of problems.
// Does not use OpenCV.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace pleat {

/// Returns the folder's entries, sorted by name, without those of operating systems and network storage
/// (is_system_name). On an error, returns the entries read before.
///   system: receives the skipped entries that are not hidden; may be null
std::vector<std::filesystem::directory_entry> entries_in(const std::filesystem::path& folder, std::error_code& error,
                                                         std::vector<std::filesystem::path>* system = nullptr);

/// Throws: DataError naming the folder, the system's reason and the folder's flag.
std::vector<std::filesystem::directory_entry> entries_in(const std::filesystem::path& folder, const char* flag,
                                                         std::vector<std::filesystem::path>* system = nullptr);

/// Returns the folder to give to `prepare --images`: a single folder itself, or the nearest one that holds all of
/// several. Empty paths are ignored.
std::filesystem::path common_folder(std::vector<std::filesystem::path> folders);

/// Returns the path from `root` down to `folder`, with links resolved; empty if both are the same. Append the names of
/// photos unresolved, since a photo may be a link to another folder.
std::filesystem::path way_down(const std::filesystem::path& root, const std::filesystem::path& folder);

/// Formats a path for a message, like other values but cut only after 1,000 bytes.
std::string shown_path(const std::filesystem::path& path);

/// Returns a line per problem, up to a screenful, then the number of further ones. Each line begins with a newline.
std::string problem_lines(const std::vector<std::string>& problems);

}  // namespace pleat
