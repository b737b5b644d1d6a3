#include "data_tools/drawn_faces/make_faces.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <mutex>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/stop_signal.h"
#include "data_tools/drawn_faces/face_labels.h"
#include "data_tools/photos/opencv_setup.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostPersons = 999'999;  // six digits in a folder's name
constexpr std::int64_t kMostUnlabelled = kPhotosPerPerson * kMostPersons;
constexpr double kMostNoise = 0.5;
constexpr std::uint32_t kFirstUnlabelled = 1U << 31;  // so that more persons of one kind do not change the other
constexpr std::array kOwnEntries = {"train", "eval", "truth.csv", "truth.csv.partial"};

// A photo to draw, and its path.
struct Photo {
  DrawnPerson person;
  int number = 0;
  fs::path path;  // relative to the folder made
};

struct FaceSet {
  std::vector<Photo> photos;
  std::string train_csv = "id,gender,race,age,path\n";
  std::string truth_csv = "path,person,mask,gender,age,class,noise\n";
  std::vector<std::string> unlabelled;  // file names
  MadeFaces made;
};

void check_options(const MakeFacesOptions& options) {
  if (options.persons < 1 || options.persons > kMostPersons) {
    throw UsageError("--persons {}: expected 1 to {}", options.persons, kMostPersons);
  }
  if (options.unlabelled < 0 || options.unlabelled > kMostUnlabelled) {
    throw UsageError("--unlabelled {}: expected 0 to {}", options.unlabelled, kMostUnlabelled);
  }
  // Written so that NaN is refused too.
  if (!(options.label_noise >= 0 && options.label_noise <= kMostNoise)) {
    throw UsageError("--label-noise {}: expected 0 to {}", options.label_noise, kMostNoise);
  }
}

DrawnPerson drawn(const MakeFacesOptions& options, std::uint32_t person, const FaceLabels& labels) {
  return {options.seed, person, labels.truth.gender, labels.truth.age};
}

void add_truth(FaceSet& set, const Photo& photo, const std::string& id, const PersonLabels& truth,
               const std::string& noise) {
  set.truth_csv += fmt::format("{},{},{},{},{},{},{}\n", photo.path.string(), id, mask_label(photo.number),
                               name_of(truth.gender), truth.age, face_class(photo.number, truth), noise);
}

// The wrong labels of this photo in the table and the file's name, for example "gender+mask".
std::string noise_text(const FaceLabels& labels, bool wrong_mask) {
  std::string text;
  const auto add = [&](bool wrong, const char* what) {
    if (wrong) text += (text.empty() ? "" : "+") + std::string(what);
  };
  add(labels.said.gender != labels.truth.gender, "gender");
  add(labels.said.age != labels.truth.age, "age");
  add(wrong_mask, "mask");
  return text;
}

void add_person(FaceSet& set, const MakeFacesOptions& options, std::uint32_t person) {
  const FaceLabels labels = draw_labels(options.seed, person, options.label_noise);
  const std::string id = fmt::format("{:06}", person + 1), gender(name_of(labels.said.gender));
  const std::string folder = fmt::format("{}_{}_Asian_{}", id, gender, labels.said.age);
  set.train_csv += fmt::format("{},{},Asian,{},{}\n", id, gender, labels.said.age, folder);
  set.made.wrong_genders += labels.said.gender != labels.truth.gender;
  set.made.wrong_ages += labels.said.age != labels.truth.age;
  for (std::size_t name = 0; name < kPhotosPerPerson; ++name) {
    const int number = labels.photo_of[name];
    const bool wrong_mask = mask_label(number) != mask_label(static_cast<int>(name));
    set.made.wrong_masks += wrong_mask;
    const fs::path path = fs::path("train/images") / folder / fmt::format("{}.jpg", kPhotoNames[name]);
    set.photos.push_back({drawn(options, person, labels), number, path});
    add_truth(set, set.photos.back(), id, labels.truth, noise_text(labels, wrong_mask));
  }
}

// The name reveals neither the person nor the labels.
std::string opaque_name(std::uint64_t seed, std::uint32_t person, int photo) {
  return sha256(fmt::format("{} {} {}", seed, person, photo)).substr(0, 40) + ".jpg";
}

void add_unlabelled(FaceSet& set, const MakeFacesOptions& options, std::int64_t photo) {
  const auto place = static_cast<std::uint32_t>(photo / kPhotosPerPerson);
  const auto number = static_cast<int>(photo % kPhotosPerPerson);
  const std::uint32_t person = kFirstUnlabelled + place;
  const FaceLabels labels = draw_labels(options.seed, person, 0);
  const std::string name = opaque_name(options.seed, person, number);
  set.unlabelled.push_back(name);
  set.photos.push_back({drawn(options, person, labels), number, fs::path("eval/images") / name});
  add_truth(set, set.photos.back(), fmt::format("u{:06}", place + 1), labels.truth, "");
}

FaceSet plan_faces(const MakeFacesOptions& options) {
  FaceSet set;
  for (std::uint32_t person = 0; person < options.persons; ++person) add_person(set, options, person);
  for (std::int64_t photo = 0; photo < options.unlabelled; ++photo) add_unlabelled(set, options, photo);
  std::sort(set.unlabelled.begin(), set.unlabelled.end());  // a list by person would reveal the groups
  set.made.photos = set.photos.size();
  set.made.persons =
      static_cast<std::size_t>(options.persons + (options.unlabelled + kPhotosPerPerson - 1) / kPhotosPerPerson);
  return set;
}

