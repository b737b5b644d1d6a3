#include "data_tools/photos/photo_file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/files.h"
#include "data_tools/photos/image_header.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;

std::string reason_of(const fs::path& path) {
  try {
    read_photo(path);
    return "accepted";
  } catch (const BadPhoto& bad) {
    return bad.what();
  }
}

TEST(PhotoFile, GivesAllBytes) {
  const ScratchFolder folder;
  const std::string text("some\0bytes", 10);
  write_file(folder / "a", text);
  write_file(folder / "empty", "");
  fs::create_symlink("a", folder / "link");
  EXPECT_THAT(read_photo(folder / "a"), testing::ElementsAreArray(text));
  EXPECT_THAT(read_photo(folder / "link"), testing::ElementsAreArray(text));
  EXPECT_TRUE(read_photo(folder / "empty").empty());  // a photo refuses it later
}

TEST(PhotoFile, SaysWhyAFileCannotBeRead) {
  const ScratchFolder folder;
  write_file(folder / "a", "bytes");
  fs::create_symlink("gone", folder / "dead");
  fs::create_symlink("there", folder / "here");
  fs::create_symlink("here", folder / "there");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(reason_of(folder / "missing"), "no such file");
  EXPECT_EQ(reason_of(folder / "a" / "below a file"), "no such file");
  EXPECT_EQ(reason_of(folder / std::string(300, 'x')), "cannot be read (File name too long)");
  EXPECT_EQ(reason_of(folder.path()), "a folder, not a file");
  EXPECT_EQ(reason_of(folder / "pipe"), "a pipe or device, not a file");
  EXPECT_EQ(reason_of("/dev/zero"), "a pipe or device, not a file");
  EXPECT_EQ(reason_of(folder / "dead"), "a link to gone, which does not exist; replace it by the photo");
  EXPECT_EQ(reason_of(folder / "here"), "a link that leads back to itself; replace it by the photo");
}

TEST(PhotoFile, OneThatMayNotBeReadIsNamed) {
  const ScratchFolder folder;
  write_file(folder / "a", "bytes");
  fs::permissions(folder.path(), fs::perms::all);
  fs::permissions(folder / "a", fs::perms::none);
  const bool root = ::geteuid() == 0;  // root reads everything, so the test changes its user
  constexpr uid_t kNobody = 65534;
  if (root) {
    ASSERT_EQ(::seteuid(kNobody), 0);
  }
  const std::string reason = reason_of(folder / "a");
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  EXPECT_EQ(reason, "cannot be read (Permission denied); make it readable");
}

TEST(PhotoFile, AnEnormousFileIsNotRead) {
  const ScratchFolder folder;
  write_file(folder / "a", "");
  fs::resize_file(folder / "a", std::uintmax_t{300} << 20);
  EXPECT_EQ(reason_of(folder / "a"), "file of 300 MiB, at most 256 are read; shrink it");
}

}  // namespace
}  // namespace pleat
