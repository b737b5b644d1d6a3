#include "data_tools/drawn_faces/make_faces.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <map>
#include <opencv2/imgcodecs.hpp>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/files.h"
#include "data_tools/drawn_faces/face_labels.h"
#include "support/fault_process.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

// Every file below the folder and its content.
std::map<std::string, std::string> content_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = read_file(entry.path());
  }
  return files;
}

// Rows of a CSV without quotes, by the names in its header.
std::vector<std::map<std::string, std::string>> rows_of(const fs::path& csv) {
  std::istringstream lines(read_file(csv));
  const auto split = [](const std::string& line) {
    std::vector<std::string> fields;
    std::string field;
    for (std::istringstream text(line + ","); std::getline(text, field, ',');) fields.push_back(field);
    return fields;
  };
  std::string line;
  std::getline(lines, line);
  const std::vector<std::string> names = split(line);
  std::vector<std::map<std::string, std::string>> rows;
  while (std::getline(lines, line)) {
    const std::vector<std::string> fields = split(line);
    EXPECT_EQ(fields.size(), names.size()) << line;
    for (auto& row = rows.emplace_back(); row.size() < names.size();) row[names[row.size()]] = fields[row.size()];
  }
  return rows;
}

std::string error_of(const MakeFacesOptions& options, ExitCode code) {
  try {
    make_faces(options);
    return "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    return error.what();
  }
}

TEST(MakeFaces, HasTheContestsLayout) {
  const ScratchFolder folder;
  const MadeFaces made = make_faces({.out = folder / "faces", .persons = 2, .unlabelled = 9, .label_noise = 0});
  EXPECT_EQ(made.photos, 2 * 7 + 9u);
  EXPECT_EQ(made.persons, 2 + 2u);
  const auto persons = rows_of(folder / "faces/train/train.csv");
  ASSERT_EQ(persons.size(), 2u);
  std::set<std::string> expected = {"train/train.csv", "eval/info.csv", "truth.csv"};
  for (const auto& person : persons) {
    EXPECT_EQ(person.at("path"), person.at("id") + "_" + person.at("gender") + "_Asian_" + person.at("age"));
    for (const char* name : {"mask1", "mask2", "mask3", "mask4", "mask5", "incorrect_mask", "normal"}) {
      expected.insert("train/images/" + person.at("path") + "/" + name + ".jpg");
    }
  }
  for (const auto& photo : rows_of(folder / "faces/eval/info.csv")) {
    EXPECT_EQ(photo.at("ans"), "0");
    expected.insert("eval/images/" + photo.at("ImageID"));
  }
  std::set<std::string> found;
  for (const auto& [path, bytes] : content_of(folder / "faces")) {
    found.insert(path);
    if (!path.ends_with(".jpg")) continue;
    const cv::Mat image = cv::imread((folder / "faces") / path);
    EXPECT_EQ(image.size(), cv::Size(384, 512)) << path;
  }
  EXPECT_EQ(found, expected);
  EXPECT_EQ(expected.size(), 3 + 2 * 7 + 9u);
}

TEST(MakeFaces, IsAFunctionOfTheSeedWhateverTheThreads) {
  const ScratchFolder folder;
  const auto make = [&](const char* name, std::uint64_t seed, int threads) {
    make_faces(
        {.out = folder / name, .persons = 3, .unlabelled = 3, .label_noise = 0.3, .seed = seed, .threads = threads});
    return content_of(folder / name);
  };
  const auto one = make("one", 7, 1), many = make("many", 7, 5), other = make("other", 8, 2);
  EXPECT_EQ(one, many);
  for (const auto& [path, bytes] : one) EXPECT_TRUE(!other.contains(path) || other.at(path) != bytes) << path;
}

TEST(MakeFaces, MorePersonsOrPhotosLeaveTheOthersAsTheyWere) {
  const ScratchFolder folder;
  make_faces({.out = folder / "few", .persons = 1, .unlabelled = 2});
  make_faces({.out = folder / "more", .persons = 2, .unlabelled = 4});
  const auto few = content_of(folder / "few"), more = content_of(folder / "more");
  for (const auto& [path, bytes] : few) {
    if (!path.ends_with(".jpg")) continue;
    EXPECT_TRUE(more.contains(path) && more.at(path) == bytes) << path;
  }
}

