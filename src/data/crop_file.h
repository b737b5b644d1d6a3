// Writes and reads crops.h5, the prepared crops. All ranks write the file once and then map it read-only: no locks, no
// copies, one page-cache copy per node for all ranks. Uses no torch headers, since it reads untrusted files.
// Format: docs/formats.md.
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

/// Attributes that say how the crops were made (size, crop, decoder …). They depend on the input only, never on host,
/// time or rank.
using Provenance = std::map<std::string, std::string>;

/// Returns the reason why crops.h5 cannot hold a column of that name, for a message; nullptr if it can.
const char* column_name_fault(std::string_view name);

/// Creates the file and reserves all its space, so that a full disk fails at once. Every row starts as not valid.
/// Throws: DataError, after removing an incomplete file.
void create_crops(const std::filesystem::path& path, const ImageShape& shape, const SampleTable& table,
                  const Provenance& provenance);

/// Writes rows of a file made by create_crops. Writers in several processes and threads may share a file.
/// Requires: no two writers write the same row.
class CropWriter {
 public:
  explicit CropWriter(const std::filesystem::path& path);
  ~CropWriter();
  /// Writes pixels and CRC-32, and marks the row valid. Thread-safe.
  ///   image: shape.bytes() bytes, HWC
  void write(std::size_t row, std::span<const std::uint8_t> image);
  /// Flushes to disk. Nothing is guaranteed to be on disk before this call returns.
  /// Throws: DataError if the flush fails.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Returns the number of rows written so far to a file made by create_crops.
/// Throws: DataError if the file cannot be read.
std::size_t count_valid(const std::filesystem::path& path);

/// A prepared file, mapped. Thread-safe once constructed.
class CropFile {
 public:
  /// Validates structure, schema version, sizes and table before anything is mapped.
  /// Throws: DataError naming file, what was found and what was expected.
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
  /// Returns the pixels of a valid row, HWC. Compares the row's CRC-32 on its first use in this process.
  /// Throws: DataError naming file, row and id if a byte was changed, or the row is not valid.
  std::span<const std::uint8_t> image(std::size_t row) const;
  /// Returns the CRC-32 of the row's pixels as the file states it; 0 for a row without a picture.
  std::uint32_t checksum(std::size_t row) const;
  /// Returns the SHA-256 (hex) over shape, table, valid and crc32: everything in the file that can affect results.
  std::string hash() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pleat
