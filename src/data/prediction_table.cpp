#include "data/prediction_table.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"
#include "data/hdf5_tables.h"
#include "data/sample_table.h"

namespace pleat {
namespace {

constexpr std::string_view kHdf5Start = "\x89HDF\r\n\x1a\n";

std::string listed(const std::vector<std::string>& names) { return shown(fmt::format("{}", fmt::join(names, ", "))); }

// Divides each row by its sum.
void check_probs(const PredictionTable& table, const PredictedTarget& target, std::vector<double>& probs) {
  const std::size_t classes = target.classes.size();
  for (std::size_t row = 0; row < table.ids.size(); ++row) {
    double* value = probs.data() + row * classes;
    double sum = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      if (!(value[c] >= 0) || !std::isfinite(value[c])) {
        throw DataError("{}: row '{}', target {}: {} is no probability; expected a number from 0 to 1",
                        table.path.string(), shown(table.ids[row]), shown(target.name), value[c]);
      }
      sum += value[c];
    }
    if (!(std::abs(sum - 1) <= kMostSumError)) {
      throw DataError("{}: row '{}', target {}: the probabilities sum to {:.6g}; expected 1 (within {})",
                      table.path.string(), shown(table.ids[row]), shown(target.name), sum, kMostSumError);
    }
    for (std::size_t c = 0; c < classes; ++c) value[c] /= sum;
  }
}

void check_folds(const PredictionTable& table) {
  for (const std::vector<std::int64_t>& folds : table.folds) {
    for (std::size_t row = 0; row < folds.size(); ++row) {
      if (folds[row] >= -1) continue;
      throw DataError("{}: row '{}' has the fold {}; expected one from 0, or -1 for none", table.path.string(),
                      shown(table.ids[row]), folds[row]);
    }
  }
}

// The columns "target:class", in the order of the classes; none if the table has no such column.
std::vector<const std::vector<std::string>*> class_columns(const SampleTable& csv, const PredictedTarget& target) {
  const std::string prefix = target.name + ":";
  std::set<std::string> expected;
  for (const std::string& name : target.classes) expected.insert(prefix + name);
  bool any = false;
  for (const std::string& name : csv.names) {
    if (!name.starts_with(prefix)) continue;
    any = true;
    if (expected.contains(name)) continue;
    throw DataError("{}: column '{}' is of no class of target {}; the classes are {}", csv.source, shown(name),
                    shown(target.name), listed(target.classes));
  }
  if (!any) return {};
  std::vector<const std::vector<std::string>*> columns;
  for (const std::string& name : target.classes) {
    columns.push_back(csv.find(prefix + name));
    if (columns.back() == nullptr)
      throw DataError("{}: column '{}' is missing; target {} needs a column for each class", csv.source,
                      shown(prefix + name), shown(target.name));
  }
  return columns;
}

template <class Number>
Number number_at(const SampleTable& csv, const std::vector<std::string>& column, std::size_t row,
                 const std::string& name, const char* kind) {
  const std::string& text = column[row];
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size()) return number;
  throw DataError("{}: column '{}' says '{}', which is not {}", csv.place(row), shown(name), shown(text), kind);
}

void read_csv_table(PredictionTable& table, const std::vector<PredictedTarget>& targets) {
  const SampleTable csv = read_csv(table.path, {});
  table.ids = csv.column("id");
  std::string name = "fold";  // as in folds.csv: of further repeats fold_2, …
  while (const auto* column = csv.find(name)) {
    std::vector<std::int64_t>& folds = table.folds.emplace_back();
    for (std::size_t row = 0; row < csv.rows(); ++row) {
      const bool none = (*column)[row].empty();
      folds.push_back(none ? -1 : number_at<std::int64_t>(csv, *column, row, name, "a whole number"));
    }
    name = fmt::format("fold_{}", table.folds.size() + 1);
  }
  for (const PredictedTarget& target : targets) {
    std::vector<double>& probs = table.probs.emplace_back();
    const auto columns = class_columns(csv, target);
    probs.resize(csv.rows() * columns.size());
    for (std::size_t c = 0; c < columns.size(); ++c) {
      for (std::size_t row = 0; row < csv.rows(); ++row)
        probs[row * columns.size() + c] =
            number_at<double>(csv, *columns[c], row, target.name + ":" + target.classes[c], "a number");
    }
    if (!probs.empty()) check_probs(table, target, probs);
  }
}

