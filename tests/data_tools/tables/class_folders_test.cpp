#include "data_tools/tables/class_folders.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "data/sample_table.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// Two classes of two photos. The content of the photos is never read.
class ClassFoldersTest : public testing::Test {
 protected:
  ClassFoldersTest() {
    for (const char* name : {"cat/1.jpg", "cat/2.jpg", "dog/1.jpg", "dog/2.jpg"}) add_file(folders.images / name);
  }

  static void add_file(const fs::path& path) {
    make_folder(path.parent_path());
    write_file(path, "photo");
  }

  std::vector<std::string> column(const std::string& name) const {
    const SampleTable table = read_samples(folders.out);
    return table.column(name);
  }

  std::string error() const {
    try {
      write_class_table(folders);
      return "accepted";
    } catch (const DataError& error) {
      EXPECT_FALSE(fs::exists(folders.out));
      return error.what();
    }
  }

  ScratchFolder folder;
  ClassFolders folders{.images = folder / "data/train", .out = folder / "out/samples.csv"};
};

TEST_F(ClassFoldersTest, WritesARowPerPhotoInTheOrderOfTheirNames) {
  const ClassTable made = write_class_table(folders);
  EXPECT_EQ(read_file(folders.out),
            "id,path,label,split\ncat/1,cat/1.jpg,cat,train\ncat/2,cat/2.jpg,cat,train\n"
            "dog/1,dog/1.jpg,dog,train\ndog/2,dog/2.jpg,dog,train\n");
  EXPECT_EQ(made.root, folders.images);
  EXPECT_EQ(made.train, 4u);
  ASSERT_EQ(made.classes.size(), 2u);
  EXPECT_EQ(made.classes[1].name, "dog");
  EXPECT_EQ(made.classes[1].train, 2u);
}

TEST_F(ClassFoldersTest, FurtherFoldersAreSplitsAndPathsStartFromWhatHoldsThemAll) {
  folders.test = folder / "data/test";
  folders.unlabelled = folder / "more";
  folders.column = "animal";
  add_file(folders.test / "dog/9.png");
  add_file(folders.unlabelled / "b.jpg");
  add_file(folders.unlabelled / "deep/a.jpg");
  const ClassTable made = write_class_table(folders);
  EXPECT_EQ(made.root, fs::weakly_canonical(folder.path()));
  EXPECT_EQ(made.test, 1u);
  EXPECT_EQ(made.unlabelled, 2u);
  EXPECT_EQ(made.classes[1].test, 1u);
  const std::string text = read_file(folders.out);
  EXPECT_THAT(text, HasSubstr("id,path,animal,split\ndata/train/cat/1,data/train/cat/1.jpg,cat,train\n"));
  EXPECT_TRUE(
      text.ends_with("\ndata/test/dog/9,data/test/dog/9.png,dog,test\nmore/b,more/b.jpg,,unlabelled\n"
                     "more/deep/a,more/deep/a.jpg,,unlabelled\n"))
      << text;
  for (const std::string& path : column("path")) EXPECT_TRUE(fs::exists(made.root / path)) << path;
}

TEST_F(ClassFoldersTest, TakesAllEndingsAndFoldersBelowAndCountsWhatItLeavesOut) {
  for (const char* name : {"3.JPEG", "4.Png", "5.webp", "6.bmp", "7.tif", "8.TIFF", "9.jfif", "10.JPE", "11.HEIC",
                           "12.avif", "13.gif", "night/old/1.jpg"})
    add_file(folders.images / "cat" / name);
  for (const char* name : {"README.md", "cat/1.xmp", "cat/.hidden.jpg", ".git/x.jpg", ".DS_Store"})
    add_file(folders.images / name);
  const ClassTable made = write_class_table(folders);
  EXPECT_EQ(made.classes[0].train, 14u);
  EXPECT_THAT(column("path"), testing::Contains("cat/night/old/1.jpg"));
  EXPECT_THAT(made.left_out.others,
              testing::UnorderedElementsAre(folders.images / "README.md", folders.images / "cat/1.xmp"));
  EXPECT_THAT(left_out_warnings(made.left_out), testing::IsEmpty());
}

// Each holds thumbnails, deleted photos or earlier versions of photos, which would be a class of their own or twice in
// a class.
TEST_F(ClassFoldersTest, FoldersOfNetworkStorageAndSystemsGiveNoClassAndNoPhoto) {
  for (const char* name : {"@eaDir", "#recycle", "#Recycle", "#snapshot", "@Recycle", "@Recently-Snapshot", "__MACOSX",
                           "$RECYCLE.BIN", "$Recycle.Bin", "RECYCLER", "System Volume Information", "lost+found",
                           "FOUND.000", "Network Trash Folder", "Temporary Items", ".Trash-1000"}) {
    add_file(folders.images / name / "cat/1.jpg");
    add_file(folders.images / "cat" / name / "SYNOPHOTO_THUMB_XL.jpg");
  }
  for (const char* name : {"Thumbs.db", "desktop.ini", "1.jpg@SynoEAStream", "Icon\r"})
    add_file(folders.images / "dog" / name);
  const ClassTable made = write_class_table(folders);
  EXPECT_THAT(column("path"), ElementsAre("cat/1.jpg", "cat/2.jpg", "dog/1.jpg", "dog/2.jpg"));
  EXPECT_EQ(made.left_out.system.size(), 2 * 15u + 4);
  EXPECT_THAT(left_out_notes(made.left_out),
              ElementsAre(AllOf(HasSubstr("skipped 34 files or folders of the operating "), HasSubstr("#Recycle"),
                                HasSubstr(", …)"))));
}

