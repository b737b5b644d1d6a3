// samples.csv as it stands: every column kept verbatim as strings; the config says later what they mean.
// Free of torch headers: this reads untrusted files. Format: docs/formats.md.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace pleat {

struct SampleTable {
  std::vector<std::string> names;                // column names, in the file's order
  std::vector<std::vector<std::string>> values;  // values[column][row]
  std::vector<int> lines;                        // the line (from 1) each row starts at; empty if not from a CSV
  std::string source;                            // the file it was read from, for errors; "" if it was made

  std::size_t rows() const { return values.empty() ? 0 : values.front().size(); }
  /// nullptr if there is no such column.
  const std::vector<std::string>* find(std::string_view name) const;
  /// Throws DataError naming the file, the nearest name and the columns there are. `wanted_by` says who asks for it:
  /// "data.group", say.
  const std::vector<std::string>& column(std::string_view name, std::string_view wanted_by = {}) const;
  /// Where the row stands: "samples.csv line 7", "crops.h5 row 5", "row 5".
  std::string place(std::size_t row) const;
};

/// Reads any CSV table with an `id` column and those that are required. Throws as read_samples, save for the paths.
SampleTable read_csv(const std::filesystem::path& path, const std::vector<std::string>& required);

/// Reads a CSV table (RFC 4180; a byte-order mark and CRLF are accepted) with at least the columns `id` and `path`.
/// Throws DataError with file and line: no header, a duplicated or empty column name, a row of another width, text
/// that is not UTF-8, an empty or duplicate id, an empty or absolute path or one that leaves the image folder, no rows.
SampleTable read_samples(const std::filesystem::path& path);

/// Checks what every table must keep to, wherever it came from: unique names, columns of one length, at least one row,
/// an `id` column whose values are neither empty nor repeated. `source` names the file in the DataError.
void check_table(const SampleTable& table, const std::string& source);

/// One field as CSV, quoted if it needs to be.
std::string csv_field(std::string_view value);

}  // namespace pleat
