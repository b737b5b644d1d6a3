#include "data_tools/person_folders.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "data/sample_table.h"
#include "data_tools/face_labels.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHeader = "id,path,mask,gender,age,person,split\n";
constexpr int kOldest = 120;         // years
constexpr std::size_t kListed = 20;  // problems named in the error
constexpr std::array<std::string_view, 3> kEndings = {".jpg", ".jpeg", ".png"};

// Names in a folder, sorted; hidden ones, which file managers leave behind, are no photos.
std::vector<std::string> names_in(const fs::path& folder, const char* flag) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with('.')) names.push_back(name);
  }
  if (error) throw DataError("cannot read the folder {}: {}; give it with {}", folder.string(), error.message(), flag);
  std::sort(names.begin(), names.end());
  return names;
}

bool is_photo_name(const std::string& name) {
  std::string ending = fs::path(name).extension().string();
  for (char& letter : ending) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

// Goes through the persons and collects rows and problems.
class TableBuilder {
 public:
  TableBuilder(const SampleTable& persons, const PersonFolders& folders)
      : persons_(persons), folders_(folders), root_(common_root()) {}

  void add_persons() {
    const auto &ids = persons_.column("id"), &paths = persons_.column("path");
    std::unordered_map<std::string, std::size_t> first_row;
    const std::vector<std::string> found = names_in(folders_.images, "--images");
    const std::set<std::string> there(found.begin(), found.end());
    for (std::size_t row = 0; row < persons_.rows(); ++row) {
      check_labels(row);
      const auto [first, is_new] = first_row.emplace(paths[row], row);
      if (!is_new) {
        problem(row, "folder '{}' is in line {} already; a person has one row", paths[row], line(first->second));
      } else if (!there.contains(paths[row])) {
        problem(row, "id '{}': there is no folder '{}' in {}", ids[row], paths[row], folders_.images.string());
      } else {
        add_person(row);
      }
    }
    for (const std::string& name : found) {
      if (!first_row.contains(name))
        problems_.push_back(fmt::format("'{}' in {} is in no row", name, folders_.images.string()));
    }
  }

  void add_unlabelled() {
    std::set<std::string> ids;
    for (const std::string& name : names_in(folders_.unlabelled, "--unlabelled")) {
      const fs::path path = folders_.unlabelled / name;
      if (!fs::is_regular_file(path) || !is_photo_name(name)) {
        problems_.push_back(fmt::format("{} is not a photo; expected .jpg, .jpeg or .png", path.string()));
      } else if (!ids.insert(path.stem().string()).second) {
        problems_.push_back(fmt::format("{} has the name of another photo there, but for the ending", path.string()));
      } else {
        add_row(path.stem().string(), folders_.unlabelled, name, "", "", "", "", "unlabelled");
        ++unlabelled_;
      }
    }
    if (ids.empty()) problems_.push_back(fmt::format("{} holds no photo", folders_.unlabelled.string()));
  }

  PersonTable write() const {
    if (!problems_.empty()) throw_problems();
    if (folders_.out.has_parent_path()) make_folder(folders_.out.parent_path());
    write_file(folders_.out, text_);
    return {persons_.rows(), persons_.rows() * kPhotoNames.size(), unlabelled_, root_};
  }

 private:
  // One folder for `prepare --images`: with photos in two places it is the nearest that holds both.
  fs::path common_root() const {
    if (folders_.unlabelled.empty()) return folders_.images;
    const fs::path a = fs::weakly_canonical(folders_.images), b = fs::weakly_canonical(folders_.unlabelled);
    fs::path root;
    for (auto x = a.begin(), y = b.begin(); x != a.end() && y != b.end() && *x == *y; ++x, ++y) root /= *x;
    return root;
  }

  int line(std::size_t row) const { return persons_.lines[row]; }

  template <class... Values>
  void problem(std::size_t row, fmt::format_string<Values...> format, Values&&... values) {
    problems_.push_back(fmt::format("line {}: {}", line(row), fmt::format(format, std::forward<Values>(values)...)));
  }

  void check_labels(std::size_t row) {
    const std::string &gender = persons_.column("gender")[row], &age = persons_.column("age")[row];
    if (gender != "male" && gender != "female") problem(row, "gender '{}' is neither male nor female", gender);
    int years = 0;
    const auto [end, error] = std::from_chars(age.data(), age.data() + age.size(), years);
    if (error != std::errc() || end != age.data() + age.size() || years < 0 || years > kOldest) {
      problem(row, "age '{}' is not a whole number from 0 to {}", age, kOldest);
    }
  }

  void add_person(std::size_t row) {
    const std::string &id = persons_.column("id")[row], &folder = persons_.column("path")[row];
    const fs::path path = folders_.images / folder;
    if (!fs::is_directory(path)) return problem(row, "{} is not a folder", path.string());
    std::vector<std::string> names = names_in(path, "--images");
    for (int photo = 0; photo < kPhotosPerPerson; ++photo) {
      const std::string_view wanted = kPhotoNames[static_cast<std::size_t>(photo)];
      const auto is_this = [&](const std::string& name) {
        return is_photo_name(name) && fs::path(name).stem() == wanted;
      };
      const auto found = std::find_if(names.begin(), names.end(), is_this);
      if (found == names.end()) {
        problem(row, "{} has no photo {}.jpg (or .jpeg, .png)", path.string(), wanted);
        continue;
      }
      add_row(fmt::format("{}-{}", id, wanted), folders_.images, fs::path(folder) / *found, mask_label(photo),
              persons_.column("gender")[row], persons_.column("age")[row], id, "train");
      names.erase(found);
    }
    for (const std::string& name : names) {
      problem(row, "{} is none of mask1 to mask5, incorrect_mask, normal, or a second one", (path / name).string());
    }
  }

  void add_row(const std::string& id, const fs::path& start, const fs::path& path, std::string_view mask,
               const std::string& gender, const std::string& age, const std::string& person, const char* split) {
    // Below `start` as the names stand: a photo or a person's folder may be a link to somewhere else.
    const fs::path shown = (fs::weakly_canonical(start) / path).lexically_relative(fs::weakly_canonical(root_));
    text_ += fmt::format("{},{},{},{},{},{},{}\n", csv_field(id), csv_field(shown.string()), mask, gender, age,
                         csv_field(person), split);
  }

  [[noreturn]] void throw_problems() const {
    std::string list;
    for (std::size_t i = 0; i < std::min(kListed, problems_.size()); ++i) list += "\n  " + problems_[i];
    if (problems_.size() > kListed) list += fmt::format("\n  … and {} more", problems_.size() - kListed);
    throw DataError("{}: {} problem{}, {} is not written; correct the table or the folders{}", folders_.csv.string(),
                    problems_.size(), problems_.size() == 1 ? "" : "s", folders_.out.string(), list);
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
