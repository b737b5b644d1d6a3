// Reads a zip archive's entries and checks their CRC-32, which LibTorch's reader ignores. Free of torch headers: this
// reads untrusted files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pleat {

struct ZipEntry {
  std::string name;         // as in the archive
  std::string_view stored;  // its bytes in the archive; points into the archive
  bool deflated = false;    // whether `stored` is compressed
};

/// Returns the entries in the directory's order.
/// Throws: DataError with `name` and the entry for a damaged archive: cut short, entries that appear twice or overlap,
/// compression other than deflate, contents with another size or CRC-32 than in the directory.
/// Throws: DataError above 4 GB or 65,534 entries.
/// Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.
std::vector<ZipEntry> read_zip(std::string_view archive, std::string_view name);

/// Checks an archive like read_zip, for callers that read the entries in another way.
void check_zip(std::string_view archive, std::string_view name);

}  // namespace pleat
