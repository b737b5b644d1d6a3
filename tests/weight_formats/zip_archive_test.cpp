#include "weight_formats/zip_archive.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "weight_formats/saved_weights.h"

namespace pleat {
namespace {

using testing::HasSubstr;

const std::vector<Part> kParts{{"net/data/0", std::string(300, 'w'), 0, std::string(64, '\0')},
                               {"net/code.py", std::string(70000, 'c') + "return x", 8},
                               {"net/empty", ""}};

std::string refusal(const std::string& archive) {
  try {
    check_zip(archive, "net.pt");
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("net.pt"));
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

TEST(ZipArchive, TakesWholeArchivesStoredOrDeflated) {
  EXPECT_NO_THROW(check_zip(zip(kParts), "net.pt"));
  EXPECT_NO_THROW(check_zip(zip(kParts, "a comment"), "net.pt"));
  EXPECT_NO_THROW(check_zip(zip({}), "net.pt"));
}

TEST(ZipArchive, HandsOutWhatIsStoredAndSaysWhatIsPacked) {
  const std::string whole = zip(kParts);
  const std::vector<ZipEntry> entries = read_zip(whole, "net.pt");
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].name, "net/data/0");
  EXPECT_EQ(entries[0].stored, kParts[0].contents);
  EXPECT_EQ(entries[1].stored, deflated(kParts[1].contents));
  EXPECT_TRUE(entries[1].deflated && !entries[0].deflated);
  EXPECT_EQ(entries[2].stored, "");
}

TEST(ZipArchive, RefusesEntriesThatStandTwiceOrOverOneAnother) {
  EXPECT_THAT(refusal(zip({{"net/a", "x"}, {"net/a", "y"}})), HasSubstr("'net/a' appears twice in it"));
  std::string over = zip({{"net/a", std::string(5000, 'x')}, {"net/b", std::string(5000, 'x')}});
  const std::size_t second = over.rfind("PK\x01\x02");
  over.replace(second + 42, 4, little(0, 4));
  EXPECT_THAT(refusal(over), HasSubstr("'net/b' is not where"));
  // A hundred directory entries for one local entry; all must have its name.
  std::string many = zip({{"net/a", std::string(50000, 'x')}});
  const std::size_t begin = many.find("PK\x01\x02"), end = many.find("PK\x05\x06");
  std::string directory;
  for (int i = 0; i < 100; ++i) directory += many.substr(begin, end - begin);
  many = many.substr(0, begin) + directory + "PK\x05\x06" + little(0, 4) + little(100, 2) + little(100, 2) +
         little(directory.size(), 4) + little(begin, 4) + little(0, 2);
  EXPECT_THAT(refusal(many), HasSubstr("twice"));
}

TEST(ZipArchive, NamesTheEntryWhoseContentsChanged) {
  std::string stored = zip(kParts), packed = stored;
  stored[stored.find("www") + 5] = 'v';
  EXPECT_THAT(refusal(stored), testing::AllOf(HasSubstr("'net/data/0'"), HasSubstr("checksum")));
  packed[packed.find("net/code.py") + 30] ^= 1;
  EXPECT_THAT(refusal(packed), HasSubstr("'net/code.py'"));
}

TEST(ZipArchive, ShowsNamesWithoutWhatWouldBreakALineOrDriveATerminal) {
  std::string damaged = zip({{"net/\n\x1B[2J\x7F\x80.pkl", "weights"}});
  damaged[damaged.find("weights")] ^= 1;
  EXPECT_THAT(refusal(damaged), HasSubstr("'net/\\n\\x1B[2J\\x7F\\x80.pkl' in it does not have the checksum"));
}

TEST(ZipArchive, RefusesWhateverIsCutShort) {
  const std::string whole = zip(kParts);
  for (std::size_t left = 0; left < whole.size(); ++left) {
    EXPECT_THROW(check_zip(whole.substr(0, left), "net.pt"), DataError) << left;
    EXPECT_THROW(check_zip(whole.substr(whole.size() - left), "net.pt"), DataError) << left;
  }
  EXPECT_THAT(refusal("id,path\n"), HasSubstr("no zip directory"));
}

TEST(ZipArchive, SurvivesAnyByteOfTheDirectory) {
  const std::string whole = zip(kParts);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const int change : {0x01, 0x80, 0xFF}) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ change);
      try {
        check_zip(damaged, "net.pt");
      } catch (const DataError&) {
      }
    }
  }
}

TEST(ZipArchive, ASizeThatIsALieDoesNotUnfoldWithoutEnd) {
  const std::string bomb = zip({{"zeros", std::string(50 << 20, '\0'), 8}});
  std::string lie = bomb;
  lie.replace(lie.rfind("PK\x01\x02") + 24, 4, little(10, 4));
  EXPECT_THAT(refusal(lie), HasSubstr("'zeros'"));
}

}  // namespace
}  // namespace pleat
