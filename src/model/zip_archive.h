// The CRC-32 of each file in a zip archive, which LibTorch's reader does not compare. Free of torch headers: this reads
// untrusted files.
#pragma once

#include <string_view>

namespace pleat {

/// Throws DataError, naming `name` and the entry, unless `archive` is a whole zip archive of stored and deflated
/// entries whose contents have the size and CRC-32 that its directory gives. Only up to 4 GB and 65,534 entries.
/// Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.
void check_zip(std::string_view archive, std::string_view name);

}  // namespace pleat
