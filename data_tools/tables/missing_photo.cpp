#include "data_tools/tables/missing_photo.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "base/ascii.h"
#include "base/error.h"
#include "base/same_text.h"
#include "base/stop_signal.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "data_tools/tables/photo_folders.h"
#include "data_tools/tables/photo_names.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostTried = 1000;    // missing photos
constexpr std::size_t kMostFolders = 1000;  // of the image folder

// A path that exists, and its differences from the table's.
struct Guess {
  std::string path;
  std::vector<std::string> differences;
  bool from_parent = false;  // the path starts from the image folder's parent
};

const char* difference_of(const std::string& wanted, const std::string& found) {
  if (lower_ascii(wanted) == lower_ascii(found)) return "upper and lower case";
  return is_ascii(wanted) && is_ascii(found) ? "blanks" : "the Unicode form of a character";
}

// "a%20b" as "a b".
std::string without_escapes(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high < 0 ? -1 : hex_digit(text[i + 2]);
    plain += low < 0 ? text[i] : static_cast<char>(16 * high + low);
    if (low >= 0) i += 2;
  }
  return utf8_prefix(plain) == plain.size() ? plain : text;
}

// The table's path and its other spellings, each with the differences.
std::vector<Guess> spellings_of(const std::string& path) {
  std::string slashed = path;
  std::replace(slashed.begin(), slashed.end(), '\\', '/');
  std::vector<Guess> spellings{{path, {}, false}};
  if (slashed != path) spellings.push_back({slashed, {"backslashes"}, false});
  for (Guess each : std::vector<Guess>(spellings)) {
    const std::string plain = without_escapes(each.path);
    if (plain == each.path) continue;
    each.differences.emplace_back("%-escapes");
    spellings.push_back({plain, each.differences, false});
  }
  return spellings;
}

// Empty for a path that could leave the image folder.
std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (const fs::path& part : fs::path(path).relative_path()) {
    if (part == "..") return {};
    if (!part.empty() && part != ".") parts.push_back(part.string());
  }
  return parts;
}

class PhotoFinder {
 public:
  PhotoFinder(fs::path images, bool all_missing)
      : images_(std::move(images)), parent_(real_parent(images_)), all_missing_(all_missing) {
    std::error_code error;
    for (const fs::directory_entry& entry : entries_in(images_, error)) {
      if (subfolders_.size() < kMostFolders && entry.is_directory(error))
        subfolders_.push_back(entry.path().filename().string());
    }
  }

  /// The folder around the image folder, after links.
  const fs::path& parent() const { return parent_; }

  std::optional<Guess> find(const std::string& path) {
    const std::vector<Guess> spellings = spellings_of(path);
    using Search = std::optional<Guess> (PhotoFinder::*)(const Guess&);
    for (const Search search : {&PhotoFinder::find_here, &PhotoFinder::find_from_parent, &PhotoFinder::find_shorter,
                                &PhotoFinder::find_deeper}) {
      for (const Guess& spelling : spellings) {
        if (auto guess = (this->*search)(spelling)) return guess;
      }
    }
    return std::nullopt;
  }

 private:
  struct Folder {
    std::unordered_map<std::string, std::string> by_reading, photo_by_stem;  // each reading: a name
  };

  static std::string stem_reading(const std::string& name) { return reading_of(fs::path(name).stem().string()); }

  const Folder& folder(const fs::path& path) {
    const auto [known, is_new] = folders_.try_emplace(path);
    if (!is_new) return known->second;
    std::error_code error;
    for (const fs::directory_entry& entry : entries_in(path, error)) {
      const std::string name = entry.path().filename().string();
      known->second.by_reading.emplace(reading_of(name), name);
      if (is_photo_name(name)) known->second.photo_by_stem.emplace(stem_reading(name), name);
    }
    return known->second;
  }

  static void note(Guess& guess, std::string difference) {
    auto& all = guess.differences;
    if (std::find(all.begin(), all.end(), difference) == all.end()) all.push_back(std::move(difference));
  }

  // Returns the entry of a folder that reads like `part`; a photo also if its ending differs.
  std::optional<std::string> entry_like(const fs::path& in, const std::string& part, bool last, Guess& guess) {
    const Folder& entries = folder(in);
    if (const auto found = entries.by_reading.find(reading_of(part)); found != entries.by_reading.end()) {
      note(guess, difference_of(part, found->second));
      return found->second;
    }
    if (!last) return std::nullopt;
    const auto found = entries.photo_by_stem.find(is_photo_name(part) ? stem_reading(part) : reading_of(part));
    if (found == entries.photo_by_stem.end()) return std::nullopt;
    note(guess, fmt::format("the ending {}", fs::path(found->second).extension().string()));
    return found->second;
  }

