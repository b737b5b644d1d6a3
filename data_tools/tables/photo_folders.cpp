#include "data_tools/tables/photo_folders.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"
#include "data_tools/tables/photo_names.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kScreenful = 20;  // problems

// Returns an empty path on an error. Reading the folder later reports the reason.
fs::path real_place(const fs::path& folder) {
  std::error_code ignored;
  return fs::weakly_canonical(folder, ignored);
}

}  // namespace

std::vector<fs::directory_entry> entries_in(const fs::path& folder, std::error_code& error,
                                            std::vector<fs::path>* system) {
  std::vector<fs::directory_entry> entries;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().native();
    if (!is_system_name(name)) {
      entries.push_back(*entry);
    } else if (system != nullptr && !name.starts_with('.')) {
      system->push_back(entry->path());
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.path().filename().native() < b.path().filename().native(); });
  return entries;
}

std::vector<fs::directory_entry> entries_in(const fs::path& folder, const char* flag, std::vector<fs::path>* system) {
  std::error_code error;
  std::vector<fs::directory_entry> entries = entries_in(folder, error, system);
  if (error)
    throw DataError("cannot read the folder {}: {}; give it with {}", shown_path(folder), error.message(), flag);
  return entries;
}

fs::path common_folder(std::vector<fs::path> folders) {
  std::erase(folders, fs::path());
  if (folders.size() == 1) return folders.front();
  fs::path common = real_place(folders.front());
  for (const fs::path& each : folders) {
    const fs::path other = real_place(each);
    fs::path both;
    for (auto a = common.begin(), b = other.begin(); a != common.end() && b != other.end() && *a == *b; ++a, ++b)
      both /= *a;
    common = both;
  }
  return common;
}

fs::path way_down(const fs::path& root, const fs::path& folder) {
  const fs::path way = real_place(folder).lexically_relative(real_place(root));
  return way == "." ? fs::path() : way;
}

std::string shown_path(const fs::path& path) { return shown(path.native(), 1000); }

std::string problem_lines(const std::vector<std::string>& problems) {
  std::string lines;
  for (std::size_t i = 0; i < std::min(kScreenful, problems.size()); ++i) lines += "\n  " + problems[i];
  if (problems.size() > kScreenful) lines += fmt::format("\n  … and {} more", problems.size() - kScreenful);
  return lines;
}

}  // namespace pleat
