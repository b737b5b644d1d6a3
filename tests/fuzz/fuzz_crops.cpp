// crops.h5: data/crop_file, with its table, its provenance and every row's pixels.
#include <array>
#include <cstdlib>
#include <span>
#include <string_view>

#include "base/error.h"
#include "data/crop_file.h"
#include "input_file.h"
#include "reader_outcome.h"

extern "C" {
std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);
// HDF5's own, which its library exports though its headers do not name it.
std::uint32_t H5_checksum_metadata(const void* data, std::size_t size, std::uint32_t start);
// HDF5 forgets memory of its own when it refuses a damaged file.
const char* __lsan_default_suppressions() { return "leak:libhdf5"; }
}

namespace {

using Bytes = std::span<std::uint8_t>;

std::size_t number(Bytes file, std::size_t at, std::size_t bytes) {
  std::size_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8 | file[at + i];
  return value;
}

// Over the bytes from `begin` on; the sum stands behind them.
void mend(Bytes file, std::size_t begin, std::size_t size) {
  if (size > file.size() - begin || file.size() - begin - size < 4) return;
  const std::uint32_t sum = H5_checksum_metadata(file.data() + begin, size, 0);
  for (std::size_t i = 0; i < 4; ++i) file[begin + size + i] = static_cast<std::uint8_t>(sum >> (8 * i));
}

// Of an object header: its prefix, whose optional fields its flags tell, and the messages of its first chunk.
void mend_header(Bytes file, std::size_t begin) {
  if (file.size() - begin < 32) return;
  const unsigned flags = file[begin + 5];
  const std::size_t size_at = begin + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0), width = 1U << (flags & 3);
  mend(file, begin, size_at + width - begin + number(file, size_at, width));
}

// Parts of one size (with addresses of eight bytes), and the byte of theirs at which the checksum stands.
struct Part {
  std::string_view start;
  std::size_t bytes;
};
constexpr std::array kParts = {Part{"\x89HDF\r\n\x1A\n", 44}, Part{"BTHD", 34}, Part{"FRHP", 142}};

// Sets the checksums of HDF5's structure right, so that changes get past them. Source: HDF5 File Format Specification
// 3.0, II.A (superblock, version 2), III.A.2 (B-tree), III.G (fractal heap) and IV.A.1.b (object header).
void mend_hdf5(Bytes file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  for (const Part& part : kParts) {
    for (std::size_t at = text.find(part.start); at != text.npos; at = text.find(part.start, at + 1))
      mend(file, at, part.bytes);
  }
  for (std::size_t at = text.find("OHDR"); at != text.npos; at = text.find("OHDR", at + 1)) mend_header(file, at);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  size = LLVMFuzzerMutate(data, size, most);
  if (std::getenv("FUZZ_MEND") != nullptr && seed % 4 != 0) mend_hdf5({data, size});
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pleat;
  static fuzz::InputFile file("crops.h5");
  const auto& path = file.holding(data, size);
  fuzz::run_reader<DataError>([&] {
    const CropFile crops(path);
    for (const auto& column : crops.table().values) {
      for (const std::string& value : column) fuzz::touch(value);
    }
    for (std::size_t row = 0; row < crops.rows(); ++row) {
      try {
        fuzz::touch(crops.image(row));
      } catch (const DataError& refusal) {  // of this row, as training would meet it
        fuzz::check_words(refusal.what());
      }
    }
    fuzz::touch(crops.hash());
    count_valid(path);
  });
  return 0;
}
