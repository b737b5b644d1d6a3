#include "data/sample_table.h"

#include <csv.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/config_node.h"
#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"

namespace pleat {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct Row {
  int line = 0;  // where it starts, from 1
  std::vector<std::string> fields;
};

// Filled by libcsv's callbacks. They must not throw through C, so CsvReader checks for errors afterwards.
struct Parsed {
  std::vector<std::string> fields;  // of the current row
  std::vector<std::vector<std::string>> rows;
};

void on_field(void* text, std::size_t size, void* parsed) {
  static_cast<Parsed*>(parsed)->fields.emplace_back(static_cast<const char*>(text), size);
}

void on_row(int, void* parsed) {
  auto& state = *static_cast<Parsed*>(parsed);
  state.rows.push_back(std::move(state.fields));
  state.fields.clear();
}

// Feeds libcsv line by line, so that each row knows its first line.
class CsvReader {
 public:
  explicit CsvReader(std::string file) : file_(std::move(file)) {
    csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_space_func(&parser_, [](unsigned char) { return 0; });  // blanks are part of the value: kept verbatim
  }
  ~CsvReader() { csv_free(&parser_); }
  CsvReader(const CsvReader&) = delete;

  std::vector<Row> read(std::string_view text) {
    for (int line = 1; !text.empty(); ++line) {
      const std::size_t length = line_length(text);
      feed(text.substr(0, length), line);
      text.remove_prefix(length);
    }
    if (csv_fini(&parser_, on_field, on_row, &parsed_) != 0) {
      throw DataError(
          "{} line {}: a quote opened in this row is never closed; close it, or double a quote inside a value", file_,
          row_line_);
    }
    take_rows();
    return std::move(rows_);
  }

 private:
  // Includes "\n", "\r\n" or a lone "\r".
  static std::size_t line_length(std::string_view text) {
    const std::size_t end = text.find_first_of("\r\n");
    if (end == std::string_view::npos) return text.size();
    return text.substr(end, 2) == "\r\n" ? end + 2 : end + 1;
  }

  void feed(std::string_view text, int line) {
    if (!in_row_) row_line_ = line;
    if (csv_parse(&parser_, text.data(), text.size(), on_field, on_row, &parsed_) != text.size()) {
      const std::string open = in_row_ ? fmt::format(" (a quote is open since line {})", row_line_) : "";
      throw DataError(
          "{} line {}: a quote stands inside a value{}; put the whole value in quotes and double the inner one", file_,
          line, open);
    }
    const bool blank = text.find_first_not_of("\r\n") == std::string_view::npos;
    if (!parsed_.rows.empty()) {
      take_rows();
      in_row_ = false;
    } else if (!blank) {
      in_row_ = true;  // a quoted value continues in the next line
    }
  }

  void take_rows() {
    for (auto& fields : parsed_.rows) rows_.push_back({row_line_, std::move(fields)});
    parsed_.rows.clear();
  }

  std::string file_;
  csv_parser parser_{};
  Parsed parsed_;
  std::vector<Row> rows_;
  int row_line_ = 1;
  bool in_row_ = false;
};

// Refuses spreadsheets and downloads that are not CSV.
void check_kind(const std::string& file, std::string_view text) {
  struct Kind {
    std::string_view begin;
    const char* name;
  };
  using namespace std::string_view_literals;
  constexpr Kind kKinds[] = {{"PK\x03\x04"sv, "a spreadsheet (.xlsx, .ods) or another zip file"},
                             {"\xD0\xCF\x11\xE0"sv, "a spreadsheet of an old Excel (.xls)"},
                             {"\x1F\x8B"sv, "packed by gzip"},
                             {"\x89HDF"sv, "an HDF5 file"}};
  for (const Kind& kind : kKinds) {
    if (text.starts_with(kind.begin)) {
      throw DataError("{}: is {}, expected a CSV table: plain UTF-8 text with commas; save or unpack it as that", file,
                      kind.name);
    }
  }
}

void check_encoding(const std::string& file, std::string_view text) {
  check_kind(file, text);
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    throw DataError("{}: is UTF-16; save it as UTF-8", file);
  }
  const std::size_t good = utf8_prefix(text);
  if (good == text.size()) return;
  const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(good), '\n') + 1;
  const unsigned byte = static_cast<unsigned char>(text[good]);
  if (byte == 0) throw DataError("{} line {}: holds a NUL byte; save the table as plain UTF-8 text", file, line);
  throw DataError("{} line {}: byte 0x{:02X} is not UTF-8; save the table as UTF-8", file, line, byte);
}

void check_separator(const std::string& file, const Row& header) {
  const auto& names = header.fields;
  if (names.size() == 1 && names[0].find_first_of(";\t") != std::string::npos) {
    throw DataError("{} line {}: the header is one column '{}'; columns must be separated by commas, not by {}", file,
                    header.line, shown(names[0]), names[0].find(';') != std::string::npos ? "semicolons" : "tabs");
  }
}

void check_path(const std::string& file, int line, const std::string& value) {
  const std::filesystem::path path(value);
  if (value.empty())
    throw DataError("{} line {}: the path is empty; give each row its photo, or drop the row", file, line);
  if (path.is_absolute()) {
    throw DataError("{} line {}: path '{}' is absolute; give it relative to the image folder", file, line,
                    shown(value));
  }
  if (std::find(path.begin(), path.end(), "..") != path.end()) {
    throw DataError("{} line {}: path '{}' leaves the image folder by '..'; give it relative to that folder", file,
                    line, shown(value));
  }
}

