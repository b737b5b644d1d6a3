// Finds the photos in folders and the folders below them. Collects everything that is wrong, and everything that is
// left out, instead of ending at the first. Does not use OpenCV.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pleat {

/// Files and folders that hold no photos to use.
struct LeftOut {
  std::vector<std::filesystem::path> system;    // of operating systems and network storage (is_system_name)
  std::vector<std::filesystem::path> misnamed;  // photos by their first bytes, without a photo's ending
  std::map<std::string_view, std::vector<std::filesystem::path>> unread;  // by UnreadKind::name
  std::vector<std::filesystem::path> others;                              // all other files

  std::size_t count() const;
};

/// Returns warnings of pictures that were left out, one line for each kind with its count and remedy.
std::vector<std::string> left_out_warnings(const LeftOut& left_out);

/// Returns a line for each kind of file that holds no photos.
std::vector<std::string> left_out_notes(const LeftOut& left_out);

class PhotoWalk {
 public:
  using Take = std::function<void(const std::filesystem::path& photo)>;

  /// Calls `take` for each photo in the folder and below it, sorted by name within each folder. Links are followed.
  /// Problems: a link to a folder around itself, a folder that another walk or link has read already, a broken link, an
  /// unreadable folder, a pipe, a name that is not UTF-8.
  /// Returns false if it finds neither photos nor problems.
  bool add_below(const std::filesystem::path& folder, const Take& take);

  /// Begins a folder whose entries the caller reads. If enter() returns true, call leave() afterwards.
  bool enter(const std::filesystem::path& folder);
  void leave() { open_.pop_back(); }

  /// Adds a file without the name of a photo to left_out().
  void leave_out(const std::filesystem::path& file, std::filesystem::file_type type);

  /// Returns none for an entry that cannot be followed, which is a problem for any name: a link to a moved folder would
  /// silently drop a class.
  std::filesystem::file_type type_of(const std::filesystem::directory_entry& entry);
  /// Whether the entry's name is UTF-8. If not, that is a problem.
  bool has_utf8_name(const std::filesystem::directory_entry& entry);

  template <class... Values>
  void problem(fmt::format_string<Values...> format, Values&&... values) {
    problems_.push_back(fmt::format(format, std::forward<Values>(values)...));
  }

  const std::vector<std::string>& problems() const { return problems_; }
  const LeftOut& left_out() const { return left_out_; }
  LeftOut& left_out() { return left_out_; }

 private:
  std::vector<std::filesystem::path> open_;                       // real paths of the folders being read
  std::map<std::filesystem::path, std::filesystem::path> names_;  // real path of each folder read: its name
  std::vector<std::string> problems_;
  LeftOut left_out_;
};

}  // namespace pleat
