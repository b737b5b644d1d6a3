#include "data_tools/tables/person_folders.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "data/sample_table.h"
#include "data_tools/tables/person_photos.h"
#include "data_tools/tables/photo_folders.h"
#include "data_tools/tables/photo_names.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHeader = "id,path,mask,gender,age,person,split\n";
constexpr int kOldest = 120;  // years

std::vector<std::string> names_in(const fs::path& folder, const char* flag) {
  std::vector<std::string> names;
  for (const auto& entry : entries_in(folder, flag)) names.push_back(entry.path().filename().string());
  return names;
}

// Walks through the persons and collects rows and problems.
class TableBuilder {
 public:
  TableBuilder(const SampleTable& persons, const PersonFolders& folders)
      : persons_(persons), folders_(folders), root_(common_folder({folders.images, folders.unlabelled})) {}

  void add_persons() {
    const auto &ids = persons_.column("id"), &paths = persons_.column("path");
    std::unordered_map<std::string, std::size_t> first_row;
    const std::vector<std::string> found = names_in(folders_.images, "--images");
    const std::set<std::string> there(found.begin(), found.end());
    for (std::size_t row = 0; row < persons_.rows(); ++row) {
      check_labels(row);
      const auto [first, is_new] = first_row.emplace(paths[row], row);
      if (!is_new) {
        problem(row, "folder '{}' is in line {} already; a person has one row", shown(paths[row]), line(first->second));
      } else if (!there.contains(paths[row])) {
        problem(row, "id '{}': there is no folder '{}' in {}", shown(ids[row]), shown(paths[row]),
                shown_path(folders_.images));
      } else {
        add_person(row);
      }
    }
    for (const std::string& name : found) {
      if (!first_row.contains(name))
        problems_.push_back(fmt::format("'{}' in {} is in no row", shown(name), shown_path(folders_.images)));
    }
  }

  void add_unlabelled() {
    std::set<std::string> ids;
    for (const std::string& name : names_in(folders_.unlabelled, "--unlabelled")) {
      const fs::path path = folders_.unlabelled / name;
      if (!fs::is_regular_file(path) || !is_photo_name(name)) {
        problems_.push_back(fmt::format("{} is not a photo; expected {}", shown_path(path), photo_endings_text()));
      } else if (!ids.insert(path.stem().string()).second) {
        problems_.push_back(
            fmt::format("{} and another photo there differ only in the ending; rename one", shown_path(path)));
      } else {
        add_row(path.stem().string(), folders_.unlabelled, name, "", "", "", "", "unlabelled");
        ++unlabelled_;
      }
    }
    if (ids.empty()) problems_.push_back(fmt::format("{} holds no photo", shown_path(folders_.unlabelled)));
  }

  PersonTable write() const {
    if (!problems_.empty()) throw_problems();
    if (folders_.out.has_parent_path()) make_folder(folders_.out.parent_path());
    write_file(folders_.out, text_);
    return {persons_.rows(), persons_.rows() * kPhotoNames.size(), unlabelled_, root_};
  }

 private:
  int line(std::size_t row) const { return persons_.lines[row]; }

  template <class... Values>
  void problem(std::size_t row, fmt::format_string<Values...> format, Values&&... values) {
    problems_.push_back(fmt::format("line {}: {}", line(row), fmt::format(format, std::forward<Values>(values)...)));
  }

  void check_labels(std::size_t row) {
    const std::string &gender = persons_.column("gender")[row], &age = persons_.column("age")[row];
    if (gender != "male" && gender != "female") problem(row, "gender '{}' is neither male nor female", shown(gender));
    int years = 0;
    const auto [end, error] = std::from_chars(age.data(), age.data() + age.size(), years);
    if (error != std::errc() || end != age.data() + age.size() || years < 0 || years > kOldest) {
      problem(row, "age '{}' is not a whole number from 0 to {}", shown(age), kOldest);
    }
  }

  void add_person(std::size_t row) {
    const std::string &id = persons_.column("id")[row], &folder = persons_.column("path")[row];
    const fs::path path = folders_.images / folder;
    if (!fs::is_directory(path)) return problem(row, "{} is not a folder", shown_path(path));
    std::vector<std::string> names = names_in(path, "--images");
    for (int photo = 0; photo < kPhotosPerPerson; ++photo) {
      const std::string_view wanted = kPhotoNames[static_cast<std::size_t>(photo)];
      const auto is_this = [&](const std::string& name) {
        return is_photo_name(name) && fs::path(name).stem() == wanted;
      };
      const auto found = std::find_if(names.begin(), names.end(), is_this);
      if (found == names.end()) {
        problem(row, "{} has no photo {}.jpg (or with another photo's ending)", shown_path(path), wanted);
        continue;
      }
      add_row(fmt::format("{}-{}", id, wanted), folders_.images, fs::path(folder) / *found, mask_label(photo),
              persons_.column("gender")[row], persons_.column("age")[row], id, "train");
      names.erase(found);
    }
    for (const std::string& name : names) {
      problem(row, "{} is a second photo of its name, or not one of mask1 to mask5, incorrect_mask, normal",
              shown_path(path / name));
    }
  }

  void add_row(const std::string& id, const fs::path& start, const fs::path& path, std::string_view mask,
               const std::string& gender, const std::string& age, const std::string& person, const char* split) {
    const fs::path from_root = way_down(root_, start) / path;
    text_ += fmt::format("{},{},{},{},{},{},{}\n", csv_field(id), csv_field(from_root.string()), mask, gender, age,
                         csv_field(person), split);
  }

  [[noreturn]] void throw_problems() const {
    throw DataError("{}: {}, {} is not written; correct the table or the folders{}", folders_.csv.string(),
                    counted(static_cast<std::int64_t>(problems_.size()), "problem"), folders_.out.string(),
                    problem_lines(problems_));
  }

  const SampleTable& persons_;
  const PersonFolders& folders_;
  const fs::path root_;
  std::string text_ = kHeader;
  std::size_t unlabelled_ = 0;
  std::vector<std::string> problems_;
};

}  // namespace

PersonTable write_person_table(const PersonFolders& folders) {
  require_replaceable(folders.out, kHeader, "table of photos", {folders.csv});
  const SampleTable persons = read_csv(folders.csv, {"id", "gender", "age", "path"});
  TableBuilder table(persons, folders);
  table.add_persons();
  if (!folders.unlabelled.empty()) table.add_unlabelled();
  return table.write();
}

}  // namespace pleat
