#include "sweep/axes.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "base/error.h"
#include "base/random.h"
#include "data/sample_table.h"

namespace pleat {
namespace {

constexpr std::int64_t kMostValues = 10'000;  // of one range

// Rates get three digits: 0.000464, not 0.00046415888.
ConfigNode scalar_of(double number, const Axis& axis, bool logarithmic) {
  ConfigNode node{.kind = ConfigNode::Kind::kScalar};
  if (axis.whole)
    node.scalar = fmt::format("{}", std::llround(number));
  else
    node.scalar = logarithmic ? fmt::format("{:.3g}", number) : fmt::format("{:.6g}", number);
  return node;
}

double value_at(const OpenRange& range, double share) {
  if (range.logarithmic) return range.low * std::pow(range.high / range.low, share);
  return range.low + (range.high - range.low) * share;
}

double number_of(const std::string& text, const std::string& source) {
  std::size_t used = 0;
  double number = 0;
  try {
    number = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size() || !std::isfinite(number))
    throw UsageError("{}: '{}' is not a number; a range is log:LOW:HIGH:COUNT or lin:LOW:HIGH:COUNT", source, text);
  return number;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char letter : text) {
    if (letter == separator)
      parts.emplace_back();
    else
      parts.back() += letter;
  }
  return parts;
}

// "log:1e-5:1e-2:6" or "log:1e-5:1e-2".
void read_range(const std::string& text, const std::string& source, Axis& axis) {
  const std::vector<std::string> parts = split(text, ':');
  if (parts.size() != 3 && parts.size() != 4)
    throw UsageError("{}: expected log:LOW:HIGH:COUNT or lin:LOW:HIGH:COUNT", source);
  const OpenRange range{number_of(parts[1], source), number_of(parts[2], source), parts[0] == "log"};
  if (range.logarithmic && range.low <= 0)
    throw UsageError("{}: a logarithmic range starts above 0, not at {:g}", source, range.low);
  if (range.low >= range.high)
    throw UsageError("{}: the range is empty, since {:g} is not below {:g}", source, range.low, range.high);
  if (parts.size() == 3) {
    axis.open = range;
    return;
  }
  const double count = number_of(parts[3], source);
  if (count < 2 || count > double(kMostValues) || count != std::floor(count))
    throw UsageError("{}: the number of values must be a whole number from 2 to {}, not {}", source, kMostValues,
                     parts[3]);
  for (double i = 0; i < count; ++i)
    axis.values.push_back(scalar_of(value_at(range, i / (count - 1)), axis, range.logarithmic));
}

void check_keys(const std::vector<Axis>& axes) {
  std::set<std::string> seen;
  for (const Axis& axis : axes) {
    if (!seen.insert(axis.key).second)
      throw UsageError("--axis {} is given twice; give all its values in one --axis", axis.key);
  }
}

std::size_t size_of_grid(const std::vector<Axis>& axes) {
  double size = 1;
  for (const Axis& axis : axes) size *= double(axis.values.size());
  if (size > double(kMostCells))
    throw UsageError("the axes have {:.0f} combinations, more than {}; give fewer values, or --random N", size,
                     kMostCells);
  return std::size_t(size);
}

std::string source_of(const std::vector<Axis>& axes, const std::vector<std::optional<ConfigNode>>& values) {
  std::string text;
  for (std::size_t a = 0; a < axes.size(); ++a)
    text += fmt::format("{}--axis {}={}", a > 0 ? " " : "", axes[a].key, to_flow_yaml(*values[a]));
  return text;
}

// The cell of that number; the first axis varies slowest.
CellValues cell_at(const std::vector<Axis>& axes, std::size_t number) {
  CellValues cell;
  for (std::size_t a = axes.size(); a-- > 0;) {
    const std::size_t values = axes[a].values.size();
    cell.values.insert(cell.values.begin(), axes[a].values[number % values]);
    number /= values;
  }
  cell.source = source_of(axes, cell.values);
  return cell;
}

std::vector<std::string> keys_of(const std::vector<Axis>& axes) {
  std::vector<std::string> keys;
  for (const Axis& axis : axes) keys.push_back(axis.key);
  return keys;
}

CellValues drawn_cell(const std::vector<Axis>& axes, std::uint64_t seed, std::uint64_t number) {
  CellValues cell;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    RandomStream random(
        {.seed = seed, .purpose = Purpose::kSweepCells, .part = static_cast<std::uint32_t>(a), .sample = number});
    const Axis& axis = axes[a];
    cell.values.push_back(axis.open ? scalar_of(value_at(*axis.open, random.uniform()), axis, axis.open->logarithmic)
                                    : axis.values[random.below(static_cast<std::uint32_t>(axis.values.size()))]);
  }
  cell.source = source_of(axes, cell.values);
  return cell;
}

}  // namespace