void check_names(const SampleTable& table, const std::string& source) {
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : table.names) {
    if (name.empty()) throw DataError("{}: column {} has no name; name it in the header", source, seen.size() + 1);
    if (!seen.insert(name).second)
      throw DataError("{}: column '{}' occurs twice; rename or drop one", source, shown(name));
  }
}

}  // namespace

const std::vector<std::string>* SampleTable::find(std::string_view name) const {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? nullptr : &values[static_cast<std::size_t>(found - names.begin())];
}

const std::vector<std::string>& SampleTable::column(std::string_view name, std::string_view wanted_by) const {
  if (const auto* found = find(name)) return *found;
  const std::string near = nearest_name(name, names);
  throw DataError("{}: there is no column '{}'{};{} the columns are {}", source.empty() ? "the table" : source,
                  shown(name), wanted_by.empty() ? "" : fmt::format(", which {} asks for", wanted_by),
                  near.empty() ? "" : fmt::format(" did you mean '{}'?", shown(near)), shown_names(names));
}

std::string SampleTable::place(std::size_t row) const {
  const std::string number = row < lines.size() ? fmt::format("line {}", lines[row]) : fmt::format("row {}", row);
  return source.empty() ? number : source + " " + number;
}

void check_table(const SampleTable& table, const std::string& source) {
  check_names(table, source);
  if (table.names.size() != table.values.size()) {
    throw DataError("{}: {} column names for {} columns", source, table.names.size(), table.values.size());
  }
  for (std::size_t i = 0; i < table.names.size(); ++i) {
    if (table.values[i].size() != table.rows()) {
      throw DataError("{}: column '{}' has {} rows, expected {}", source, shown(table.names[i]), table.values[i].size(),
                      table.rows());
    }
  }
  if (table.rows() == 0) throw DataError("{}: the table has no rows; expected some below the header", source);
  const auto* ids = table.find("id");
  if (ids == nullptr)
    throw DataError("{}: column 'id' is missing, but every table needs it; the columns are {}", source,
                    shown_names(table.names));
  const auto place = [&](std::size_t row) { return (table.source.empty() ? source + " " : "") + table.place(row); };
  std::unordered_map<std::string_view, std::size_t> first_row;
  first_row.reserve(ids->size());
  for (std::size_t row = 0; row < ids->size(); ++row) {
    const std::string& id = (*ids)[row];
    if (id.empty()) throw DataError("{}: the id is empty; every row needs a unique id", place(row));
    const auto [other, is_new] = first_row.emplace(id, row);
    if (!is_new) {
      throw DataError("{}: id '{}' is already used in {}; ids must differ: change one, or drop the row", place(row),
                      shown(id), place(other->second));
    }
  }
}

SampleTable read_plain_csv(const std::filesystem::path& path, const std::vector<std::string>& required) {
  const std::string file = path.string();
  const std::string bytes = read_file(path);
  std::string_view text = bytes;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  check_encoding(file, text);

  std::vector<Row> rows = CsvReader(file).read(text);
  if (rows.empty()) {
    throw DataError("{}: is empty; expected a header{}, and rows below it", file,
                    required.empty() ? "" : " with at least " + shown_names(required));
  }
  check_separator(file, rows.front());

  SampleTable table;
  table.source = file;
  table.names = std::move(rows.front().fields);
  for (const std::string& name : required) {
    if (std::find(table.names.begin(), table.names.end(), name) != table.names.end()) continue;
    throw DataError("{} line {}: column '{}' is missing; the header has {}; give one of them that name", file,
                    rows.front().line, name, shown_names(table.names));
  }
  check_names(table, fmt::format("{} line {}", file, rows.front().line));
  table.values.resize(table.names.size());
  for (auto& column : table.values) column.reserve(rows.size() - 1);
  for (std::size_t i = 1; i < rows.size(); ++i) {
    auto& [line, fields] = rows[i];
    if (fields.size() != table.names.size()) {
      throw DataError(
          "{} line {}: {} values, but the header has {} columns; fix the row (a comma inside a value needs quotes)",
          file, line, fields.size(), table.names.size());
    }
    for (std::size_t column = 0; column < fields.size(); ++column)
      table.values[column].push_back(std::move(fields[column]));
    table.lines.push_back(line);
  }
  return table;
}

SampleTable read_csv(const std::filesystem::path& path, const std::vector<std::string>& required) {
  SampleTable table = read_plain_csv(path, required);
  check_table(table, table.source);
  return table;
}

SampleTable read_samples(const std::filesystem::path& path) {
  SampleTable table = read_csv(path, {"id", "path"});
  const auto& paths = table.column("path");
  for (std::size_t row = 0; row < paths.size(); ++row) check_path(path.string(), table.lines[row], paths[row]);
  return table;
}

std::string csv_field(std::string_view value) {
  if (value.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(value);
  std::string quoted = "\"";
  for (const char letter : value) {
    if (letter == '"') quoted += '"';
    quoted += letter;
  }
  return quoted + '"';
}

}  // namespace pleat