TEST(MakeFaces, NoiseChangesWhatIsSaidAndNotWhatIsDrawn) {
  const ScratchFolder folder;
  make_faces({.out = folder / "right", .persons = 5, .label_noise = 0});
  const MadeFaces made = make_faces({.out = folder / "wrong", .persons = 5, .label_noise = 0.5});
  EXPECT_GT(made.wrong_genders + made.wrong_ages + made.wrong_masks, 0u);
  const auto pictures = [](const fs::path& path) {
    std::multiset<std::string> all;
    for (const auto& [name, bytes] : content_of(path)) {
      if (name.ends_with(".jpg")) all.insert(bytes);
    }
    return all;
  };
  EXPECT_EQ(pictures(folder / "right"), pictures(folder / "wrong"));
}

// In every row, exactly the labels that truth.csv calls wrong must be wrong.
TEST(MakeFaces, TheTruthAgreesWithTheTableButForWhatItNames) {
  const ScratchFolder folder;
  make_faces({.out = folder / "faces", .persons = 8, .unlabelled = 7, .label_noise = 0.4});
  std::map<std::string, std::map<std::string, std::string>> said;
  for (const auto& person : rows_of(folder / "faces/train/train.csv")) said[person.at("id")] = person;
  const auto truth = rows_of(folder / "faces/truth.csv");
  EXPECT_EQ(truth.size(), 8 * 7 + 7u);
  for (const auto& row : truth) {
    const fs::path path = row.at("path");
    EXPECT_TRUE(fs::exists(folder / "faces" / path)) << path;
    const std::string& noise = row.at("noise");
    const int mask = row.at("mask") == "wear" ? 0 : row.at("mask") == "incorrect" ? 1 : 2;
    const int age = std::stoi(row.at("age"));
    EXPECT_EQ(std::stoi(row.at("class")), mask * 6 + (row.at("gender") == "female" ? 3 : 0) +
                                              (age < 30   ? 0
                                               : age < 60 ? 1
                                                          : 2));
    if (path.string().starts_with("eval")) {
      EXPECT_EQ(noise, "");
      continue;
    }
    const auto& table = said.at(row.at("person"));
    EXPECT_EQ(table.at("gender") != row.at("gender"), noise.find("gender") != std::string::npos) << path;
    EXPECT_EQ(table.at("age") != row.at("age"), noise.find("age") != std::string::npos) << path;
    const std::string name = path.stem();
    const int said_mask = name.starts_with("mask") ? 0 : name == "incorrect_mask" ? 1 : 2;
    EXPECT_EQ(said_mask != mask, noise.find("mask") != std::string::npos) << path;
  }
}

TEST(FaceLabels, AreWrongAboutAsOftenAsAsked) {
  constexpr int kPersons = 20'000;
  constexpr double kNoise = 0.02;
  int genders = 0, ages = 0, masks = 0;
  for (std::uint32_t person = 0; person < kPersons; ++person) {
    const FaceLabels labels = draw_labels(1, person, kNoise);
    genders += labels.said.gender != labels.truth.gender;
    ages += labels.said.age != labels.truth.age;
    // A moved age is in another class; within its class it would not be a mistake.
    EXPECT_EQ(labels.said.age != labels.truth.age,
              face_class(0, {Gender::kMale, labels.said.age}) != face_class(0, {Gender::kMale, labels.truth.age}));
    std::array<int, kPhotosPerPerson> sorted = labels.photo_of;
    std::sort(sorted.begin(), sorted.end());
    for (int i = 0; i < kPhotosPerPerson; ++i) {
      EXPECT_EQ(sorted[static_cast<std::size_t>(i)], i);  // every photo once
      masks += mask_label(labels.photo_of[static_cast<std::size_t>(i)]) != mask_label(i);
    }
  }
  EXPECT_NEAR(genders, kNoise * kPersons, 0.15 * kNoise * kPersons);
  EXPECT_NEAR(ages, kNoise * kPersons, 0.15 * kNoise * kPersons);
  EXPECT_NEAR(masks, kNoise * kPersons * kPhotosPerPerson, 0.1 * kNoise * kPersons * kPhotosPerPerson);
}