  // Follows the parts down from the folder; each may differ a little.
  std::optional<Guess> follow(const fs::path& from, const std::vector<std::string>& parts, Guess guess) {
    fs::path at = from, way;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      std::error_code error;
      std::string name = parts[i];
      if (!fs::exists(at / name, error)) {
        auto like = entry_like(at, name, i + 1 == parts.size(), guess);
        if (!like) return std::nullopt;
        name = std::move(*like);
      }
      at /= name, way /= name;
    }
    std::error_code error;
    if (parts.empty() || !fs::is_regular_file(at, error)) return std::nullopt;
    guess.path = way.string();
    return guess;
  }

  std::optional<Guess> find_here(const Guess& spelling) { return follow(images_, parts_of(spelling.path), spelling); }

  // Another --images would not find the rows that are found now.
  std::optional<Guess> find_from_parent(const Guess& spelling) {
    if (!all_missing_) return std::nullopt;
    auto guess = follow(parent_, parts_of(spelling.path), spelling);
    if (guess) guess->from_parent = true;
    return guess;
  }

  std::optional<Guess> find_shorter(const Guess& spelling) {
    std::vector<std::string> parts = parts_of(spelling.path);
    for (std::string dropped; parts.size() > 1;) {
      dropped += (dropped.empty() ? "" : "/") + parts.front();
      parts.erase(parts.begin());
      auto guess = follow(images_, parts, spelling);
      if (!guess) continue;
      note(*guess, fmt::format("an extra folder '{}'", shown(dropped)));
      return guess;
    }
    return std::nullopt;
  }

  // Only if one folder alone has such a photo.
  std::optional<Guess> find_deeper(const Guess& spelling) {
    std::optional<Guess> only;
    for (const std::string& subfolder : subfolders_) {
      auto guess = follow(images_ / subfolder, parts_of(spelling.path), spelling);
      if (!guess) continue;
      if (only) return std::nullopt;
      guess->path = (fs::path(subfolder) / guess->path).string();
      note(*guess, fmt::format("a missing folder '{}'", shown(subfolder)));
      only = std::move(guess);
    }
    return only;
  }

  static fs::path real_parent(const fs::path& images) {
    std::error_code error;
    const fs::path plain = images.has_filename() ? images.parent_path() : images.parent_path().parent_path();
    if (!plain.empty() && fs::equivalent(plain, images / "..", error)) return plain;  // as the user writes it
    const fs::path real = fs::canonical(images, error);
    return error ? images / ".." : real.parent_path();
  }

  const fs::path images_, parent_;
  const bool all_missing_;
  std::vector<std::string> subfolders_;
  std::map<fs::path, Folder> folders_;
};

}  // namespace

std::string advice_on_missing(const fs::path& images, const std::vector<std::string>& missing, std::size_t rows) {
  PhotoFinder finder(images, missing.size() == rows);
  std::string first;
  std::optional<Guess> meant;
  std::size_t found = 0;
  const std::size_t tried = std::min(kMostTried, missing.size());
  for (std::size_t i = 0; i < tried; ++i) {
    if (stop_signal_received()) throw StopRequested("stopped on request; nothing was written");
    auto guess = finder.find(missing[i]);
    if (!guess) continue;
    ++found;
    if (!meant) first = missing[i], meant = std::move(guess);
  }
  if (!meant) return "";
  const std::string differences =
      meant->differences.empty() ? "" : fmt::format(" (difference: {})", fmt::join(meant->differences, ", "));
  const std::string place = meant->from_parent ? fmt::format(" in {}", shown_path(finder.parent())) : "";
  const std::string all = tried < missing.size() ? fmt::format("the first {}", grouped(tried)) : grouped(tried);
  return fmt::format("'{}' is probably '{}'{}{}; such corrections find {} of {} missing photos; {}", spelt_out(first),
                     spelt_out(meant->path), place, differences, grouped(found), all,
                     meant->from_parent && meant->differences.empty()
                         ? fmt::format("give --images {}", shown_path(finder.parent()))
                         : "correct the paths in the table");
}

}  // namespace pleat
