#include "data_tools/tables/photo_names.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

TEST(PhotoNames, EndingsAreThoseOfTheFormatsInUpperOrLowerCase) {
  EXPECT_EQ(photo_endings_text(),
            ".jpg, .jpeg, .jpe, .jfif, .png, .webp, .bmp, .tif, .tiff, .heic, .heif, .hif, .avif, .gif");
  for (const char* name : {"a.jpg", "a.b.JPeG", "a.HEIC", "a.gif"}) {
    EXPECT_TRUE(is_photo_name(name)) << name;
    EXPECT_EQ(unread_kind(name), nullptr) << name;
  }
  for (const char* name : {"a", "jpg", ".jpg", "a.jpg.txt", "a.jpg~", "a.cr2"})
    EXPECT_FALSE(is_photo_name(name)) << name;
}

// Words that a class or a photo could have.
TEST(PhotoNames, ClassesAreNoSystemFolders) {
  for (const char* name : {"recycled", "snapshot", "thumbs", "@home", "#1", "$5", "found", "found.00", "found.a00",
                           "lost", "temporary", "tmp", "eaDir", "MACOSX", "1.jpg"}) {
    EXPECT_FALSE(is_system_name(name)) << name;
  }
}

TEST(PhotoNames, PhotosAreKnownByTheirFirstBytes) {
  const ScratchFolder folder;
  using namespace std::string_literals;
  for (const std::string& bytes : {"\xFF\xD8\xFF\xE1"s, "\x89PNG\r\n\x1A\n"s, "GIF89a"s, "RIFF\1\0\0\0WEBPVP8 "s,
                                   "\0\0\0\x18"
                                   "ftypheic"s,
                                   "\0\0\0\x20"
                                   "ftypavif"s,
                                   "\0\0\0\x20"
                                   "ftypheim"s,
                                   "II*\0\1\2\3\4"s, "BM\1\2\3\4\5\6"s}) {
    write_file(folder / "file", bytes);
    EXPECT_TRUE(begins_as_photo(folder / "file")) << bytes;
  }
  for (const std::string& bytes : {""s, "\xFF\xD8"s, "RIFF\1\0\0\0WAVEfmt "s,
                                   "\0\0\0\x18"
                                   "ftypisom"s,
                                   "a text"s}) {
    write_file(folder / "file", bytes);
    EXPECT_FALSE(begins_as_photo(folder / "file")) << bytes;
  }
  EXPECT_FALSE(begins_as_photo(folder / "missing"));
}

}  // namespace
}  // namespace pleat
