// What makes a samples.csv out of folders needs: what a folder holds, the one folder that all paths start from, and
// problems told together. Free of OpenCV.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace pleat {

/// What the folder holds, sorted by name; without hidden files, which file managers leave behind. On an error what was
/// read until then.
std::vector<std::filesystem::directory_entry> entries_in(const std::filesystem::path& folder, std::error_code& error);

/// Throws DataError naming the folder, the system's reason and the flag that gave it.
std::vector<std::filesystem::directory_entry> entries_in(const std::filesystem::path& folder, const char* flag);

/// Whether the name has one of the endings, which are lowercase with their dot, in any case.
bool has_ending(const std::filesystem::path& name, std::span<const std::string_view> endings);

/// What `prepare --images` must be given: the folder itself, or the nearest one that holds all of several. Empty ones
/// were not given.
std::filesystem::path common_folder(std::vector<std::filesystem::path> folders);

/// The way from `root` down to `folder`, empty if they are the same; links above are resolved. What lies in it is
/// named by appending to that as the names stand, since a photo may be a link to somewhere else.
std::filesystem::path way_down(const std::filesystem::path& root, const std::filesystem::path& folder);

/// A path for a message: shown as other values, but cut later (after 1,000 bytes).
std::string shown_path(const std::filesystem::path& path);

/// A line for each, up to a screenful, and how many more there are; each line begins with a newline.
std::string problem_lines(const std::vector<std::string>& problems);

}  // namespace pleat
