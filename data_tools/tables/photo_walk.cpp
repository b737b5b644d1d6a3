#include "data_tools/tables/photo_walk.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <system_error>

#include "base/utf8.h"
#include "base/wording.h"
#include "data_tools/tables/photo_folders.h"
#include "data_tools/tables/photo_names.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNamedFiles = 5;  // any more are only counted

bool holds(const fs::path& folder, const fs::path& place) {  // the folder itself counts
  return std::mismatch(folder.begin(), folder.end(), place.begin(), place.end()).first == folder.end();
}

// "(a/1.cr2, a/2.cr2, …)".
template <class Paths>
std::string named(const Paths& files) {
  std::vector<std::string> names;
  for (const fs::path& file : files) {
    if (names.size() < kNamedFiles) names.push_back(shown_path(file));
  }
  return fmt::format("({}{})", fmt::join(names, ", "), files.size() > kNamedFiles ? ", …" : "");
}

std::string count_of(const std::vector<fs::path>& files, std::string_view noun) {
  const std::size_t two = noun.find(" or ");
  if (two == std::string_view::npos || files.size() == 1) return counted(static_cast<std::int64_t>(files.size()), noun);
  return fmt::format("{} {}s or {}s", files.size(), noun.substr(0, two), noun.substr(two + 4));
}

}  // namespace

std::size_t LeftOut::count() const {
  std::size_t sum = system.size() + misnamed.size() + others.size();
  for (const auto& [kind, files] : unread) sum += files.size();
  return sum;
}

std::vector<std::string> left_out_warnings(const LeftOut& left_out) {
  std::vector<std::string> lines;
  for (const auto& [kind, files] : left_out.unread) {
    lines.push_back(fmt::format("left out {} {}, which pleat does not read; {} to use them", count_of(files, kind),
                                named(files), unread_kind(files.front())->remedy));
  }
  if (!left_out.misnamed.empty()) {
    lines.push_back(
        fmt::format("left out {} {} with the content of a photo but not the name; give them the ending of "
                    "their format (.jpg, .png, …) to use them",
                    count_of(left_out.misnamed, "file"), named(left_out.misnamed)));
  }
  return lines;
}

std::vector<std::string> left_out_notes(const LeftOut& left_out) {
  std::vector<std::string> lines;
  if (!left_out.others.empty())
    lines.push_back(fmt::format("skipped {} without the name of a photo {}", count_of(left_out.others, "file"),
                                named(left_out.others)));
  std::set<fs::path> system;  // their names, of which each may be in every folder
  for (const fs::path& path : left_out.system) system.insert(path.filename());
  if (!system.empty())
    lines.push_back(fmt::format("skipped {} of the operating system or network storage {}",
                                count_of(left_out.system, "file or folder"), named(system)));
  return lines;
}

fs::file_type PhotoWalk::type_of(const fs::directory_entry& entry) {
  std::error_code error, ignored;
  const fs::file_status status = entry.status(error);
  if (fs::exists(status)) return status.type();
  problem("{} {}: {}; repair it, or remove it", shown_path(entry.path()),
          entry.is_symlink(ignored) ? "is a broken link" : "cannot be read", error.message());
  return fs::file_type::none;
}

bool PhotoWalk::has_utf8_name(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename().string();
  if (utf8_prefix(name) == name.size()) return true;
  problem("the name of {} is not UTF-8; rename it", shown_path(entry.path()));
  return false;
}

// A link to a folder around itself would make the walk endless. A folder with two names would give each photo twice, on
// both sides of folds.
bool PhotoWalk::enter(const fs::path& folder) {
  std::error_code error;
  const fs::path real = fs::canonical(folder, error);
  if (error) {
    problem("cannot read the folder {}: {}; make it readable", shown_path(folder), error.message());
    return false;
  }
  const auto is_around = [&real](const fs::path& open) { return holds(real, open); };
  if (std::any_of(open_.begin(), open_.end(), is_around)) {
    problem("{} is a link back to {}, which contains it; remove the link", shown_path(folder), shown_path(real));
    return false;
  }
  const auto [known, is_new] = names_.emplace(real, folder);
  if (!is_new) {
    problem("{} is the same folder as {}, so its photos would occur twice; remove one of the two", shown_path(folder),
            shown_path(known->second));
    return false;
  }
  open_.push_back(real);
  return true;
}

void PhotoWalk::leave_out(const fs::path& file, fs::file_type type) {
  const UnreadKind* kind = unread_kind(file);
  std::vector<fs::path>& list = kind != nullptr                                           ? left_out_.unread[kind->name]
                                : type == fs::file_type::regular && begins_as_photo(file) ? left_out_.misnamed
                                                                                          : left_out_.others;
  list.push_back(file);
}

bool PhotoWalk::add_below(const fs::path& folder, const Take& take) {
  if (!enter(folder)) return true;
  const std::size_t before = problems_.size();
  std::error_code error;
  const auto entries = entries_in(folder, error, &left_out_.system);
  if (error) problem("cannot read the folder {}: {}; make it readable", shown_path(folder), error.message());
  bool found = false;
  for (const fs::directory_entry& entry : entries) {
    const fs::file_type type = type_of(entry);
    if (type == fs::file_type::none) continue;
    if (type == fs::file_type::directory) {
      if (has_utf8_name(entry)) found |= add_below(entry.path(), take);
    } else if (!is_photo_name(entry.path())) {
      leave_out(entry.path(), type);
    } else if (type != fs::file_type::regular) {
      problem("{} is a pipe or a device, not a photo; remove it", shown_path(entry.path()));
    } else if (has_utf8_name(entry)) {
      take(entry.path());
      found = true;
    }
  }
  leave();
  return found || problems_.size() > before;
}

}  // namespace pleat
