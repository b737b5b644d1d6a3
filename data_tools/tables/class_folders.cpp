#include "data_tools/tables/class_folders.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "data/crop_file.h"
#include "data/sample_table.h"
#include "data_tools/tables/photo_folders.h"
#include "data_tools/tables/photo_names.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 3> kColumns = {"id", "path", "split"};  // besides the class column
// Names of the parts of a data set. Such folders hold class folders themselves.
constexpr std::array<std::string_view, 9> kParts = {"train", "training", "val",       "valid",     "validation",
                                                    "test",  "testing",  "unlabeled", "unlabelled"};

struct FoundPhoto {
  std::string path;  // relative to the root
  std::string_view split;
  std::string label;
};

std::string header_of(const ClassFolders& folders) {
  return fmt::format("id,path,{},split\n", csv_field(folders.column));
}

// The id of a photo is its path without the ending. The ending stays if another photo would get the same id: a.jpg
// beside a.png, or beside a.jpg.png.
std::string rows_of(const std::vector<FoundPhoto>& photos) {
  const auto stem = [](const FoundPhoto& photo) {
    return std::string_view(photo.path).substr(0, photo.path.rfind('.'));
  };
  std::unordered_map<std::string_view, int> count;
  for (const FoundPhoto& photo : photos) {
    ++count[photo.path];
    ++count[stem(photo)];
  }
  std::string rows;
  for (const FoundPhoto& photo : photos) {
    const std::string_view id = count[stem(photo)] == 1 ? stem(photo) : photo.path;
    rows += fmt::format("{},{},{},{}\n", csv_field(id), csv_field(photo.path), csv_field(photo.label), photo.split);
  }
  return rows;
}

// Walks through the folders and collects photos and problems.
class PhotoCollector {
 public:
  explicit PhotoCollector(const ClassFolders& folders)
      : folders_(folders), root_(common_folder({folders.images, folders.test, folders.unlabelled})) {}

  void add_classes(const fs::path& start, const char* flag, std::string_view split) {
    std::vector<std::string> loose;
    const auto entries = entries_in(start, flag, &walk_.left_out().system);
    start_at(start);
    if (!walk_.enter(start)) return;
    for (const fs::directory_entry& entry : entries) {
      const fs::file_type type = walk_.type_of(entry);
      if (type == fs::file_type::none) continue;
      if (type == fs::file_type::directory) {
        if (walk_.has_utf8_name(entry)) add_class(entry.path(), split);
      } else if (is_photo_name(entry.path())) {
        loose.push_back(shown_path(entry.path().filename()));
      } else {
        walk_.leave_out(entry.path(), type);
      }
    }
    walk_.leave();
    if (!loose.empty()) {
      walk_.problem("{} in {} itself ('{}'{}), beside the class folders; move each into the folder of its class",
                    counted(std::int64_t(loose.size()), "photo"), shown_path(start), loose[0],
                    loose.size() > 1 ? ", …" : "");
    }
  }

  void require_classes() {
    std::vector<std::string> parts;
    for (const auto& [name, count] : classes_) {
      if (std::find(kParts.begin(), kParts.end(), name) != kParts.end()) parts.push_back(name);
    }
    if (parts.size() > 1 || (!parts.empty() && parts.size() == classes_.size())) {
      walk_.problem(
          "{} in {} have the names of a data set's parts, not of classes; give --images the training part ({}, for "
          "example), and --test the held-out part",
          shown_names(parts), shown_path(folders_.images), shown_path(folders_.images / "train"));
    } else if (classes_.size() < 2) {
      walk_.problem("{} holds {}, expected two or more; give --images the folder that holds the class folders",
                    shown_path(folders_.images), classes_.empty() ? "no class folder" : "one class folder");
    }
  }

  void add_unlabelled() {
    entries_in(folders_.unlabelled, "--unlabelled");  // for its error, which names the flag
    start_at(folders_.unlabelled);
    if (!add_folder(start_, "unlabelled", "")) walk_.problem("{} holds no photo", shown_path(start_));
  }

  ClassTable write() const {
    const std::vector<std::string>& problems = walk_.problems();
    if (!problems.empty()) {
      throw DataError("{}: {}, {} is not written; correct the folders{}", shown_path(folders_.images),
                      counted(std::int64_t(problems.size()), "problem"), folders_.out.string(),
                      problem_lines(problems));
    }
    if (folders_.out.has_parent_path()) make_folder(folders_.out.parent_path());
    write_file(folders_.out, header_of(folders_) + rows_of(photos_));
    ClassTable table{.left_out = walk_.left_out(), .root = root_};
    for (const auto& [name, count] : classes_) table.classes.push_back(count);
    for (const FoundPhoto& photo : photos_) {
      ++(photo.split == "train" ? table.train : photo.split == "test" ? table.test : table.unlabelled);
    }
    return table;
  }

 private:
  void start_at(const fs::path& start) {
    start_ = start;
    way_ = way_down(root_, start);
    if (utf8_prefix(way_.native()) != way_.native().size())
      walk_.problem("the name of {} is not UTF-8; rename it", shown_path(start));
  }

  void add_class(const fs::path& folder, std::string_view split) {
    const std::string name = folder.filename().string();
    if (split == "train") classes_[name].name = name;
    const auto known = classes_.find(name);
    if (known == classes_.end()) {
      return walk_.problem("{} is not a class of the training photos: there is no folder '{}' in {}",
                           shown_path(folder), shown(name), shown_path(folders_.images));
    }
    const std::size_t before = walk_.left_out().count();
    if (add_folder(folder, split, name)) return;
    const std::size_t others = walk_.left_out().count() - before;
    walk_.problem("the class folder {} holds no photo{}", shown_path(folder),
                  others == 0 ? ""
                              : fmt::format(", only {} without the name of one ({})",
                                            counted(std::int64_t(others), "file"), photo_endings_text()));
  }

  // Returns false if it finds neither photos nor problems.
  bool add_folder(const fs::path& folder, std::string_view split, const std::string& label) {
    return walk_.add_below(folder, [&](const fs::path& photo) { add_photo(photo, split, label); });
  }

  void add_photo(const fs::path& photo, std::string_view split, const std::string& label) {
    photos_.push_back({(way_ / photo.lexically_relative(start_)).string(), split, label});
    if (split != "unlabelled") ++(split == "train" ? classes_[label].train : classes_[label].test);
  }

  const ClassFolders& folders_;
  const fs::path root_;
  fs::path start_, way_;  // the start folder, and its path from the root
  std::vector<FoundPhoto> photos_;
  std::map<std::string, ClassCount> classes_;
  PhotoWalk walk_;
};

void check_column(const std::string& column) {
  const bool taken = std::find(kColumns.begin(), kColumns.end(), column) != kColumns.end();
  const char* fault = taken ? "the table has a column of that name" : column_name_fault(column);
  if (fault == nullptr) return;
  throw UsageError("--column '{}' cannot name the class column: {}; choose another name", shown(column), fault);
}

}  // namespace

ClassTable write_class_table(const ClassFolders& folders) {
  check_column(folders.column);
  require_replaceable(folders.out, header_of(folders), "table of photos in these columns", {});
  PhotoCollector photos(folders);
  photos.add_classes(folders.images, "--images", "train");
  photos.require_classes();
  if (!folders.test.empty()) photos.add_classes(folders.test, "--test", "test");
  if (!folders.unlabelled.empty()) photos.add_unlabelled();
  return photos.write();
}

}  // namespace pleat
