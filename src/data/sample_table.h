// Reads samples.csv. Every value stays a string, verbatim; the config later defines the meaning of the columns.
// Uses no torch headers, since it reads untrusted files. Format: docs/formats.md.
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
  std::string source;                            // the file read, for errors; "" if the table was made

  std::size_t rows() const { return values.empty() ? 0 : values.front().size(); }
  /// Returns nullptr if the column does not exist.
  const std::vector<std::string>* find(std::string_view name) const;
  /// Throws: DataError naming the file, the nearest name and all columns if the column does not exist.
  ///   wanted_by: the option that asks for the column, for example "data.group"
  const std::vector<std::string>& column(std::string_view name, std::string_view wanted_by = {}) const;
  /// Returns the place of the row: "samples.csv line 7", "crops.h5 row 5", "row 5".
  std::string place(std::size_t row) const;
};

/// Reads any CSV table. Throws: as read_samples, except for what concerns ids and paths.
SampleTable read_plain_csv(const std::filesystem::path& path, const std::vector<std::string>& required = {});

/// Reads any CSV table with an `id` column and all `required` columns. Throws: as read_samples, except for the paths.
SampleTable read_csv(const std::filesystem::path& path, const std::vector<std::string>& required);

/// Reads a CSV table (RFC 4180; a byte-order mark and CRLF are accepted) with at least the columns `id` and `path`.
/// Throws: DataError with file and line: no header, a duplicate or empty column name, a row of another width, text that
/// is not UTF-8, an empty or duplicate id, an empty or absolute path or one that leaves the image folder, no rows.
SampleTable read_samples(const std::filesystem::path& path);

/// Checks the rules for every table: unique names, columns of one length, at least one row, an `id` column whose values
/// are neither empty nor repeated.
/// Throws: DataError that names the file as `source`.
void check_table(const SampleTable& table, const std::string& source);

/// Returns one field as CSV, quoted if necessary.
std::string csv_field(std::string_view value);

}  // namespace pleat
