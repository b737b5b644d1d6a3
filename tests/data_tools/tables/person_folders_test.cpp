#include "data_tools/tables/person_folders.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "data/sample_table.h"
#include "data_tools/drawn_faces/make_faces.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

// Two persons. The content of the photos is never read.
class PersonFoldersTest : public testing::Test {
 protected:
  PersonFoldersTest() {
    for (const char* person : {"000001_male_Asian_31", "000002_female_Asian_60"}) {
      for (const char* name : {"mask1", "mask2", "mask3", "mask4", "mask5", "incorrect_mask", "normal"}) {
        add_file(fs::path(folders.images) / person / (std::string(name) + ".jpg"));
      }
    }
    table("000001,male,Asian,31,000001_male_Asian_31\n000002,female,Asian,60,000002_female_Asian_60\n");
  }

  static void add_file(const fs::path& path) {
    make_folder(path.parent_path());
    write_file(path, "photo");
  }

  void table(const std::string& rows) const { write_file(folders.csv, "id,gender,race,age,path\n" + rows); }

  std::string error() const {
    try {
      write_person_table(folders);
      return "accepted";
    } catch (const DataError& error) {
      EXPECT_FALSE(fs::exists(folders.out));
      return error.what();
    }
  }

  ScratchFolder folder;
  PersonFolders folders{folder / "train/train.csv", folder / "train/images", {}, folder / "out/samples.csv"};
  fs::path first = folders.images / "000001_male_Asian_31";
};

TEST_F(PersonFoldersTest, FoldersOfNetworkStorageAndSystemsAreNoPersonsAndNoPhotos) {
  folders.unlabelled = folder / "eval";
  for (const char* name : {"@eaDir", "__MACOSX", "$RECYCLE.BIN", "lost+found"}) {
    for (const fs::path& around : {folders.images, first, folders.unlabelled}) add_file(around / name / "mask1.jpg");
  }
  add_file(folders.unlabelled / "Thumbs.db");
  add_file(folders.unlabelled / "1.jfif");
  fs::rename(first / "normal.jpg", first / "normal.JPE");
  EXPECT_EQ(write_person_table(folders).photos, 14u);
  EXPECT_EQ(read_samples(folders.out).rows(), 15u);
}

// Photos are links to another folder. prepare refuses paths that leave the image folder.
TEST_F(PersonFoldersTest, LinksKeepTheirNames) {
  fs::rename(first, folder / "elsewhere");
  fs::create_directory_symlink(folder / "elsewhere", first);
  fs::rename(first / "normal.jpg", folder / "photo.jpg");
  fs::create_symlink(folder / "photo.jpg", first / "normal.jpg");
  write_person_table(folders);
  const SampleTable samples = read_samples(folders.out);
  ASSERT_EQ(samples.rows(), 14u);
  for (const std::string& path : samples.column("path")) {
    EXPECT_THAT(path, testing::Not(HasSubstr(".."))) << path;
    EXPECT_TRUE(fs::exists(folders.images / path)) << path;
  }
}

TEST_F(PersonFoldersTest, WritesARowPerPhoto) {
  const PersonTable made = write_person_table(folders);
  EXPECT_EQ(made.persons, 2u);
  EXPECT_EQ(made.photos, 14u);
  EXPECT_EQ(made.root, folders.images);
  const SampleTable samples = read_samples(folders.out);
  EXPECT_THAT(samples.names, ElementsAre("id", "path", "mask", "gender", "age", "person", "split"));
  ASSERT_EQ(samples.rows(), 14u);
  const auto row = [&](std::size_t i) {
    std::vector<std::string> values;
    for (const auto& column : samples.values) values.push_back(column[i]);
    return values;
  };
  EXPECT_THAT(row(0),
              ElementsAre("000001-mask1", "000001_male_Asian_31/mask1.jpg", "wear", "male", "31", "000001", "train"));
  EXPECT_THAT(row(12), ElementsAre("000002-incorrect_mask", "000002_female_Asian_60/incorrect_mask.jpg", "incorrect",
                                   "female", "60", "000002", "train"));
  EXPECT_EQ(samples.column("mask")[13], "normal");
}

TEST_F(PersonFoldersTest, UnlabelledPhotosHaveNeitherLabelsNorPerson) {
  folders.unlabelled = folder / "eval/images";
  add_file(folders.unlabelled / "b.png");
  add_file(folders.unlabelled / "a.JPG");
  add_file(folders.unlabelled / ".DS_Store");
  const PersonTable made = write_person_table(folders);
  EXPECT_EQ(made.unlabelled, 2u);
  EXPECT_EQ(made.root, fs::weakly_canonical(folder.path()));
  const std::string text = read_file(folders.out);
  EXPECT_THAT(text,
              HasSubstr("\n000001-mask1,train/images/000001_male_Asian_31/mask1.jpg,wear,male,31,000001,train\n"));
  EXPECT_TRUE(text.ends_with("\na,eval/images/a.JPG,,,,,unlabelled\nb,eval/images/b.png,,,,,unlabelled\n")) << text;
  const SampleTable samples = read_samples(folders.out);
  for (const std::string& path : samples.column("path")) EXPECT_TRUE(fs::exists(made.root / path));
}

