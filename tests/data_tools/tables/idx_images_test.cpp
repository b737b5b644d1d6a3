#include "data_tools/tables/idx_images.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include "base/error.h"
#include "base/files.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::string_literals;

const std::string kLabels = "\0\0\x08\x01\0\0\0\x03\x05\x00\x09"s;
const std::string kImages = "\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x03"s + "abcdefABCDEF";

std::string gzipped(const std::string& text) {
  const ScratchFolder folder;
  gzFile file = gzopen((folder / "a.gz").c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  return read_file(folder / "a.gz");
}

TEST(Idx, ReadsImagesAndLabelsPlainAndGzipped) {
  const ScratchFolder folder;
  for (const bool packed : {false, true}) {
    write_file(folder / "labels", packed ? gzipped(kLabels) : kLabels);
    write_file(folder / "images", packed ? gzipped(kImages) : kImages);
    EXPECT_THAT(read_idx_labels(folder / "labels"), ElementsAre(5, 0, 9));
    const IdxImages images = read_idx_images(folder / "images");
    EXPECT_EQ(images.count, 2u);
    EXPECT_EQ(images.shape, (ImageShape{2, 3, 1}));
    EXPECT_THAT(images.image(1), ElementsAre('A', 'B', 'C', 'D', 'E', 'F'));
  }
}

TEST(Idx, RefusesBadFilesNamingThem) {
  const std::string packed = gzipped(kImages);
  std::string flipped = packed;
  flipped[flipped.size() - 6] ^= 1;  // in gzip's own checksum
  const std::vector<std::pair<std::string, std::string>> files = {
      {"", "ends inside its header"},
      {kImages.substr(0, 9), "ends inside its header"},
      {kLabels, "0x00000801 (these are labels), expected 0x00000803"},
      {"\0\0\x0D\x03"s + kImages.substr(4), "0x00000D03, expected"},
      {"PNG, not IDX", "is not an IDX file of images"},
      {kImages.substr(0, 20), "holds 4 bytes of data, its header announces 12"},
      {kImages + "x", "holds more than the 12 bytes"},
      {"\0\0\x08\x03\0\0\0\0\0\0\0\x02\0\0\0\x03"s, "announces 0 images"},
      {"\0\0\x08\x03\0\0\0\x02\0\0\0\0\0\0\0\x03"s, "of 0x3"},
      {"\0\0\x08\x03\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s, "announces 4294967295 images"},
      {"\0\0\x08\x03\0\x01\0\0\0\0\x01\0\0\0\x01\0"s, "its header announces 4294967296"},
      {packed.substr(0, packed.size() - 9), "cut short"},
      {flipped, "cannot be unpacked"},
  };
  for (const auto& [bytes, message] : files) {
    const ScratchFolder folder;
    write_file(folder / "images.idx", bytes);
    try {
      read_idx_images(folder / "images.idx");
      ADD_FAILURE() << "was accepted; expected " << message;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr(message));
      EXPECT_THAT(error.what(), HasSubstr("images.idx"));
    }
  }
  EXPECT_THROW(read_idx_images("/nowhere/images.idx"), DataError);
  EXPECT_THROW(read_idx_images("/tmp"), DataError);
  EXPECT_THROW(read_idx_images("/dev/zero"), DataError);
  EXPECT_THROW(read_idx_images("/tmp/" + std::string(300, 'x')), DataError);
}

}  // namespace
}  // namespace pleat
