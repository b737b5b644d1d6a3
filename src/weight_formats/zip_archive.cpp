#include "weight_formats/zip_archive.h"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <cstdint>
#include <set>
#include <string>

#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"
#include "weight_formats/little_endian.h"

namespace pleat {
namespace {

constexpr std::string_view kEndMark = "PK\x05\x06", kDirectoryMark = "PK\x01\x02", kLocalMark = "PK\x03\x04";
constexpr std::size_t kEndSize = 22, kDirectorySize = 46, kLocalSize = 30;

struct Entry {
  std::string_view name;
  std::uint32_t crc, stored_size, size;
  bool deflated;
};

class Archive {
 public:
  Archive(std::string_view bytes, std::string_view name) : bytes_(bytes), name_(name) {}
  std::vector<ZipEntry> read() const;

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw DataError("{}: {}; the file is damaged or not a zip archive; get it again", name_, what);
  }
  std::string_view piece(std::size_t begin, std::size_t size) const {
    if (begin > bytes_.size() || size > bytes_.size() - begin) refuse("it is cut short");
    return bytes_.substr(begin, size);
  }
  std::size_t find_end() const;
  std::string_view contents(const Entry& entry, std::size_t local) const;
  void check_contents(const Entry& entry, std::string_view stored) const;

  std::string_view bytes_, name_;
};

// Requires: at most four bytes, inside of the header.
std::uint32_t number(std::string_view header, std::size_t begin, std::size_t size) {
  return static_cast<std::uint32_t>(little_endian(header.substr(begin, size)));
}

// The directory's end comes last; only a comment of at most 65,535 bytes may follow it.
std::size_t Archive::find_end() const {
  constexpr std::size_t kLongestComment = 65535;
  if (bytes_.size() < kEndSize) refuse("it has no zip directory");
  const std::size_t last = bytes_.size() - kEndSize;
  const std::size_t found = bytes_.rfind(kEndMark, last);
  if (found == std::string_view::npos || last - found > kLongestComment) refuse("it has no zip directory");
  return found;
}

// Before the contents, the local header repeats the name and may have padding.
std::string_view Archive::contents(const Entry& entry, std::size_t local) const {
  const std::string_view header = piece(local, kLocalSize);
  const std::size_t name_size = header.starts_with(kLocalMark) ? number(header, 26, 2) : 0;
  if (piece(local + kLocalSize, name_size) != entry.name)
    refuse(fmt::format("'{}' is not where its directory says", shown(entry.name)));
  return piece(local + kLocalSize + name_size + number(header, 28, 2), entry.stored_size);
}

struct Sum {
  std::uint32_t crc = 0;
  std::uint64_t size = 0;
};

// Sums the inflated bytes; stops soon after `most` bytes. Returns false if `stored` is not one whole deflate stream.
bool sum_deflated(std::string_view stored, std::uint64_t most, Sum& sum) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;  // negative: a raw stream without zlib's header
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(stored.data()));
  stream.avail_in = static_cast<uInt>(stored.size());
  std::array<char, 65536> piece;
  int state = Z_OK;
  while (state == Z_OK && sum.size <= most) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = piece.size();
    state = inflate(&stream, Z_NO_FLUSH);
    const std::size_t made = piece.size() - stream.avail_out;
    sum.crc = crc32({piece.data(), made}, sum.crc);
    sum.size += made;
  }
  inflateEnd(&stream);
  return state == Z_STREAM_END;
}

void Archive::check_contents(const Entry& entry, std::string_view stored) const {
  Sum sum{crc32(stored), stored.size()};
  const bool whole = !entry.deflated || sum_deflated(stored, entry.size, sum = {});
  if (!whole || sum.size != entry.size || sum.crc != entry.crc)
    refuse(fmt::format("'{}' in it does not have the checksum that was written with it", shown(entry.name)));
}

std::vector<ZipEntry> Archive::read() const {
  const std::string_view end = piece(find_end(), kEndSize);
  const std::uint32_t entries = number(end, 10, 2);
  std::size_t place = number(end, 16, 4);
  if (entries == 0xFFFF || place == 0xFFFFFFFF)
    throw DataError("{}: over 4 GB or more than 65,534 entries; pleat reads only smaller zip archives", name_);
  std::vector<ZipEntry> read;
  std::set<std::string_view> names;
  std::uint64_t stored = 0;
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::string_view header = piece(place, kDirectorySize);
    if (!header.starts_with(kDirectoryMark)) refuse("its zip directory is damaged");
    const std::size_t name_size = number(header, 28, 2);
    const std::uint32_t method = number(header, 10, 2);
    const Entry entry{.name = piece(place + kDirectorySize, name_size),
                      .crc = number(header, 16, 4),
                      .stored_size = number(header, 20, 4),
                      .size = number(header, 24, 4),
                      .deflated = method == Z_DEFLATED};
    if (method != 0 && !entry.deflated)
      refuse(fmt::format("'{}' in it is compressed in an unknown way", shown(entry.name)));
    if (!names.insert(entry.name).second) refuse(fmt::format("'{}' appears twice in it", shown(entry.name)));
    // Otherwise thousands of entries could make it sum the same bytes thousands of times.
    stored += entry.stored_size;
    if (stored > bytes_.size()) refuse("its entries overlap");
    const std::string_view contents_of_it = contents(entry, number(header, 42, 4));
    check_contents(entry, contents_of_it);
    read.push_back({std::string(entry.name), contents_of_it, entry.deflated});
    place += kDirectorySize + name_size + number(header, 30, 2) + number(header, 32, 2);
  }
  return read;
}

}  // namespace

std::vector<ZipEntry> read_zip(std::string_view archive, std::string_view name) {
  return Archive(archive, name).read();
}

void check_zip(std::string_view archive, std::string_view name) { read_zip(archive, name); }

}  // namespace pleat
