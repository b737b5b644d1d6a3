#include "ensemble/outside_table.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"
#include "data/sample_table.h"
#include "ensemble/hdf5_tables.h"
#include "target/target.h"

namespace pleat {
namespace {

constexpr std::string_view kHdf5Start = "\x89HDF\r\n\x1a\n";

// Divides each row by its sum.
torch::Tensor checked_probs(const torch::Tensor& probs, const OutsideTable& table, const std::string& target) {
  const double* value = probs.const_data_ptr<double>();
  const std::int64_t classes = probs.size(1);
  for (std::int64_t row = 0; row < probs.size(0); ++row, value += classes) {
    double sum = 0;
    for (std::int64_t c = 0; c < classes; ++c) {
      if (!(value[c] >= 0) || !std::isfinite(value[c]))
        throw DataError("{}: row '{}', target {}: {} is no probability; expected a number from 0 to 1",
                        table.path.string(), shown(table.ids[std::size_t(row)]), target, value[c]);
      sum += value[c];
    }
    if (std::abs(sum - 1) > kMostSumError)
      throw DataError("{}: row '{}', target {}: the probabilities sum to {:.6g}; expected 1 (within {})",
                      table.path.string(), shown(table.ids[std::size_t(row)]), target, sum, kMostSumError);
  }
  return probs / probs.sum(1, /*keepdim=*/true);
}

// The columns "target:class", in the order of the classes; none if the table has no such column.
std::vector<const std::vector<std::string>*> class_columns(const SampleTable& csv, const WantedTarget& target) {
  const std::string prefix = target.name + ":";
  std::set<std::string> expected, found;
  for (const std::string& name : target.classes) expected.insert(prefix + name);
  for (const std::string& name : csv.names) {
    if (name.starts_with(prefix)) found.insert(name);
  }
  if (found.empty()) return {};
  for (const std::string& name : found) {
    if (!expected.contains(name))
      throw DataError("{}: column '{}' is of no class of target {}; the classes are {}", csv.source, shown(name),
                      target.name, shown(fmt::format("{}", fmt::join(target.classes, ", "))));
  }
  std::vector<const std::vector<std::string>*> columns;
  for (const std::string& name : target.classes) {
    columns.push_back(csv.find(prefix + name));
    if (columns.back() == nullptr)
      throw DataError("{}: column '{}' is missing; target {} needs a column for each class", csv.source,
                      shown(prefix + name), target.name);
  }
  return columns;
}

double number_at(const SampleTable& csv, const std::vector<std::string>& column, std::size_t row,
                 const std::string& name) {
  const auto number = number_of(column[row]);
  if (number) return *number;
  throw DataError("{}: column '{}' says '{}', which is not a finite number", csv.place(row), shown(name),
                  shown(column[row]));
}

void read_csv_table(OutsideTable& table, const std::vector<WantedTarget>& wanted) {
  const SampleTable csv = read_csv(table.path, {});
  table.ids = csv.column("id");
  if (const auto* folds = csv.find("fold")) {
    for (std::size_t row = 0; row < csv.rows(); ++row)
      table.folds.push_back((*folds)[row].empty() ? -1 : std::int64_t(number_at(csv, *folds, row, "fold")));
  }
  for (const WantedTarget& target : wanted) {
    torch::Tensor& probs = table.probs.emplace_back();
    const auto columns = class_columns(csv, target);
    if (columns.empty()) continue;
    probs = at::empty({std::int64_t(csv.rows()), std::int64_t(columns.size())}, at::kDouble);
    for (std::size_t c = 0; c < columns.size(); ++c) {
      for (std::size_t row = 0; row < csv.rows(); ++row)
        probs.data_ptr<double>()[row * columns.size() + c] =
            number_at(csv, *columns[c], row, target.name + ":" + target.classes[c]);
    }
    probs = checked_probs(probs, table, target.name);
  }
}

void require_unique(const OutsideTable& table) {
  std::set<std::string_view> seen;
  for (const std::string& id : table.ids) {
    if (id.empty()) throw DataError("{}: a row has no id", table.path.string());
    if (!seen.insert(id).second) throw DataError("{}: the id '{}' appears twice", table.path.string(), shown(id));
  }
}

void require_same_classes(const OutsideTable& table, const WantedTarget& target,
                          const std::vector<std::string>& classes) {
  if (classes == target.classes) return;
  const bool permuted =
      std::is_permutation(classes.begin(), classes.end(), target.classes.begin(), target.classes.end());
  throw DataError("{}: target {} has {}: {}; expected {}", table.path.string(), target.name,
                  permuted ? "its classes in another order" : "other classes",
                  shown(fmt::format("{}", fmt::join(classes, ", "))),
                  shown(fmt::format("{}", fmt::join(target.classes, ", "))));
}

void read_hdf5_table(OutsideTable& table, const std::string& bytes, const std::vector<WantedTarget>& wanted) {
  const Hdf5Lock lock;
  const Hdf5File file = open_hdf5(bytes);
  table.ids = read_texts(file.get(), "ids");
  require_unique(table);
  const auto rows = static_cast<std::int64_t>(table.ids.size());
  if (has_object(file.get(), "folds")) {
    const torch::Tensor folds = read_tensor(file.get(), "folds", at::kLong, 2);  // [repeats, N]
    if (folds.size(0) < 1 || folds.size(1) != rows) throw Hdf5Error("folds and ids have different sizes");
    const auto* first = folds.const_data_ptr<std::int64_t>();
    table.folds.assign(first, first + rows);
  }
  for (const WantedTarget& target : wanted) {
    torch::Tensor& probs = table.probs.emplace_back();
    const std::string group = "targets/" + target.name;
    if (!has_object(file.get(), "targets") || !has_object(file.get(), group)) continue;
    require_same_classes(table, target, read_texts(file.get(), (group + "/classes").c_str()));
    probs = read_tensor(file.get(), (group + "/ensemble").c_str(), at::kDouble, 2);
    if (probs.size(0) != rows || probs.size(1) != std::int64_t(target.classes.size()))
      throw Hdf5Error(fmt::format("{}/ensemble is [{}, {}]; expected [{}, {}]", group, probs.size(0), probs.size(1),
                                  rows, target.classes.size()));
    probs = checked_probs(probs, table, target.name);
  }
}

}  // namespace

OutsideTable read_outside_table(const std::filesystem::path& path, const std::vector<WantedTarget>& wanted) {
  const std::string bytes = read_file(path);
  OutsideTable table{.path = path, .sha256 = sha256(bytes)};
  try {
    if (bytes.starts_with(kHdf5Start))
      read_hdf5_table(table, bytes, wanted);
    else
      read_csv_table(table, wanted);
  } catch (const Hdf5Error& error) {
    throw DataError("{} is not a table of predictions: {}; docs/formats.md describes the format", path.string(),
                    error.what());
  }
  if (std::none_of(table.probs.begin(), table.probs.end(), [](const auto& probs) { return probs.defined(); })) {
    std::vector<std::string> names;
    for (const WantedTarget& target : wanted) names.push_back(target.name);
    throw DataError("{} has no predictions of {}; expected columns like '{}:{}' (docs/formats.md)", path.string(),
                    fmt::join(names, ", "), wanted.front().name, wanted.front().classes.front());
  }
  return table;
}

}  // namespace pleat
