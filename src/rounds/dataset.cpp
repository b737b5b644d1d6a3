#include "rounds/dataset.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"

namespace pleat {
namespace {

using Column = std::vector<std::string>;

void sort_into_splits(Dataset& dataset) {
  const Column* split = dataset.crops.table().find("split");
  for (std::size_t row = 0; row < dataset.crops.rows(); ++row) {
    if (!dataset.crops.valid(row)) continue;
    const std::string name = split && !(*split)[row].empty() ? (*split)[row] : "train";
    std::vector<std::int64_t>* rows = name == "train"        ? &dataset.train
                                      : name == "unlabelled" ? &dataset.unlabelled
                                      : name == "test"       ? &dataset.test
                                                             : nullptr;
    if (!rows) {
      throw DataError("{}: row '{}' has the split '{}'; expected train, unlabelled or test",
                      dataset.crops.path().string(), dataset.id(std::int64_t(row)), name);
    }
    rows->push_back(static_cast<std::int64_t>(row));
  }
  if (dataset.train.empty()) {
    throw DataError("{} has no train rows among its {} rows; is the column split right?", dataset.crops.path().string(),
                    dataset.crops.rows());
  }
}

// Rows of one group, which are taken or left together.
struct Unit {
  std::uint64_t order;  // where the seed puts it among those of its stratum
  std::vector<std::int64_t> rows;
};

// The rows' classes over all targets, as one word.
std::string stratum_of(const std::vector<Column>& labels, std::int64_t row) {
  std::string stratum;
  for (const Column& column : labels) stratum += column[std::size_t(row)] + '\x1f';
  return stratum;
}

// Takes from each stratum, in an order that the seed and the names alone decide, until its share of the limit is
// reached.
void limit_train(const RunConfig& config, Dataset& dataset) {
  const auto limit = static_cast<std::size_t>(config.data.limit.value_or(0));
  if (limit == 0 || limit >= dataset.train.size()) return;
  std::vector<Column> labels;
  for (const Target& target : dataset.targets) labels.push_back(dataset.crops.table().column(target.column));
  const Column& names = dataset.crops.table().column(config.data.group.empty() ? "id" : config.data.group);
  std::map<std::string, Unit> units;
  for (const std::int64_t row : dataset.train) units[names[std::size_t(row)]].rows.push_back(row);
  std::map<std::string, std::vector<Unit>> strata;
  for (auto& [name, unit] : units) {
    RandomStream random({.seed = std::uint64_t(config.seed),
                         .purpose = Purpose::kSubset,
                         .sample = std::stoull(sha256(name).substr(0, 16), nullptr, 16)});
    unit.order = random.next64();
    strata[stratum_of(labels, unit.rows.front())].push_back(std::move(unit));
  }
  std::vector<std::int64_t> kept;
  std::size_t seen = 0;
  for (auto& [stratum, members] : strata) {
    std::sort(members.begin(), members.end(),
              [](const Unit& a, const Unit& b) { return std::pair(a.order, a.rows) < std::pair(b.order, b.rows); });
    std::size_t rows = 0;
    for (const Unit& unit : members) rows += unit.rows.size();
    // Shares are cut on a running total, so that rounding never adds up to another number than the limit.
    const std::size_t before = limit * seen / dataset.train.size(),
                      after = limit * (seen + rows) / dataset.train.size();
    seen += rows;
    std::size_t taken = 0;
    for (const Unit& unit : members) {
      if (taken + unit.rows.size() > after - before) continue;
      taken += unit.rows.size();
      kept.insert(kept.end(), unit.rows.begin(), unit.rows.end());
    }
  }
  std::sort(kept.begin(), kept.end());
  spdlog::info("data.limit: {} of {} train rows take part", kept.size(), dataset.train.size());
  dataset.train = std::move(kept);
}

std::int64_t encode(const Dataset& dataset, const Target& target, const std::string& label, std::int64_t row,
                    bool may_be_empty) {
  if (label.empty() && may_be_empty) return -1;
  const int code = target.encode(label);
  if (code >= 0) return code;
  if (label.empty()) {
    throw DataError("row '{}': column {} is empty; give a label, or set the row's split to unlabelled", dataset.id(row),
                    target.column);
  }
  throw DataError(
      "row '{}': column {} says '{}', which is not one of the classes {}; fix the row or the config's classes",
      dataset.id(row), target.column, label, fmt::join(target.classes, ", "));
}

void encode_labels(const RunConfig& config, Dataset& dataset) {
  for (const TargetConfig& target_config : config.targets) {
    const Column& column =
        dataset.crops.table().column(target_config.column.empty() ? target_config.name : target_config.column);
    Column train_labels;
    for (const std::int64_t row : dataset.train) {
      if (!column[std::size_t(row)].empty()) train_labels.push_back(column[std::size_t(row)]);
    }
    const Target& target = dataset.targets.emplace_back(resolve_target(target_config, train_labels));
    auto& codes = dataset.labels.emplace_back(dataset.crops.rows(), -1);
    for (const std::int64_t row : dataset.train)
      codes[std::size_t(row)] = encode(dataset, target, column[std::size_t(row)], row, false);
    for (const std::int64_t row : dataset.test)
      codes[std::size_t(row)] = encode(dataset, target, column[std::size_t(row)], row, true);
  }
}

}  // namespace

Dataset open_dataset(const RunConfig& config) {
  Dataset dataset{.crops = CropFile(config.data.crops)};
  dataset.hash = dataset.crops.hash();
  sort_into_splits(dataset);
  encode_labels(config, dataset);
  if (config.folds.file.empty()) limit_train(config, dataset);
  return dataset;
}

std::vector<std::int64_t> rows_of_plan(const Dataset& dataset, const FoldPlan& plan) {
  std::unordered_map<std::string_view, std::int64_t> row_of;
  for (const std::int64_t row : dataset.train) row_of.emplace(dataset.id(row), row);
  std::vector<std::int64_t> rows;
  for (const std::string& id : plan.ids) {
    const auto found = row_of.find(id);
    if (found == row_of.end()) {
      throw DataError("the fold plan has the id '{}', which is no train row of {}; was it made for other data?", id,
                      dataset.crops.path().string());
    }
    rows.push_back(found->second);
  }
  return rows;
}

PixelNorm choose_norm(const RunConfig& config, const Dataset& dataset) {
  if (config.data.mean.empty()) return measure_pixels(dataset.crops, dataset.train);
  const auto channels = static_cast<std::size_t>(dataset.crops.shape().channels);
  if (config.data.mean.size() != channels) {
    throw UsageError("data.mean and data.std have {} values, but {} has {} channels", config.data.mean.size(),
                     config.data.crops, channels);
  }
  return {config.data.mean, config.data.std};
}

FoldRequest fold_request(const RunConfig& config, const Dataset& dataset) {
  const SampleTable& table = dataset.crops.table();
  FoldRequest request{.strata_names = config.folds.stratify,
                      .k = int(config.folds.k),
                      .repeats = int(config.folds.repeats),
                      .seed = std::uint64_t(config.seed)};
  if (request.strata_names.empty()) {
    for (const Target& target : dataset.targets) request.strata_names.push_back(target.column);
  }
  const auto pick = [&](const std::string& name) {
    Column values;
    const Column& column = table.column(name);
    for (const std::int64_t row : dataset.train) values.push_back(column[std::size_t(row)]);
    return values;
  };
  request.ids = pick("id");
  if (!config.data.group.empty()) request.groups = pick(config.data.group);
  for (const std::string& name : request.strata_names) request.strata.push_back(pick(name));
  return request;
}

}  // namespace pleat
