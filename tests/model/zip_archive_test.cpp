#include "model/zip_archive.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"

namespace pleat {
namespace {

using testing::HasSubstr;

std::string little(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(i < 8 ? value >> (8 * i) : 0);
  return text;
}

std::string deflated(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

struct Part {
  std::string name, contents;
  int method = 0;       // 0: stored, 8: deflated
  std::string padding;  // in the local header alone, as LibTorch aligns its tensors
};

std::string zip(const std::vector<Part>& parts, const std::string& comment = "") {
  std::string archive, directory;
  for (const Part& part : parts) {
    const std::string stored = part.method == 8 ? deflated(part.contents) : part.contents;
    const std::string common = little(20, 2) + little(0, 2) + little(static_cast<std::uint64_t>(part.method), 2) +
                               little(0, 4) + little(crc32(part.contents), 4) + little(stored.size(), 4) +
                               little(part.contents.size(), 4) + little(part.name.size(), 2);
    directory += "PK\x01\x02" + little(20, 2) + common + little(0, 2 + 2 + 2 + 2 + 4) + little(archive.size(), 4);
    directory += part.name;
    archive += "PK\x03\x04" + common + little(part.padding.size(), 2) + part.name + part.padding + stored;
  }
  const std::string count = little(parts.size(), 2);
  return archive + directory + "PK\x05\x06" + little(0, 4) + count + count + little(directory.size(), 4) +
         little(archive.size(), 4) + little(comment.size(), 2) + comment;
}

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
