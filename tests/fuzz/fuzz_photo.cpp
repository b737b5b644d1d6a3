// Fuzzes data_tools/photos: photos of every format.
#include <zlib.h>

#include <vector>

#include "data_tools/photos/formats.h"
#include "data_tools/photos/opencv_setup.h"
#include "data_tools/photos/photo.h"
#include "reader_outcome.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

using namespace pleat;

void draw(Photo& photo, const PhotoBox& box, int height, int width) {
  std::vector<std::uint8_t> rgb(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3);
  photo.draw(box, height, width, rgb);
  fuzz::touch(rgb);
}

// Corrects the checksum of every chunk: otherwise libpng would refuse every change at once.
void mend_png(std::span<std::uint8_t> file) {
  std::size_t at = kPngSignature.size();
  while (at <= file.size() && file.size() - at >= 12) {
    const std::size_t length = big_endian(file.subspan(at, 4));
    if (length > file.size() - at - 12) return;
    const auto sum = ::crc32_z(0, file.data() + at + 4, length + 4);
    for (std::size_t i = 0; i < 4; ++i) file[at + 8 + length + i] = static_cast<std::uint8_t>(sum >> (24 - 8 * i));
    at += length + 12;
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  size = LLVMFuzzerMutate(data, size, most);
  if (seed % 4 != 0 && starts_with({data, size}, kPngSignature)) mend_png({data, size});
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quiet_opencv();
  fuzz::run_reader<BadPhoto>([&] {
    Photo photo({data, size});
    const std::int64_t left = photo.width() / 3, top = photo.height() / 4;
    draw(photo, photo.whole(), 4, 5);  // small enough that JPEG is decoded at a reduced size
    draw(photo, {left, top, photo.width() - left, photo.height() - 2 * top}, 64, 16);
  });
  return 0;
}
