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

namespace pleat {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 7> kEndings = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"};
constexpr std::array<std::string_view, 3> kColumns = {"id", "path", "split"};  // besides the class column
// Names of the parts of a data set. Such folders hold class folders themselves.
constexpr std::array<std::string_view, 9> kParts = {"train", "training", "val",       "valid",     "validation",
                                                    "test",  "testing",  "unlabeled", "unlabelled"};

struct FoundPhoto {
  std::string path;  // relative to the root
  std::string_view split;
  std::string label;
};

bool holds(const fs::path& folder, const fs::path& place) {  // the folder itself counts
  return std::mismatch(folder.begin(), folder.end(), place.begin(), place.end()).first == folder.end();
}

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
    const auto entries = entries_in(start, flag);
    start_at(start);
    if (!enter(start)) return;
    for (const fs::directory_entry& entry : entries) {
      const fs::file_type type = type_of(entry);
      if (type == fs::file_type::none) continue;
      if (type == fs::file_type::directory) {
        if (is_text(entry)) add_class(entry.path(), split);
      } else if (has_ending(entry.path(), kEndings)) {
        loose.push_back(shown_path(entry.path().filename()));
      } else {
        others_.push_back(entry.path());
      }
    }
    open_.pop_back();
    if (!loose.empty()) {
      problem("{} in {} itself ('{}'{}), beside the class folders; move each into the folder of its class",
              counted(std::int64_t(loose.size()), "photo"), shown_path(start), loose[0], loose.size() > 1 ? ", …" : "");
    }
  }

  void require_classes() {
    std::vector<std::string> parts;
    for (const auto& [name, count] : classes_) {
      if (std::find(kParts.begin(), kParts.end(), name) != kParts.end()) parts.push_back(name);
    }
    if (parts.size() > 1 || (!parts.empty() && parts.size() == classes_.size())) {
      problem(
          "{} in {} have the names of a data set's parts, not of classes; give --images the training part ({}, for "
          "example), and --test the held-out part",
          shown_names(parts), shown_path(folders_.images), shown_path(folders_.images / "train"));
    } else if (classes_.size() < 2) {
      problem("{} holds {}, expected two or more; give --images the folder that holds the class folders",
              shown_path(folders_.images), classes_.empty() ? "no class folder" : "one class folder");
    }
  }

  void add_unlabelled() {
    entries_in(folders_.unlabelled, "--unlabelled");  // for its error, which names the flag
    start_at(folders_.unlabelled);
    if (!add_folder(start_, "unlabelled", "")) problem("{} holds no photo", shown_path(start_));
  }

  ClassTable write() const {
    if (!problems_.empty()) {
      throw DataError("{}: {}, {} is not written; correct the folders{}", shown_path(folders_.images),
                      counted(std::int64_t(problems_.size()), "problem"), folders_.out.string(),
                      problem_lines(problems_));
    }
    if (folders_.out.has_parent_path()) make_folder(folders_.out.parent_path());
    write_file(folders_.out, header_of(folders_) + rows_of(photos_));
    ClassTable table{.others = others_, .root = root_};
    for (const auto& [name, count] : classes_) table.classes.push_back(count);
    for (const FoundPhoto& photo : photos_) {
      ++(photo.split == "train" ? table.train : photo.split == "test" ? table.test : table.unlabelled);
    }
    return table;
  }

 private:
  template <class... Values>
  void problem(fmt::format_string<Values...> format, Values&&... values) {
    problems_.push_back(fmt::format(format, std::forward<Values>(values)...));
  }

  void start_at(const fs::path& start) {
    start_ = start;
    way_ = way_down(root_, start);
    if (utf8_prefix(way_.native()) != way_.native().size())
      problem("the name of {} is not UTF-8; rename it", shown_path(start));
  }

  // Returns none for an entry that cannot be followed. That is a problem for any name: a link to a moved folder would
  // silently drop a class.
  fs::file_type type_of(const fs::directory_entry& entry) {
    std::error_code error, ignored;
    const fs::file_status status = entry.status(error);
    if (fs::exists(status)) return status.type();
    problem("{} {}: {}; repair it, or remove it", shown_path(entry.path()),
            entry.is_symlink(ignored) ? "is a broken link" : "cannot be read", error.message());
    return fs::file_type::none;
  }

  bool is_text(const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().string();
    if (utf8_prefix(name) == name.size()) return true;
    problem("the name of {} is not UTF-8; rename it", shown_path(entry.path()));
    return false;
  }

  // Returns false for a folder that must not be read. A link to a folder around itself would make the walk endless. A
  // folder with two names would give each photo twice, on both sides of folds.
  bool enter(const fs::path& folder) {
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

  void add_class(const fs::path& folder, std::string_view split) {
    const std::string name = folder.filename().string();
    if (split == "train") classes_[name].name = name;
    const auto known = classes_.find(name);
    if (known == classes_.end()) {
      return problem("{} is not a class of the training photos: there is no folder '{}' in {}", shown_path(folder),
                     shown(name), shown_path(folders_.images));
    }
    if (!add_folder(folder, split, name)) problem("the class folder {} holds no photo", shown_path(folder));
  }

  // Returns false if it finds neither photos nor problems.
  bool add_folder(const fs::path& folder, std::string_view split, const std::string& label) {
    const std::size_t before = photos_.size() + problems_.size();
    if (!enter(folder)) return true;
    std::error_code error;
    const auto entries = entries_in(folder, error);
    if (error) problem("cannot read the folder {}: {}; make it readable", shown_path(folder), error.message());
    for (const fs::directory_entry& entry : entries) {
      const fs::file_type type = type_of(entry);
      if (type == fs::file_type::none) continue;
      if (type == fs::file_type::directory) {
        if (is_text(entry)) add_folder(entry.path(), split, label);
      } else if (!has_ending(entry.path(), kEndings)) {
        others_.push_back(entry.path());
      } else if (type != fs::file_type::regular) {
        problem("{} is a pipe or a device, not a photo; remove it", shown_path(entry.path()));
      } else if (is_text(entry)) {
        add_photo(entry.path(), split, label);
      }
    }
    open_.pop_back();
    return photos_.size() + problems_.size() > before;
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
  std::vector<fs::path> open_;          // real paths of the folders being read, the outermost first
  std::map<fs::path, fs::path> names_;  // real path of each folder read, and its name in messages
  std::vector<fs::path> others_;
  std::vector<std::string> problems_;
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