void require_unique(const PredictionTable& table) {
  std::set<std::string_view> seen;
  for (const std::string& id : table.ids) {
    if (id.empty()) throw DataError("{}: a row has no id", table.path.string());
    if (!seen.insert(id).second) throw DataError("{}: the id '{}' appears twice", table.path.string(), shown(id));
  }
}

void require_same_classes(const PredictionTable& table, const PredictedTarget& target,
                          const std::vector<std::string>& classes) {
  if (classes == target.classes) return;
  const bool permuted =
      std::is_permutation(classes.begin(), classes.end(), target.classes.begin(), target.classes.end());
  throw DataError("{}: target {} has {}: {}; expected {}", table.path.string(), shown(target.name),
                  permuted ? "its classes in another order" : "other classes", listed(classes), listed(target.classes));
}

void read_hdf5_table(PredictionTable& table, const std::string& bytes, const std::vector<PredictedTarget>& targets) {
  const Hdf5Lock lock;
  const Hdf5File file = open_hdf5(bytes);
  table.ids = read_texts(file.get(), "ids");
  require_unique(table);
  const auto rows = static_cast<std::int64_t>(table.ids.size());
  if (has_object(file.get(), "folds")) {
    const NumberArray<std::int64_t> folds = read_integers(file.get(), "folds", 2);  // [repeats, N]
    if (folds.dims[0] < 1 || folds.dims[1] != rows) throw Hdf5Error("folds and ids have different sizes");
    for (auto first = folds.values.begin(); first != folds.values.end(); first += rows)
      table.folds.emplace_back(first, first + rows);
  }
  for (const PredictedTarget& target : targets) {
    std::vector<double>& probs = table.probs.emplace_back();
    const std::string group = "targets/" + target.name;
    if (!has_object(file.get(), "targets") || !has_object(file.get(), group)) continue;
    require_same_classes(table, target, read_texts(file.get(), group + "/classes"));
    NumberArray<double> given = read_floats(file.get(), group + "/ensemble", 2);
    const auto classes = static_cast<std::int64_t>(target.classes.size());
    if (given.dims != std::vector<std::int64_t>{rows, classes}) {
      throw Hdf5Error(fmt::format("{}/ensemble is [{}, {}]; expected [{}, {}]", group, given.dims[0], given.dims[1],
                                  rows, classes));
    }
    probs = std::move(given.values);
    check_probs(table, target, probs);
  }
}

}  // namespace

PredictionTable read_prediction_table(const std::filesystem::path& path, const std::vector<PredictedTarget>& targets) {
  const std::string bytes = read_file(path);
  PredictionTable table{.path = path, .sha256 = sha256(bytes)};
  try {
    if (bytes.starts_with(kHdf5Start))
      read_hdf5_table(table, bytes, targets);
    else
      read_csv_table(table, targets);
  } catch (const Hdf5Error& error) {
    throw DataError("{} is not a table of predictions: {}; docs/formats.md describes the format", path.string(),
                    error.what());
  }
  check_folds(table);
  if (std::all_of(table.probs.begin(), table.probs.end(), [](const auto& probs) { return probs.empty(); })) {
    std::vector<std::string> names;
    for (const PredictedTarget& target : targets) names.push_back(target.name);
    throw DataError("{} has no predictions of {}; expected columns like '{}:{}' (docs/formats.md)", path.string(),
                    listed(names), shown(targets.front().name), shown(targets.front().classes.front()));
  }
  return table;
}

}  // namespace pleat
