#include "data_tools/tables/photo_table.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/files.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

// The content of the photos is never read.
class PhotoTableTest : public testing::Test {
 protected:
  void add(const char* name) const {
    make_folder((images / name).parent_path());
    write_file(images / name, "photo");
  }
  std::string error() const {
    try {
      table_of_photos(images, "--images");
      return "accepted";
    } catch (const DataError& error) {
      return error.what();
    }
  }

  ScratchFolder folder;
  const fs::path images = folder / "new";
};

TEST_F(PhotoTableTest, HasEveryPhotoBelowTheFolderByItsPath) {
  for (const char* name : {"b.JPG", "a/2.png", "a/1.heic", "a/b/c, d.webp", "@eaDir/b.JPG/thumb.jpg", "notes.txt",
                           "raw.cr2", ".hidden/x.jpg"})
    add(name);
  const PhotoTable table = table_of_photos(images, "--images");
  EXPECT_THAT(table.samples.column("path"), ElementsAre("a/1.heic", "a/2.png", "a/b/c, d.webp", "b.JPG"));
  EXPECT_EQ(table.samples.column("id"), table.samples.column("path"));
  EXPECT_EQ(table.left_out.count(), 3u);
  check_table(table.samples, "the table");
}

TEST_F(PhotoTableTest, AFolderWithoutPhotosOrWithLoopsIsNamed) {
  EXPECT_THAT(error(), testing::AllOf(HasSubstr("new"), HasSubstr("--images")));
  add("notes.txt");
  EXPECT_THAT(error(), HasSubstr("holds no photo, only 1 other file; expected files with the ending .jpg, "));
  add("a.jpg");
  fs::create_directory_symlink("..", images / "up");
  fs::create_symlink("nowhere", images / "dead.jpg");
  EXPECT_THAT(error(), testing::AllOf(HasSubstr(": 2 problems; "), HasSubstr("is a link back to"),
                                      HasSubstr("dead.jpg is a broken link")));
}

}  // namespace
}  // namespace pleat