// No fsync here: it would take longer than drawing. finish_folder syncs all photos at once.
void write_photo(const fs::path& path, const std::vector<std::uint8_t>& jpeg) {
  std::ofstream file(path, std::ios::binary);
  if (file.write(reinterpret_cast<const char*>(jpeg.data()), static_cast<std::streamsize>(jpeg.size()))) file.close();
  if (!file) throw_file_error("write", path, errno);
}

// Workers take one photo at a time. The first error stops all workers.
class PhotoWriter {
 public:
  PhotoWriter(const std::vector<Photo>& photos, const fs::path& folder, const MakeFacesOptions& options)
      : photos_(photos), folder_(folder), options_(options) {}

  void run() {
    {
      std::vector<std::jthread> workers;
      for (int i = 0; i < std::max(1, options_.threads); ++i) workers.emplace_back([this] { work(); });
    }
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void work() {
    try {
      for (std::size_t i = next_++; i < photos_.size(); i = next_++) {
        if (stop_signal_received()) {
          throw StopRequested("stopped on request before {} was complete; run it again", options_.out.string());
        }
        fault_point("draw_face");
        write_photo(folder_ / photos_[i].path, draw_face(photos_[i].person, photos_[i].number));
        options_.progress(++done_, photos_.size());
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      next_ = photos_.size();
    }
  }

  const std::vector<Photo>& photos_;
  const fs::path folder_;
  const MakeFacesOptions& options_;
  std::atomic<std::size_t> next_{0}, done_{0};
  std::mutex mutex_;  // guards the members below
  std::exception_ptr failure_;
};

void require_free(const fs::path& out) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(out, error);
  if (status.type() == fs::file_type::not_found) return;
  if (!fs::is_directory(status)) {
    throw DataError("{} exists and is not a folder; give another with --out", out.string());
  }
  const bool empty = fs::is_empty(out, error);
  if (error) throw DataError("cannot read {}: {}", out.string(), error.message());
  if (!empty) {
    throw DataError(
        "the folder {} exists and is not empty; nothing in it is overwritten: give another with --out, or "
        "remove it",
        out.string());
  }
}

// Removes the remains of a killed run. A folder of that name with other content is not pleat's.
void remove_partial(const fs::path& partial) {
  std::error_code error;
  if (fs::symlink_status(partial, error).type() == fs::file_type::not_found) return;
  for (const auto& entry : fs::directory_iterator(partial, error)) {
    const std::string name = entry.path().filename().string();
    if (std::find(kOwnEntries.begin(), kOwnEntries.end(), name) == kOwnEntries.end()) {
      throw DataError(
          "{} is needed as a temporary folder for the faces, but it holds '{}'; move it away, or give another "
          "folder with --out",
          partial.string(), name);
    }
  }
  if (!error) fs::remove_all(partial, error);
  if (error) throw_file_error("remove", partial, error.value());
}

void write_set(const FaceSet& set, const fs::path& folder, const MakeFacesOptions& options) {
  make_folder(folder / "train/images");
  if (!set.unlabelled.empty()) make_folder(folder / "eval/images");
  fs::path last;
  for (const Photo& photo : set.photos) {
    if (photo.path.parent_path() == last) continue;
    last = photo.path.parent_path();
    make_folder(folder / last);
  }
  PhotoWriter(set.photos, folder, options).run();
  write_file(folder / "train/train.csv", set.train_csv);
  if (!set.unlabelled.empty()) {
    std::string info = "ImageID,ans\n";
    for (const std::string& name : set.unlabelled) info += name + ",0\n";
    write_file(folder / "eval/info.csv", info);
  }
  write_file(folder / "truth.csv", set.truth_csv);
}

// All photos reach the disk before the folder gets its final name.
void finish_folder(const fs::path& partial, const fs::path& out) {
  const int folder = ::open(partial.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) throw_file_error("open folder", partial, errno);
  const int error = ::syncfs(folder) == 0 ? 0 : errno;
  ::close(folder);
  if (error != 0) throw_file_error("write", partial, error);
  fault_point("publish_faces");
  if (::rename(partial.c_str(), out.c_str()) != 0) throw_file_error("write", out, errno);
}

}  // namespace

std::size_t photos_of(const MakeFacesOptions& options) {
  return static_cast<std::size_t>(options.persons * kPhotosPerPerson + options.unlabelled);
}

MadeFaces make_faces(const MakeFacesOptions& options) {
  check_options(options);
  fs::path out = fs::absolute(options.out).lexically_normal();
  if (!out.has_filename()) out = out.parent_path();  // "faces/"
  const fs::path partial = out.string() + ".partial";
  require_free(out);
  make_folder(out.parent_path());
  const FolderLock lock(out.string() + ".lock", {out.string(), "give another folder with --out", true});
  require_free(out);  // again: another run may have finished in between
  remove_partial(partial);
  quiet_opencv();
  const FaceSet set = plan_faces(options);
  try {
    write_set(set, partial, options);
    finish_folder(partial, out);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(partial, ignored);
    throw;
  }
  return set.made;
}

}  // namespace pleat
