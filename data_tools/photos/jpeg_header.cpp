// Reads the header of a JPEG. Source: ISO/IEC 10918-1, annex B.
#include <fmt/format.h>

#include <bitset>
#include <vector>

#include "data_tools/photos/formats.h"
#include "data_tools/photos/orientation.h"

namespace pleat {
namespace {

constexpr std::uint8_t kStartOfScan = 0xDA, kEndOfImage = 0xD9, kApp1 = 0xE1, kApp14 = 0xEE;
constexpr std::size_t kAdobeBytes = 12;
constexpr std::string_view kXmpStart{"http://ns.adobe.com/xap/1.0/\0", 29};
// Usual encoders write at most a dozen. Each scan of a progressive photo visits all pixels: a small file with thousands
// of scans would take minutes.
constexpr int kMaxScans = 100;

[[noreturn]] void jpeg_cut_short() { throw BadPhoto("JPEG is cut short (no end-of-image marker); get an intact copy"); }

bool has_no_segment(std::uint8_t marker) { return marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8); }

bool is_frame(std::uint8_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

// Coded data runs to the next marker that is neither a stuffed zero nor a restart.
std::size_t skip_coded_data(FileBytes file, std::size_t at) {
  while (at + 1 < file.size()) {
    const void* found = std::memchr(file.data() + at, 0xFF, file.size() - at - 1);
    if (found == nullptr) break;
    at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - file.data());
    const std::uint8_t next = file[at + 1];
    if (next != 0x00 && next != 0xFF && !(next >= 0xD0 && next <= 0xD7)) return at;
    at += next == 0xFF ? 1 : 2;
  }
  jpeg_cut_short();
}

class JpegWalk {
 public:
  explicit JpegWalk(FileBytes file) : file_(file) {}

  // Reads the first picture. Data after its end (a phone's second picture, a video) is ignored.
  ImageHeader run() {
    std::size_t at = 2;  // after the start marker
    while (at + 1 < file_.size()) {
      const std::uint8_t marker = file_[at + 1];
      if (file_[at] != 0xFF || marker == 0xFF) {  // junk, or padding; decoders skip both
        ++at;
        continue;
      }
      at += 2;
      if (marker == 0x00) continue;  // junk
      if (marker == kEndOfImage) return finished();
      if (has_no_segment(marker)) continue;
      at = read_segment(marker, at);
      if (marker == kStartOfScan) at = skip_coded_data(file_, at);
    }
    jpeg_cut_short();
  }

 private:
  // Returns where the segment ends.
  std::size_t read_segment(std::uint8_t marker, std::size_t at) {
    if (at + 2 > file_.size()) jpeg_cut_short();
    const std::size_t length = big_endian(file_.subspan(at, 2));
    if (length < 2) {
      throw BadPhoto(fmt::format("JPEG is damaged at byte {} (a segment of {} bytes); get an intact copy", at, length));
    }
    if (length > file_.size() - at) jpeg_cut_short();
    const FileBytes segment = file_.subspan(at + 2, length - 2);
    if (is_frame(marker)) read_frame(marker, segment);
    if (marker == kStartOfScan) read_scan(segment);
    if (marker == kApp1 && scans_ == 0) read_app1(segment);
    // Decoders would not recognize it, and guess the colours.
    if (marker == kApp14 && starts_with(segment, "Adobe") && segment.size() < kAdobeBytes)
      throw BadPhoto("JPEG with a broken Adobe segment, which names its colours; get an intact copy");
    return at + length;
  }

  // EXIF longer than a segment continues in the next one.
  void read_app1(FileBytes segment) {
    if (starts_with(segment, kXmpStart)) xmp_ = segment.subspan(kXmpStart.size());
    if (!starts_with(segment, kExifStart)) return;
    const FileBytes part = segment.subspan(kExifStart.size());
    exif_.insert(exif_.end(), part.begin(), part.end());
  }

  void read_frame(std::uint8_t marker, FileBytes segment) {
    // A decoder would use the first header and its size.
    if (in_frame_.any()) throw BadPhoto("JPEG with two frame headers; save it again");
    if (segment.size() < 6 || segment.size() < 6 + std::size_t{3} * segment[5])
      throw BadPhoto("JPEG with a broken frame header; get an intact copy");
    header_.streamed = marker == 0xC0 || marker == 0xC1;  // else progressive, or of a kind that is refused
    header_.bits = segment[0];
    header_.height = big_endian(segment.subspan(1, 2));
    header_.width = big_endian(segment.subspan(3, 2));
    const int channels = segment[5];
    if (header_.bits != 8)
      throw BadPhoto(fmt::format("JPEG with {} bits per channel, expected 8; convert it", header_.bits));
    if (channels != 1 && channels != 3 && channels != 4)
      throw BadPhoto(fmt::format("JPEG with {} channels, expected 1, 3 or 4; convert it", channels));
    header_.reducible = channels != 4;  // averages of CMYK are not averages of its colours
    for (int i = 0; i < channels; ++i) in_frame_.set(segment[std::size_t(6 + 3 * i)]);
  }

  void read_scan(FileBytes segment) {
    if (++scans_ > kMaxScans) throw BadPhoto(fmt::format("JPEG with more than {} scans; save it again", kMaxScans));
    for (std::size_t i = 0; !segment.empty() && i < segment[0] && 1 + 2 * i < segment.size(); ++i)
      in_scans_.set(segment[1 + 2 * i]);
  }

  // A decoder silently fills a channel without a scan, which gives gray or green.
  ImageHeader finished() {
    if (in_frame_.none() || scans_ == 0) throw BadPhoto("JPEG without a picture; get an intact copy");
    if ((in_frame_ & ~in_scans_).any()) throw BadPhoto("JPEG lacks the scans of some channels; get an intact copy");
    header_.orientation = orientation_of(exif_, xmp_);
    return header_;
  }

  FileBytes file_;
  ImageHeader header_{.format = PhotoFormat::kJpeg};
  std::bitset<256> in_frame_, in_scans_;  // channels, by their number in the file
  int scans_ = 0;
  std::vector<std::uint8_t> exif_;
  FileBytes xmp_;
};

}  // namespace

ImageHeader read_jpeg_header(FileBytes file) { return JpegWalk(file).run(); }

}  // namespace pleat
