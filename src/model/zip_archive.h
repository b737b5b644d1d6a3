// The entries of a zip archive and their CRC-32, which LibTorch's reader does not compare. Free of torch headers: this
// reads untrusted files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pleat {

struct ZipEntry {
  std::string name;         // as it stands in the archive
  std::string_view stored;  // its bytes there; points into the archive
  bool deflated = false;    // otherwise `stored` are its contents
};

/// The entries in the directory's order. Throws DataError, naming `name` and the entry, unless `archive` is a whole zip
/// archive of stored and deflated entries, none twice and together no larger than the file, whose contents have the
/// size and CRC-32 that its directory gives. Only up to 4 GB and 65,534 entries. Source: PKWARE's APPNOTE.TXT 6.3.10,
/// sections 4.3.7, 4.3.12 and 4.3.16.
std::vector<ZipEntry> read_zip(std::string_view archive, std::string_view name);

/// The same for whoever reads the entries otherwise.
void check_zip(std::string_view archive, std::string_view name);

}  // namespace pleat