TEST(FaceLabels, CoverTheClassesUnevenly) {
  constexpr int kPersons = 20'000;
  std::map<int, int> ages;
  int female = 0;
  for (std::uint32_t person = 0; person < kPersons; ++person) {
    const PersonLabels truth = draw_labels(1, person, 0).truth;
    ++ages[truth.age];
    female += truth.gender == Gender::kFemale;
  }
  EXPECT_EQ(ages.begin()->first, 18);
  EXPECT_EQ(ages.rbegin()->first, 60);
  EXPECT_EQ(ages.size(), 43u);
  EXPECT_NEAR(ages[60], 0.10 * kPersons, 0.01 * kPersons);
  EXPECT_GT(ages[20], 2 * ages[38]);
  EXPECT_GT(ages[57], 3 * ages[38] / 2);
  EXPECT_NEAR(female, 0.58 * kPersons, 0.02 * kPersons);
}

TEST(MakeFaces, RefusesAFolderThatHoldsAnything) {
  const ScratchFolder folder;
  make_folder(folder / "full");
  write_file(folder / "full/thesis.txt", "text");
  EXPECT_THAT(error_of({.out = folder / "full", .persons = 1}, ExitCode::kData),
              AllOf(HasSubstr("full exists and is not empty"), HasSubstr("--out")));
  EXPECT_THAT(error_of({.out = folder / "full/thesis.txt", .persons = 1}, ExitCode::kData),
              HasSubstr("is not a folder"));
  make_folder(folder / "new.partial");
  write_file(folder / "new.partial/thesis.txt", "text");
  EXPECT_THAT(error_of({.out = folder / "new", .persons = 1}, ExitCode::kData), HasSubstr("holds 'thesis.txt'"));
  EXPECT_EQ(read_file(folder / "full/thesis.txt") + read_file(folder / "new.partial/thesis.txt"), "texttext");
  make_folder(folder / "empty");
  make_faces({.out = fs::path(folder / "empty").string() + "/", .persons = 1});
  EXPECT_TRUE(fs::exists(folder / "empty/truth.csv"));
}

TEST(MakeFaces, RefusesNumbersOutOfTheirBounds) {
  const ScratchFolder folder;
  const fs::path out = folder / "faces";
  EXPECT_THAT(error_of({.out = out, .persons = 0}, ExitCode::kUsage), HasSubstr("--persons 0: expected 1 to"));
  EXPECT_THAT(error_of({.out = out, .persons = -3}, ExitCode::kUsage), HasSubstr("--persons -3: expected 1 to"));
  EXPECT_THAT(error_of({.out = out, .persons = 1, .unlabelled = -1}, ExitCode::kUsage), HasSubstr("--unlabelled -1"));
  EXPECT_THAT(error_of({.out = out, .persons = 1'000'000}, ExitCode::kUsage), HasSubstr("--persons 1000000"));
  EXPECT_THAT(error_of({.out = out, .persons = 1, .unlabelled = 7'000'000}, ExitCode::kUsage),
              HasSubstr("--unlabelled 7000000"));
  for (const double noise : {-0.01, 0.51, std::nan("")}) {
    EXPECT_THAT(error_of({.out = out, .persons = 1, .label_noise = noise}, ExitCode::kUsage),
                HasSubstr("expected 0 to 0.5"));
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(MakeFaces, AKillLeavesNoFolderAndTheNextRunCleansUp) {
  for (const char* fault : {"draw_face:3:kill", "write_file:2:kill", "publish_faces:1:kill"}) {
    const ScratchFolder folder;
    const fs::path out = folder / "faces";
    EXPECT_EQ(outcome_under_fault(fault, [&] { make_faces({.out = out, .persons = 1}); }), -SIGKILL) << fault;
    EXPECT_FALSE(fs::exists(out)) << fault;
    make_faces({.out = out, .persons = 1});
    EXPECT_EQ(content_of(folder.path()).size(), 9u) << fault;  // no partial, no lock
  }
}

TEST(MakeFaces, AFullDiskLeavesNothingBehind) {
  const ScratchFolder folder;
  for (const char* fault : {"draw_face:3:nospace", "write_file:2:nospace", "publish_faces:1:nospace"}) {
    EXPECT_EQ(outcome_under_fault(fault, [&] { make_faces({.out = folder / "faces", .persons = 1}); }), 3) << fault;
    EXPECT_TRUE(fs::is_empty(folder.path())) << fault;
  }
}

}  // namespace
}  // namespace pleat
