// Decodes PNG (ISO/IEC 15948) through libpng's own interface. OpenCV lets libpng write to the terminal, and does not
// know the transparent colour of a gray picture.
#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <bit>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <new>

#include "data_tools/photos/formats.h"

namespace pleat {
namespace {

constexpr const char* kNoMemory = "Out of memory";  // libpng's own words

struct PngReader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::jmp_buf escape{};
  char reason[128] = "";
  FileBytes file;
  std::size_t at = 0;  // next byte to read
  png_bytepp rows = nullptr;
};

// The handler of libpng's errors must not return.
[[noreturn]] void leave(png_structp png, png_const_charp reason) {
  auto& reader = *static_cast<PngReader*>(png_get_error_ptr(png));
  std::snprintf(reader.reason, sizeof(reader.reason), "%s", reason);
  std::longjmp(reader.escape, 1);
}

// Most warnings concern data that affects no pixel (profiles, texts). Those about the transparent colour are errors:
// without it a picture comes out opaque. One is out of range if it has more bits than the pixels; the lowest count.
void hear(png_structp png, png_const_charp warning) {
  if (std::strstr(warning, "tRNS") != nullptr && std::strstr(warning, "out-of-range") == nullptr) leave(png, warning);
}

void give_bytes(png_structp png, png_bytep to, std::size_t count) {
  auto& reader = *static_cast<PngReader*>(png_get_io_ptr(png));
  if (count > reader.file.size() - reader.at) png_error(png, "cut short");
  std::memcpy(to, reader.file.data() + reader.at, count);
  reader.at += count;
}

// Errors of libpng jump to this function. Objects with destructors are forbidden here, in the steps and in all that
// they call: a jump would skip the destructors. Returns whether the step finished.
bool guarded(PngReader& reader, void (*step)(PngReader&)) {
  if (setjmp(reader.escape) != 0) return false;
  step(reader);
  return true;
}

void start(PngReader& reader) {
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, leave, hear);
  if (reader.png == nullptr) return;
  reader.info = png_create_info_struct(reader.png);
  if (reader.info == nullptr) png_error(reader.png, kNoMemory);
  png_set_user_limits(reader.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // the size was accepted already
  png_set_read_fn(reader.png, &reader, give_bytes);
  png_read_info(reader.png, reader.info);
  png_set_expand(reader.png);  // palettes to RGB, fewer than 8 bits to 8, transparent colours to alpha
  if (std::endian::native == std::endian::little) png_set_swap(reader.png);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
}

void read_rows(PngReader& reader) {
  png_read_image(reader.png, reader.rows);
  png_read_end(reader.png, nullptr);
}

class PngDecoder {
 public:
  explicit PngDecoder(FileBytes file) { reader_.file = file; }
  ~PngDecoder() { png_destroy_read_struct(&reader_.png, &reader_.info, nullptr); }
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;

  Picture decode() {
    run(start);
    if (reader_.png == nullptr) throw std::bad_alloc();
    const int bytes = png_get_bit_depth(reader_.png, reader_.info) / 8;
    Picture picture =
        new_picture(png_get_image_width(reader_.png, reader_.info), png_get_image_height(reader_.png, reader_.info),
                    png_get_channels(reader_.png, reader_.info), bytes);
    std::vector<png_bytep> rows(static_cast<std::size_t>(picture.height));
    for (std::size_t y = 0; y < rows.size(); ++y)
      rows[y] = picture.values.data() + y * picture.row_values() * static_cast<std::size_t>(bytes);
    reader_.rows = rows.data();
    run(read_rows);
    bytes == 2 ? lay_on_white_in_8_bits(picture) : lay_on_white(picture);
    return picture;
  }

 private:
  void run(void (*step)(PngReader&)) {
    if (guarded(reader_, step)) return;
    if (std::strcmp(reader_.reason, kNoMemory) == 0) throw std::bad_alloc();
    throw BadPhoto(fmt::format("PNG cannot be decoded ({}); get an intact copy", reader_.reason));
  }

  PngReader reader_;
};

}  // namespace

Picture decode_png(FileBytes file) { return PngDecoder(file).decode(); }

}  // namespace pleat
