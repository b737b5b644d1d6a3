#include "data_tools/tables/photo_names.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

TEST(PhotoNames, TheTextForHelpNamesEveryEnding) {
  std::string_view text = kPhotoEndingsText;
  while (!text.empty()) {
    const std::string ending(text.substr(0, text.find(',')));
    EXPECT_TRUE(is_photo_name("a" + ending)) << ending;
    EXPECT_EQ(unread_kind("a" + ending), nullptr) << ending;
    text.remove_prefix(std::min(text.size(), ending.size() + 2));
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
                                   "ftypavif"s}) {
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
