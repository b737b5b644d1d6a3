// crops.h5: prepared crops, written once by all ranks, then mapped read-only: no locks, no copies, one page-cache copy
// per node however many ranks. Free of torch headers: this reads untrusted files. Format: docs/formats.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "data/sample_table.h"

namespace pleat {

struct ImageShape {
  int height = 0, width = 0, channels = 0;  // pixels; channels 1 (gray) or 3 (RGB, interleaved)
  std::size_t bytes() const { return std::size_t(height) * std::size_t(width) * std::size_t(channels); }
  bool operator==(const ImageShape&) const = default;
};

/// Attributes that say how the crops were made (size, crop, decoder …): the same for the same input; never host, time,
/// rank.
using Provenance = std::map<std::string, std::string>;

/// Why crops.h5 cannot hold a column of that name, for a message; nullptr if it can.
const char* column_name_fault(std::string_view name);

/// Creates the file with all its space reserved, so that a full disk shows at once; every row starts as not valid.
/// Throws DataError; a file that could not be made whole is removed.
void create_crops(const std::filesystem::path& path, const ImageShape& shape, const SampleTable& table,
                  const Provenance& provenance);

/// Writes rows of a file made by create_crops. Several writers, in several processes and threads, may share a file as
/// long as no two write the same row.
class CropWriter {
 public:
  explicit CropWriter(const std::filesystem::path& path);
  ~CropWriter();
  /// image: shape.bytes() bytes, HWC. Writes pixels and CRC-32, and marks the row valid. Safe from many threads.
  void write(std::size_t row, std::span<const std::uint8_t> image);
  /// Flushes to disk. Throws DataError if that fails; nothing is known to be written before it returns.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// How many rows of a file made by create_crops have been written. Throws DataError if it cannot be read.
std::size_t count_valid(const std::filesystem::path& path);

/// A prepared file, mapped. Safe from many threads once constructed.
class CropFile {
 public:
  /// Validates structure, schema version, sizes and table before anything is mapped.
  /// Throws DataError naming file, what was found and what was expected.
  explicit CropFile(const std::filesystem::path& path);
  ~CropFile();
  CropFile(CropFile&&) noexcept;
  CropFile& operator=(CropFile&&) noexcept;

  const std::filesystem::path& path() const;
  const ImageShape& shape() const;
  std::size_t rows() const;
  const SampleTable& table() const;
  const Provenance& provenance() const;
  bool valid(std::size_t row) const;
  /// The pixels of a valid row, HWC. Compares the row's CRC-32 the first time it is touched in this process;
  /// throws DataError naming file, row and id if a byte was changed, or the row is not valid.
  std::span<const std::uint8_t> image(std::size_t row) const;
  /// SHA-256 (hex) over shape, table, valid and crc32: everything of the file that results can depend on.
  std::string hash() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pleat
