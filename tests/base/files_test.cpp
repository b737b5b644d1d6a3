#include "base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/error.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {
namespace fs = std::filesystem;

TEST(Files, WritingReplacesTheWholeFileAndLeavesNothingElse) {
  const ScratchFolder folder;
  write_file(folder / "a.txt", "first, longer");
  write_file(folder / "a.txt", "second");
  EXPECT_EQ(read_file(folder / "a.txt"), "second");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(Files, AMissingFileAndAFolderAreNamed) {
  const ScratchFolder folder;
  for (const fs::path& path : {folder / "none", folder.path()}) {
    try {
      read_file(path);
      FAIL() << path;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(path.string()));
    }
  }
}

TEST(Files, ADeadLinkIsToldFromAFileThatIsNotThere) {
  const ScratchFolder folder;
  fs::create_symlink("moved away", folder / "dead");
  fs::create_symlink("loop", folder / "loop");
  for (const auto& [name, reason] :
       {std::pair{"dead", "a link to moved away, which is not there"}, {"loop", "the link leads back to itself"}}) {
    try {
      read_file(folder / name);
      FAIL() << name;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(reason));
    }
  }
}

// Otherwise a mistyped --out could destroy a table.
TEST(Files, OnlyAFileOfTheSameKindIsReplaced) {
  const ScratchFolder folder;
  const fs::path table = folder / "samples.csv", made = folder / "predictions.csv", link = folder / "link.csv";
  write_file(table, "id,path\n");
  write_file(made, "id,split,mask\n");
  write_file(folder / "empty", "");
  fs::create_symlink(table, link);
  EXPECT_NO_THROW(require_replaceable(made, "id,split", "predictions file", {table}));
  EXPECT_NO_THROW(require_replaceable(folder / "new.csv", "id,split", "predictions file", {table, ""}));
  EXPECT_NO_THROW(require_replaceable(folder / "empty", "id,split", "predictions file", {table}));
  EXPECT_THROW(require_replaceable(table, "id,split", "predictions file", {}), DataError);
  EXPECT_THROW(require_replaceable(made, "id,split", "predictions file", {made}), UsageError);
  EXPECT_THROW(require_replaceable(link, "id,path", "table", {"", table}), UsageError);
  EXPECT_EQ(read_file(table), "id,path\n");
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const fs::path& other : {folder / "pipe", folder.path(), fs::path("/dev/null")})
    EXPECT_THROW(require_replaceable(other, "id,split", "predictions file", {}), DataError) << other;
}

TEST(Files, AReadThatFailsIsNoEndOfFile) {
  try {
    read_file("/proc/self/mem");  // page 0 is never mapped: EIO
    FAIL() << "was accepted";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("/proc/self/mem: Input/output error"));
  }
}

TEST(Files, APipeAndADeviceAreRefusedWithoutWaiting) {
  const ScratchFolder folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THROW(read_file(folder / "pipe"), DataError);
  EXPECT_THROW(read_file("/dev/zero"), DataError);
}

TEST(Files, AFileThatSaysItIsEmptyIsReadToItsEnd) {
  EXPECT_THAT(read_file("/proc/self/status"), testing::HasSubstr("\nPid:"));
}

TEST(Files, AKillInTheMiddleOfAWriteLeavesTheOldFile) {
  const ScratchFolder folder;
  write_file(folder / "a.txt", "old");
  const pid_t child = fork();
  if (child == 0) {
    setenv("PLEAT_FAULT", "write_file:1:kill", 1);
    write_file(folder / "a.txt", "new and never whole");
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the child was to be killed";
  EXPECT_EQ(read_file(folder / "a.txt"), "old");
}

TEST(Files, ADiskThatFillsUpIsNamedAndLeavesTheOldFile) {
  const ScratchFolder folder;
  write_file(folder / "a.txt", "old");
  const pid_t child = fork();
  if (child == 0) {
    setenv("PLEAT_FAULT", "write_file:1:nospace", 1);
    try {
      write_file(folder / "a.txt", "new");
    } catch (const DataError& error) {
      _exit(std::string(error.what()).find("free some space") == std::string::npos ? 2 : 3);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 3);
  EXPECT_EQ(read_file(folder / "a.txt"), "old");
  EXPECT_FALSE(fs::exists(folder / "a.txt.partial"));
}

TEST(Files, HashesAreTheKnownOnes) {
  EXPECT_EQ(crc32("123456789"), 0xCBF43926U);  // the check value of CRC-32/ISO-HDLC
  EXPECT_EQ(crc32("6789", crc32("12345")), crc32("123456789"));
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-2, B.1
}

TEST(Files, AFolderIsHeldByOneRunAtATimeAndFreedByItsDeath) {
  const ScratchFolder folder;
  {
    const FolderLock first(folder / "run.lock");
    try {
      const FolderLock second(folder / "run.lock");
      FAIL() << "two runs hold one folder";
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("in use by another live run"));
      EXPECT_THAT(error.what(), testing::HasSubstr(std::to_string(getpid())));
    }
  }
  EXPECT_NO_THROW(FolderLock(folder / "run.lock"));
}

TEST(Files, ATemporaryLockGoesWithItsHolderAndSaysWhatItHolds) {
  const ScratchFolder folder;
  const LockOptions options{.held = "crops.h5", .remedy = "give another file with --out", .temporary = true};
  {
    const FolderLock first(folder / "crops.h5.lock", options);
    try {
      const FolderLock second(folder / "crops.h5.lock", options);
      FAIL() << "two hold one file";
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), testing::StartsWith("crops.h5 is in use by another live run (host "));
      EXPECT_THAT(error.what(), testing::EndsWith("or give another file with --out"));
    }
  }
  EXPECT_FALSE(fs::exists(folder / "crops.h5.lock"));
}

}  // namespace
}  // namespace pleat