TEST_F(ClassFoldersTest, PicturesThatAreNotReadAreCountedByKind) {
  for (const char* name : {"1.CR2", "2.nef", "3.dng", "a.psd", "b.mp4", "c.jxl", "d.pdf", "photos.zip"})
    add_file(folders.images / "cat" / name);
  write_file(folders.images / "cat/image.jpg_large", "\xFF\xD8\xFF\xE0");
  write_file(folders.images / "cat/download", "RIFF....WEBPVP8 ");
  const ClassTable made = write_class_table(folders);
  EXPECT_EQ(made.classes[0].train, 2u);
  const std::vector<std::string> lines = left_out_warnings(made.left_out);
  for (const char* part :
       {"left out 3 raw photos (", "cat/1.CR2", "convert them to JPEG or TIFF", "1 Photoshop file (", "1 video (",
        "1 JPEG XL picture (", "1 drawing or document (", "1 archive (", "2 files (", "cat/image.jpg_large"}) {
    EXPECT_THAT(lines, testing::Contains(HasSubstr(part))) << part;
  }
  EXPECT_EQ(lines.size(), 7u);
}

TEST_F(ClassFoldersTest, AClassOfOtherFilesSaysSo) {
  add_file(folders.images / "bird/1.cr2");
  add_file(folders.images / "bird/2.cr2");
  EXPECT_THAT(error(), HasSubstr("bird holds no photo, only 2 files without the name of one (.jpg, "));
}

TEST_F(ClassFoldersTest, IdsKeepTheirEndingWhereTwoWouldBeOne) {
  for (const char* name : {"cat/1.png", "cat/2.jpg.png", "cat/3.x.jpg"}) add_file(folders.images / name);
  write_class_table(folders);
  EXPECT_THAT(column("id"),
              ElementsAre("cat/1.jpg", "cat/1.png", "cat/2", "cat/2.jpg.png", "cat/3.x", "dog/1", "dog/2"));
}

TEST_F(ClassFoldersTest, NamesWithCommasQuotesAndNewlinesAreReadBack) {
  const std::string odd = "a, \"b\"\nc";
  add_file(folders.images / odd / (odd + ".jpg"));
  add_file(folders.images / "größe" / "ß.jpg");
  write_class_table(folders);
  EXPECT_THAT(column("label"), AllOf(testing::Contains(odd), testing::Contains("größe")));
  EXPECT_THAT(column("path"), testing::Contains(odd + "/" + odd + ".jpg"));
}

TEST_F(ClassFoldersTest, LinksKeepTheirNames) {
  fs::rename(folders.images / "cat", folder / "elsewhere");
  fs::create_directory_symlink(folder / "elsewhere", folders.images / "cat");
  fs::rename(folders.images / "dog/1.jpg", folder / "photo.bin");
  fs::create_symlink(folder / "photo.bin", folders.images / "dog/1.jpg");
  write_class_table(folders);
  EXPECT_THAT(column("path"), ElementsAre("cat/1.jpg", "cat/2.jpg", "dog/1.jpg", "dog/2.jpg"));
}

TEST_F(ClassFoldersTest, LinksBackAndFoldersWithTwoNamesAreNamed) {
  fs::create_directory_symlink("..", folders.images / "cat/up");
  fs::create_directory_symlink("/", folders.images / "cat/top");
  fs::create_directory_symlink("dog", folders.images / "wolf");
  const std::string message = error();
  for (const char* part : {"cat/up is a link back to ", "cat/top is a link back to /", "wolf is the same folder as ",
                           "dog, so its photos would occur twice", ": 3 problems, "}) {
    EXPECT_THAT(message, HasSubstr(part));
  }
}

// A broken link may have been a class.
TEST_F(ClassFoldersTest, LinksThatLeadNowhereAreNamedWhateverTheirEndings) {
  fs::create_symlink("/nowhere", folders.images / "bird");
  fs::create_symlink("itself", folders.images / "itself");
  fs::create_symlink("nowhere", folders.images / "cat/more");
  fs::create_symlink("loop.jpg", folders.images / "cat/loop.jpg");
  fs::create_symlink("nowhere", folders.images / "cat/notes.txt");
  fs::create_symlink("1.jpg/below", folders.images / "cat/below");
  const std::string message = error();
  for (const char* part :
       {": 6 problems, ", "train/bird is a broken link: No such file or directory; repair it, or remove it",
        "train/itself is a broken link: Too many levels", "cat/more is a broken link", "cat/loop.jpg is a broken link",
        "cat/notes.txt is a broken link", "cat/below is a broken link: Not a directory"}) {
    EXPECT_THAT(message, HasSubstr(part));
  }
}

