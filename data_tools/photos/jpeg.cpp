// Decodes JPEG through libjpeg-turbo's own interface. Its warnings are the only sign of damaged data. Its reduced
// decoding averages 2, 4 or 8 pixels for a fraction of the work.
#include <fmt/format.h>
#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>  // jpeglib.h needs it first
#include <new>

#include "data_tools/photos/formats.h"
#include "data_tools/photos/jpeg_surplus.h"

#ifndef LIBJPEG_TURBO_VERSION
#error "libjpeg-turbo is required: other versions of libjpeg give other pixels"
#endif

namespace pleat {
namespace {

struct JpegReader {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  std::jmp_buf escape{};
  char reason[JMSG_LENGTH_MAX] = "";
  FileBytes file;
  int reduction = 1;
  const std::uint8_t* scan = nullptr;  // start of the first scan's coded data
  bool junk = false;
  FileBytes surplus;               // left before the end marker, still to be judged
  std::uint8_t* values = nullptr;  // output, row after row
  std::size_t row_values = 0;
};

JpegReader& reader_of(j_common_ptr info) { return *static_cast<JpegReader*>(info->client_data); }

// The handler of libjpeg's errors must not return.
[[noreturn]] void leave(j_common_ptr info) {
  JpegReader& reader = reader_of(info);
  info->err->format_message(info, reader.reason);
  std::longjmp(reader.escape, 1);
}

// libjpeg skipped bytes before a marker. No pixel depends on those before the first scan, nor on padding. Others behind
// coded data may be what is left of it after damage: those before the end marker are judged later.
bool is_harmless_surplus(JpegReader& reader) {
  const auto count = static_cast<std::size_t>(std::max(0, reader.errors.msg_parm.i[0]));
  const std::uint8_t* end = reader.info.src->next_input_byte;
  if (count > static_cast<std::size_t>(end - reader.file.data())) return false;
  reader.junk = true;
  const FileBytes skipped(end - count, count);
  if (reader.scan == nullptr || is_padding(skipped)) return true;
  if (reader.errors.msg_parm.i[1] != JPEG_EOI || reader.info.output_scanline < reader.info.output_height) return false;
  reader.surplus = skipped;
  return true;
}

// Every other warning means that the coded data is damaged or that the colours are a guess.
bool is_harmless(JpegReader& reader) {
  switch (reader.errors.msg_code) {
    case JWRN_JFIF_MAJOR:      // a version number
    case JWRN_NOT_SEQUENTIAL:  // fields of a scan that sequential decoding does not use
      return true;
    case JWRN_EXTRANEOUS_DATA:
      return is_harmless_surplus(reader);
    default:
      return false;
  }
}

void hear(j_common_ptr info, int level) {  // level: -1 for a warning, else a trace
  if (level < 0 && !is_harmless(reader_of(info))) leave(info);
}

// Errors of libjpeg jump to this function. Objects with destructors are forbidden here, in the steps and in all that
// they call: a jump would skip the destructors. Returns whether the step finished.
bool guarded(JpegReader& reader, void (*step)(JpegReader&)) {
  if (setjmp(reader.escape) != 0) return false;
  step(reader);
  return true;
}

void start(JpegReader& reader) {
  jpeg_decompress_struct& info = reader.info;
  jpeg_create_decompress(&info);
  info.client_data = &reader;
  jpeg_mem_src(&info, reader.file.data(), reader.file.size());
  jpeg_read_header(&info, TRUE);
  reader.scan = info.src->next_input_byte;
  info.scale_num = 1;
  info.scale_denom = static_cast<unsigned>(reader.reduction);
  info.out_color_space = info.num_components == 1 ? JCS_GRAYSCALE : info.num_components == 4 ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(&info);
}

void read_rows(JpegReader& reader) {
  constexpr JDIMENSION kRows = 16;
  jpeg_decompress_struct& info = reader.info;
  while (info.output_scanline < info.output_height) {
    JSAMPROW rows[kRows];
    const JDIMENSION count = std::min(kRows, info.output_height - info.output_scanline);
    for (JDIMENSION i = 0; i < count; ++i) rows[i] = reader.values + (info.output_scanline + i) * reader.row_values;
    jpeg_read_scanlines(&info, rows, count);
  }
}

// Reads to the end marker, to find data without a pixel. Unlike jpeg_finish_decompress, keeps what is known of the
// scan.
void read_end(JpegReader& reader) {
  while (jpeg_consume_input(&reader.info) != JPEG_REACHED_EOI) {
  }
}

// A progressive photo without its last scans decodes to a blurred one, without any warning. Some coefficients are then
// missing or lack their last bits.
bool lacks_scans(const jpeg_decompress_struct& info) {
  if (!info.progressive_mode || info.coef_bits == nullptr) return false;
  const int* bits = info.coef_bits[0];
  return std::any_of(bits, bits + info.num_components * DCTSIZE2, [](int left) { return left != 0; });
}

class JpegDecoder {
 public:
  JpegDecoder(FileBytes file, int reduction) {
    reader_.file = file;
    reader_.reduction = reduction;
    reader_.info.err = jpeg_std_error(&reader_.errors);
    reader_.info.client_data = &reader_;
    reader_.errors.error_exit = leave;
    reader_.errors.emit_message = hear;
  }
  ~JpegDecoder() { jpeg_destroy_decompress(&reader_.info); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  Picture decode() {
    run(start);
    const jpeg_decompress_struct& info = reader_.info;
    if (info.num_components == 4 && !info.saw_Adobe_marker) {
      throw BadPhoto("JPEG in CMYK colours without Adobe's marker, which says whether 0 is no ink; convert it to RGB");
    }
    Picture picture = new_picture(info.output_width, info.output_height, info.output_components);
    reader_.values = picture.values.data();
    reader_.row_values = picture.row_values();
    run(read_rows);
    if (lacks_scans(info)) throw BadPhoto("JPEG lacks its last scans; get an intact copy");
    run(read_end);
    check_surplus();
    picture.notes.junk = reader_.junk;
    return picture;
  }

 private:
  void check_surplus() const {
    if (reader_.surplus.empty() || is_whole_scan({reader_.scan, reader_.info.src->next_input_byte}, reader_.info))
      return;
    throw BadPhoto(fmt::format("JPEG is damaged ({} bytes of coded data are left over); get an intact copy",
                               reader_.surplus.size()));
  }

  void run(void (*step)(JpegReader&)) {
    if (guarded(reader_, step)) return;
    if (reader_.errors.msg_code == JERR_OUT_OF_MEMORY) throw std::bad_alloc();
    throw BadPhoto(fmt::format("JPEG cannot be decoded ({}); get an intact copy, or convert it", reader_.reason));
  }

  JpegReader reader_;
};

// In Adobe's files 255 means no ink. Profiles are not applied, as in Pillow's convert("RGB").
void to_rgb(Picture& cmyk) {
  const std::size_t pixels = cmyk.values.size() / 4;
  const std::uint8_t* from = cmyk.values.data();
  std::uint8_t* to = cmyk.values.data();
  for (std::size_t i = 0; i < pixels; ++i, from += 4) {
    const unsigned unkeyed = from[3];
    for (int c = 0; c < 3; ++c) *to++ = static_cast<std::uint8_t>((from[c] * unkeyed + 127U) / 255U);
  }
  cmyk.channels = 3;
  cmyk.values.resize(3 * pixels);
}

}  // namespace

Picture decode_jpeg(FileBytes file, int reduction) {
  Picture picture = JpegDecoder(file, reduction).decode();
  if (picture.channels == 4) to_rgb(picture);
  return picture;
}

}  // namespace pleat