TEST_F(PersonFoldersTest, TakesOtherEndingsAndLeavesHiddenFilesOut) {
  fs::rename(first / "mask3.jpg", first / "mask3.png");
  fs::rename(first / "normal.jpg", first / "normal.JPEG");
  add_file(first / "._mask3.png");
  add_file(folders.images / ".DS_Store");
  write_person_table(folders);
  EXPECT_THAT(read_file(folders.out), HasSubstr("000001-mask3,000001_male_Asian_31/mask3.png,wear"));
}

TEST_F(PersonFoldersTest, ListsAllProblemsAtOnceAndWritesNothing) {
  fs::remove(first / "mask2.jpg");
  add_file(first / "normal.png");
  add_file(folders.images / "000009_male_Asian_20/mask1.jpg");
  table(
      "000001,man,Asian,31,000001_male_Asian_31\n"
      "000002,female,Asian,60.5,000002_female_Asian_60\n"
      "000003,female,Asian,,000003_female_Asian_\n"
      "000004,male,Asian,31,000001_male_Asian_31\n");
  const std::string message = error();
  for (const char* part :
       {"train.csv: 8 problems, ", "samples.csv is not written", "line 2: gender 'man' is neither male nor female",
        "000001_male_Asian_31 has no photo mask2.jpg", "normal.png is a second photo of its name",
        "line 3: age '60.5' is not a whole number from 0 to 120", "line 4: age '' is not",
        "line 4: id '000003': there is no folder '000003_female_Asian_'",
        "line 5: folder '000001_male_Asian_31' is in line 2 already", "'000009_male_Asian_20' in"}) {
    EXPECT_THAT(message, HasSubstr(part));
  }
}

TEST_F(PersonFoldersTest, NothingOfATableBreaksALineOrSteersATerminal) {
  add_file(folders.images / "\x1B[2Jface");
  table(
      "\x1B[1m,\x1B[31m,Asian,\"3\n1\",\"no\n\x1B[7mfolder\"\n"
      "000001,male,Asian,31,000001_male_Asian_31\n000002,female,Asian,60,000002_female_Asian_60\n");
  const std::string message = error();
  EXPECT_EQ(message.find('\x1B'), std::string::npos) << message;
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 4) << message;  // a line for each problem
  for (const char* part : {": 4 problems, ", "gender '\\x1B[31m'", "age '3\\n1'",
                           "id '\\x1B[1m': there is no folder 'no\\n\\x1B[7mfolder' in ", "'\\x1B[2Jface' in "}) {
    EXPECT_THAT(message, HasSubstr(part));
  }
}

TEST_F(PersonFoldersTest, RefusesTablesAndFoldersThatAreNotThere) {
  write_file(folders.csv, "id,gender,age,path\n1,male,20,a\n1,male,20,b\n");
  EXPECT_THAT(error(), HasSubstr("'1'"));
  write_file(folders.csv, "id,gender,path\n1,male,a\n");
  EXPECT_THAT(error(), HasSubstr("column 'age' is missing"));
  table("000001,male,Asian,31,000001_male_Asian_31\n");
  folders.images = folder / "nowhere";
  EXPECT_THAT(error(), testing::AllOf(HasSubstr("nowhere"), HasSubstr("--images")));
}

TEST_F(PersonFoldersTest, RefusesUnlabelledFilesThatAreNoPhotos) {
  folders.unlabelled = folder / "eval/images";
  make_folder(folders.unlabelled);
  EXPECT_THAT(error(), HasSubstr("holds no photo"));
  for (const char* name : {"a.jpg", "a.png", "notes.txt"}) add_file(folders.unlabelled / name);
  EXPECT_THAT(error(), testing::AllOf(HasSubstr("2 problems"), HasSubstr("a.png and another photo there differ only"),
                                      HasSubstr("notes.txt is not a photo")));
}

TEST_F(PersonFoldersTest, NeverReplacesWhatItDidNotWrite) {
  write_person_table(folders);
  write_person_table(folders);  // overwrites its own table
  folders.out = folder / "thesis.txt";
  write_file(folders.out, "text");
  EXPECT_THROW(write_person_table(folders), DataError);
  folders.out = folders.csv;
  EXPECT_THROW(write_person_table(folders), UsageError);
  EXPECT_EQ(read_file(folder / "thesis.txt"), "text");
}

TEST(PersonFoldersOfDrawnFaces, AreReadAsTheyWereMade) {
  const ScratchFolder folder;
  make_faces({.out = folder / "faces", .persons = 2, .unlabelled = 3});
  const PersonTable made = write_person_table({folder / "faces/train/train.csv", folder / "faces/train/images",
                                               folder / "faces/eval/images", folder / "samples.csv"});
  EXPECT_EQ(made.photos, 14u);
  EXPECT_EQ(made.unlabelled, 3u);
  EXPECT_EQ(read_samples(folder / "samples.csv").rows(), 17u);
}

}  // namespace
}  // namespace pleat
