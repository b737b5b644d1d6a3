#include "data_tools/photos/tiff_strips.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <new>

namespace pleat {
namespace {

using Bytes = std::span<const std::uint8_t>;
using Pixels = std::span<std::uint8_t>;

bool copy(Bytes strip, Pixels pixels) {
  if (strip.size() < pixels.size()) return false;
  std::memcpy(pixels.data(), strip.data(), pixels.size());
  return true;
}

// Runs: n < 128 is followed by n + 1 literal bytes, n > 128 by one byte to repeat 257 - n times, 128 by nothing.
bool unpack_runs(Bytes strip, Pixels pixels) {
  std::size_t at = 0, made = 0;
  while (made < pixels.size()) {
    if (at >= strip.size()) return false;
    const std::size_t n = strip[at++];
    if (n == 128) continue;
    const std::size_t given = n < 128 ? n + 1 : 1, count = n < 128 ? n + 1 : 257 - n;
    if (given > strip.size() - at || count > pixels.size() - made) return false;
    if (n < 128) std::memcpy(&pixels[made], &strip[at], count);
    if (n > 128) std::memset(&pixels[made], strip[at], count);
    at += given;
    made += count;
  }
  return true;
}

// Reads to the end of the stream, for its checksum. Some writers' last strip continues after the last row.
bool inflate_all(Bytes strip, Pixels pixels) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  stream.next_in = const_cast<Bytef*>(strip.data());
  stream.avail_in = static_cast<uInt>(strip.size());
  stream.next_out = pixels.data();
  stream.avail_out = static_cast<uInt>(pixels.size());
  int result = inflate(&stream, Z_SYNC_FLUSH);
  const bool filled = stream.avail_out == 0;
  std::array<std::uint8_t, 4096> surplus;
  // At most one strip of surplus: a small file could take hours.
  for (std::size_t left = pixels.size() + surplus.size(); filled && result == Z_OK && left >= surplus.size();
       left -= surplus.size()) {
    stream.next_out = surplus.data();
    stream.avail_out = static_cast<uInt>(surplus.size());
    result = inflate(&stream, Z_SYNC_FLUSH);
  }
  inflateEnd(&stream);
  return filled && result == Z_STREAM_END;
}

// Codes of 9 to 12 bits, the highest bit first. Codes below 256 are single bytes. Each new code stands for the text of
// the previous code plus the first byte of the next text.
class LzwUnpacker {
 public:
  explicit LzwUnpacker(Bytes strip) : strip_(strip) {}

  bool run(Pixels pixels) {
    std::size_t made = 0, before = 0, before_length = 0;  // the last code's text in `pixels`
    while (made < pixels.size()) {
      const int code = next_code();
      if (code < 0 || code == kEnd) return false;
      if (code == kClear) {
        known_ = kFirst;
        before_length = 0;
        continue;
      }
      if (before_length > 0 && known_ < kMost) starts_[known_] = before, lengths_[known_++] = before_length + 1;
      std::size_t length = 1;
      if (code < kClear) {
        pixels[made] = static_cast<std::uint8_t>(code);
      } else {
        if (std::size_t(code) >= known_ || code < int(kFirst)) return false;
        const std::size_t from = starts_[std::size_t(code)];
        // The last row may end inside a text. Copied byte by byte, since the newest text overlaps its copy.
        length = std::min(lengths_[std::size_t(code)], pixels.size() - made);
        for (std::size_t i = 0; i < length; ++i) pixels[made + i] = pixels[from + i];
      }
      before = made;
      before_length = length;
      made += length;
    }
    return true;
  }

 private:
  static constexpr int kClear = 256, kEnd = 257;
  static constexpr std::size_t kFirst = 258, kMost = 4096;

  // Returns -1 at the end of the strip. Codes get longer one entry before the table needs it.
  int next_code() {
    const int bits = known_ >= 2047 ? 12 : known_ >= 1023 ? 11 : known_ >= 511 ? 10 : 9;
    while (held_ < bits) {
      if (at_ >= strip_.size()) return -1;
      buffer_ = buffer_ << 8 | strip_[at_++];
      held_ += 8;
    }
    held_ -= bits;
    return static_cast<int>(buffer_ >> held_ & ((1U << bits) - 1));
  }

  Bytes strip_;
  std::size_t at_ = 0, known_ = kFirst;
  std::uint32_t buffer_ = 0;
  int held_ = 0;                                         // unread bits of the buffer
  std::array<std::size_t, kMost> starts_{}, lengths_{};  // each code's text in the pixels
};

}  // namespace

bool unpack_strip(Bytes strip, TiffCompression compression, Pixels pixels) {
  switch (compression) {
    case TiffCompression::kNone:
      return copy(strip, pixels);
    case TiffCompression::kPackBits:
      return unpack_runs(strip, pixels);
    case TiffCompression::kLzw:
      return LzwUnpacker(strip).run(pixels);
    case TiffCompression::kDeflate:
      return inflate_all(strip, pixels);
  }
  return false;
}

}  // namespace pleat