Axis parse_axis(const std::string& text, const std::function<bool(const std::string& key)>& is_whole) {
  const std::string source = "--axis " + text;
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw UsageError("{}: expected the form KEY=VALUES, as in train.lr=1e-4,1e-3 or train.lr=log:1e-5:1e-2:6", source);
  Axis axis{.key = text.substr(0, equals)};
  const std::string values = text.substr(equals + 1);
  if (values.starts_with("log:") || values.starts_with("lin:")) {
    axis.whole = is_whole(axis.key);
    read_range(values, source, axis);
    return axis;
  }
  if (values.starts_with(',') || values.ends_with(',') || values.find(",,") != std::string::npos)
    throw UsageError("{}: a value is empty; write null for no value", source);
  axis.values = parse_items(values, source);
  if (axis.values.empty()) throw UsageError("{}: no values; give at least one", source);
  return axis;
}

CellTable grid_of(const std::vector<Axis>& axes) {
  check_keys(axes);
  for (const Axis& axis : axes) {
    if (axis.open)
      throw UsageError("--axis {}: a range needs a number of values, as in log:1e-5:1e-2:6, or --random N draws",
                       axis.key);
  }
  CellTable table{.keys = keys_of(axes)};
  const std::size_t size = size_of_grid(axes);
  for (std::size_t number = 0; number < size; ++number) table.cells.push_back(cell_at(axes, number));
  return table;
}

CellTable random_cells(const std::vector<Axis>& axes, std::int64_t count, std::uint64_t seed) {
  check_keys(axes);
  CellTable table{.keys = keys_of(axes)};
  if (std::any_of(axes.begin(), axes.end(), [](const Axis& axis) { return axis.open.has_value(); })) {
    constexpr std::uint64_t kTries = 1000;  // in a row that only repeat cells
    std::set<std::string> seen;
    for (std::uint64_t number = 0, repeats = 0; std::int64_t(table.cells.size()) < count; ++number) {
      CellValues cell = drawn_cell(axes, seed, number);
      if (seen.insert(cell.source).second) {
        table.cells.push_back(std::move(cell));
        repeats = 0;
      } else if (++repeats == kTries) {
        throw UsageError("--random {}: the ranges have only {} different values; give a smaller number", count,
                         table.cells.size());
      }
    }
    return table;
  }
  std::vector<std::size_t> numbers(size_of_grid(axes));
  std::iota(numbers.begin(), numbers.end(), 0);
  RandomStream random({.seed = seed, .purpose = Purpose::kSweepCells});
  shuffle(numbers, random);
  numbers.resize(std::min(numbers.size(), static_cast<std::size_t>(count)));
  for (const std::size_t number : numbers) table.cells.push_back(cell_at(axes, number));
  return table;
}

CellTable cells_of_file(const std::filesystem::path& path) {
  const SampleTable file = read_plain_csv(path);
  CellTable table{.keys = file.names};
  if (file.rows() == 0) throw DataError("{}: no rows; expected a row per cell", path.string());
  for (std::size_t row = 0; row < file.rows(); ++row) {
    CellValues& cell = table.cells.emplace_back(CellValues{.source = file.place(row)});
    for (std::size_t c = 0; c < file.names.size(); ++c) {
      const std::string& value = file.values[c][row];
      cell.values.push_back(value.empty() ? std::nullopt : std::optional(parse_config(value, cell.source)));
    }
  }
  return table;
}

}  // namespace pleat