TEST_F(ClassFoldersTest, ListsAllProblemsAtOnceAndWritesNothing) {
  folders.test = folder / "data/test";
  folders.unlabelled = folder / "more";
  make_folder(folders.unlabelled);
  add_file(folders.images / "loose.jpg");
  add_file(folders.images / "another.png");
  add_file(folders.images / "empty/notes.txt");
  fs::create_symlink("nowhere", folders.images / "dog/dead.jpg");
  add_file(folders.images / "dog/caf\xE9.jpg");
  add_file(folders.test / "bird/1.jpg");
  const std::string message = error();
  for (const char* part :
       {"data/train: 6 problems, ", "samples.csv is not written", "2 photos in ", "('another.png', …)",
        "the class folder ", "empty holds no photo", "dog/dead.jpg is a broken link", "dog/caf\\xE9.jpg is not UTF-8",
        "there is no folder 'bird' in ", "more holds no photo"}) {
    EXPECT_THAT(message, HasSubstr(part));
  }
}

TEST_F(ClassFoldersTest, OfManyProblemsAScreenfulIsNamed) {
  for (int i = 0; i < 30; ++i) make_folder(folders.images / ("empty" + std::to_string(i)));
  const std::string message = error();
  EXPECT_THAT(message, AllOf(HasSubstr(": 30 problems, "), HasSubstr("… and 10 more")));
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 21);
}

TEST_F(ClassFoldersTest, AFolderTooFarUpOrDownIsExplained) {
  folders.images = folder / "data/train/cat";
  EXPECT_THAT(error(), AllOf(HasSubstr("holds no class folder, expected two or more"), HasSubstr("2 photos in ")));
  add_file(folder / "data/val/cat/1.jpg");
  add_file(folder / "data/new/1.jpg");
  folders.images = folder / "data";
  EXPECT_THAT(error(), AllOf(HasSubstr("'train', 'val' in "), HasSubstr("data/train, for example")));
  fs::remove_all(folder / "data/train/dog");
  folders.images = folder / "data/train";
  EXPECT_THAT(error(), HasSubstr("holds one class folder, expected two or more"));
}

TEST_F(ClassFoldersTest, FoldersThatAreNotThereAreNamedWithTheirFlag) {
  folders.unlabelled = folder / "nowhere";
  EXPECT_THAT(error(), AllOf(HasSubstr("nowhere"), HasSubstr("--unlabelled")));
  folders.test = folder / "data/train/cat/1.jpg";
  EXPECT_THAT(error(), AllOf(HasSubstr("1.jpg"), HasSubstr("--test")));
  folders.images = folder / std::string(300, 'x');
  EXPECT_THAT(error(), HasSubstr("--images"));
}

TEST_F(ClassFoldersTest, TheSamePhotosAreNeverInTwoSplits) {
  folders.test = folders.images;
  EXPECT_THAT(error(), HasSubstr("is the same folder as "));
  folders.test = folder / "data/test";
  fs::create_directory_symlink(folders.images, folders.test);
  EXPECT_THAT(error(), HasSubstr("is the same folder as "));
  fs::remove(folders.test);
  make_folder(folders.test);
  fs::create_directory_symlink(folders.images / "dog", folders.test / "dog");
  EXPECT_THAT(error(), HasSubstr("data/test/dog is the same folder as "));
}

TEST_F(ClassFoldersTest, ColumnsThatCannotBeAreRefused) {
  for (const std::string& name :
       {std::string(), std::string("id"), std::string("path"), std::string("split"), std::string("."),
        std::string("a/b"), std::string("caf\xE9"), std::string(4097, 'x')}) {
    folders.column = name;
    EXPECT_THROW(write_class_table(folders), UsageError) << name;
  }
  add_file(folders.images / "train/1.jpg");  // photos of trains: a class, not a part of the data set
  folders.column = "a, b";
  write_class_table(folders);
  EXPECT_THAT(read_samples(folders.out).names, ElementsAre("id", "path", "a, b", "split"));
}

TEST_F(ClassFoldersTest, NeverReplacesWhatItDidNotWrite) {
  write_class_table(folders);
  write_class_table(folders);  // overwrites its own table
  folders.out = folder / "thesis.txt";
  write_file(folders.out, "text");
  EXPECT_THROW(write_class_table(folders), DataError);
  EXPECT_EQ(read_file(folders.out), "text");
}

}  // namespace
}  // namespace pleat
