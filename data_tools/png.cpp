// PNG: ISO/IEC 15948, by libpng's own interface, because OpenCV lets libpng write to the terminal and does not know the
// transparent colour of a gray picture.
#include <fmt/format.h>
#include <png.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <new>

#include "data_tools/formats.h"
#include "data_tools/tiff_directory.h"

namespace pleat {

namespace {

// Of what libpng leaves away with a mere warning, or does not read; all other checksums are libpng's to compare.
void check_sum(FileBytes type_and_data, FileBytes expected, const char* name) {
  const auto sum = ::crc32_z(0, type_and_data.data(), type_and_data.size());
  if (sum != big_endian(expected))
    throw BadPhoto(fmt::format("PNG is damaged (chunk {} has the wrong checksum); get the photo anew", name));
}

}  // namespace

ImageHeader read_png_header(FileBytes file) {
  ImageHeader header{.format = PhotoFormat::kPng};
  std::size_t at = kPngSignature.size();
  bool begun = false;
  while (file.size() - at >= 12) {  // length, type, checksum
    const std::size_t length = big_endian(file.subspan(at, 4));
    if (length > file.size() - at - 12) break;
    const FileBytes type = file.subspan(at + 4), data = file.subspan(at + 8, length);
    const FileBytes summed = file.subspan(at + 4, length + 4), sum = file.subspan(at + 8 + length, 4);
    if (starts_with(type, "IHDR") == begun)  // the first chunk, and no other: a decoder would take the first one's size
      throw BadPhoto("PNG with a broken header; get the photo anew");
    if (!begun) {
      if (length != 13) throw BadPhoto("PNG with a broken header; get the photo anew");
      begun = true;
      header.width = big_endian(data.subspan(0, 4));
      header.height = big_endian(data.subspan(4, 4));
      header.bits = data[8];
    } else if (starts_with(type, "tRNS")) {
      check_sum(summed, sum, "tRNS");
    } else if (starts_with(type, "eXIf")) {
      check_sum(summed, sum, "eXIf");
      header.orientation = exif_orientation(data);
    } else if (starts_with(type, "IEND")) {
      return header;
    }
    at += length + 12;
  }
  throw BadPhoto("PNG is cut short (no end chunk); get the photo anew");
}

namespace {

struct PngReader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::jmp_buf escape{};
  char reason[128] = "";
  FileBytes file;
  std::size_t at = 0;  // of the next byte to read
  png_bytepp rows = nullptr;
};

// libpng never comes back from here.
[[noreturn]] void leave(png_structp png, png_const_charp reason) {
  auto& reader = *static_cast<PngReader*>(png_get_error_ptr(png));
  std::snprintf(reader.reason, sizeof(reader.reason), "%s", reason);
  std::longjmp(reader.escape, 1);
}

// Warnings are of what decides no pixel (profiles, texts), but for those of the transparent colour, without which a
// picture comes out opaque.
void hear(png_structp png, png_const_charp warning) {
  if (std::strstr(warning, "tRNS") != nullptr) leave(png, warning);
}

void give_bytes(png_structp png, png_bytep to, std::size_t count) {
  auto& reader = *static_cast<PngReader*>(png_get_io_ptr(png));
  if (count > reader.file.size() - reader.at) png_error(png, "cut short");
  std::memcpy(to, reader.file.data() + reader.at, count);
  reader.at += count;
}

// The one place that libpng's errors jump to. Neither here nor in the steps, nor anything they call, may an object
// with a destructor live: a jump would not run it. Returns whether the step came to its end.
bool guarded(PngReader& reader, void (*step)(PngReader&)) {
  if (setjmp(reader.escape) != 0) return false;
  step(reader);
  return true;
}

void start(PngReader& reader) {
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, leave, hear);
  if (reader.png == nullptr) return;
  reader.info = png_create_info_struct(reader.png);
  if (reader.info == nullptr) png_error(reader.png, "no memory");
  png_set_user_limits(reader.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // the one header's size has been accepted
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
    if (bytes == 2) to_8_bits(picture);
    return picture;
  }

 private:
  void run(void (*step)(PngReader&)) {
    if (guarded(reader_, step)) return;
    if (std::strcmp(reader_.reason, "Out of memory") == 0) throw std::bad_alloc();
    throw BadPhoto(fmt::format("PNG cannot be decoded ({}); get the photo anew", reader_.reason));
  }

  PngReader reader_;
};

}  // namespace

Picture decode_png(FileBytes file) {
  Picture picture = PngDecoder(file).decode();
  lay_on_white(picture);
  return picture;
}

}  // namespace pleat
