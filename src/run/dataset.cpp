#include "run/dataset.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "base/log.h"
#include "base/same_text.h"
#include "base/utf8.h"
#include "cluster/host.h"
#include "run/copies.h"
#include "run/same_text_check.h"
#include "run/train_limit.h"

namespace pleat {
namespace {

using Column = std::vector<std::string>;

void sort_into_splits(Dataset& dataset) {
  const Column* split = dataset.crops.table().find("split");
  std::size_t rejected = 0;
  for (std::size_t row = 0; row < dataset.crops.rows(); ++row) {
    if (!dataset.crops.valid(row)) {
      ++rejected;
      continue;
    }
    const std::string name = split && !(*split)[row].empty() ? (*split)[row] : "train";
    std::vector<std::int64_t>* rows = name == "train"        ? &dataset.train
                                      : name == "unlabelled" ? &dataset.unlabelled
                                      : name == "test"       ? &dataset.test
                                                             : nullptr;
    if (!rows) {
      throw DataError("{}: row '{}' has the split '{}'; expected train, unlabelled or test",
                      dataset.crops.path().string(), shown(dataset.id(std::int64_t(row))), shown(name));
    }
    rows->push_back(static_cast<std::int64_t>(row));
  }
  if (dataset.train.empty()) {
    throw DataError("{} has no train rows among its {} rows{}; check the column split", dataset.crops.path().string(),
                    dataset.crops.rows(), rejected == 0 ? "" : fmt::format(" ({} without a picture)", rejected));
  }
}

// Empty values would put unrelated rows into one huge group.
void check_groups(const RunConfig& config, const Dataset& dataset) {
  if (config.data.group.empty()) return;
  const Column& groups = dataset.crops.table().column(config.data.group, "data.group");
  for (const std::int64_t row : dataset.train) {
    if (!reading_of(groups[std::size_t(row)]).empty()) continue;  // blanks alone read as empty
    throw DataError(
        "{}: row '{}': column {} (data.group) is empty; enter the row's group (a new one if it belongs to "
        "none), or set the row's split to unlabelled",
        dataset.crops.path().string(), shown(dataset.id(row)), config.data.group);
  }
}

[[noreturn]] void refuse_label(const Dataset& dataset, const Target& target, const std::string& label,
                               std::int64_t row) {
  if (label.empty()) {
    throw DataError("{}: row '{}': column {} is empty; give a label, or set the row's split to unlabelled",
                    dataset.crops.path().string(), shown(dataset.id(row)), target.column);
  }
  if (target.numeric()) {
    throw DataError(
        "{}: row '{}': column {} says '{}', which is not a number, but target {} has edges; fix the row, or leave "
        "edges out",
        dataset.crops.path().string(), shown(dataset.id(row)), target.column, shown(label), target.name);
  }
  throw DataError(
      "{}: row '{}': column {} says '{}', which is not one of the classes {}; fix the row or the config's classes",
      dataset.crops.path().string(), shown(dataset.id(row)), target.column, shown(label),
      shown(fmt::format("{}", fmt::join(target.classes, ", "))));
}

std::int64_t encode(const Dataset& dataset, const Target& target, const std::string& label, std::int64_t row,
                    bool may_be_empty) {
  if (label.empty() && may_be_empty) return -1;
  const int code = target.encode(label);
  if (code < 0) refuse_label(dataset, target, label, row);
  return code;
}

// Adds the file to errors: the target knows only its column.
Target resolve(const Dataset& dataset, const TargetConfig& config) {
  const Column& column = dataset.crops.table().column(config.column.empty() ? config.name : config.column, "targets");
  const Target numbers{
      .name = config.name, .column = config.column.empty() ? config.name : config.column, .edges = config.edges};
  Column labels;
  for (const std::int64_t row : dataset.train) {
    const std::string& label = column[std::size_t(row)];
    if (label.empty()) continue;
    if (numbers.numeric() && numbers.encode(label) < 0) refuse_label(dataset, numbers, label, row);
    labels.push_back(label);
  }
  try {
    return resolve_target(config, labels);
  } catch (const DataError& error) {
    throw DataError("{}: {}", dataset.crops.path().string(), error.what());
  }
}

Labels read_labels(const Dataset& dataset, const Target& target) {
  const Column& column = dataset.crops.table().column(target.column);
  Labels labels{.classes = std::vector<std::int64_t>(dataset.crops.rows(), -1)};
  labels.taught = labels.classes;
  if (target.numeric()) labels.numbers.assign(dataset.crops.rows(), std::nan(""));
  for (const std::int64_t row : dataset.train) {
    const std::string& label = column[std::size_t(row)];
    labels.classes[std::size_t(row)] = encode(dataset, target, label, row, false);
    labels.taught[std::size_t(row)] = target.taught(label);
    if (target.numeric()) labels.numbers[std::size_t(row)] = number_of(label).value();
  }
  for (const std::int64_t row : dataset.test) {
    labels.classes[std::size_t(row)] = encode(dataset, target, column[std::size_t(row)], row, true);
    if (target.numeric()) labels.numbers[std::size_t(row)] = number_of(column[std::size_t(row)]).value_or(std::nan(""));
  }
  return labels;
}

Labels combine(const JointTarget& joint, const std::vector<Labels>& own) {
  Labels labels;
  const auto combined = [&](std::vector<std::int64_t> Labels::*kind) {
    std::vector<std::int64_t> classes;
    for (std::size_t row = 0; row < own.front().classes.size(); ++row) {
      std::vector<std::int64_t> codes;
      for (const int component : joint.of) codes.push_back((own[std::size_t(component)].*kind)[row]);
      classes.push_back(joint_class(joint, codes));
    }
    return classes;
  };
  labels.classes = combined(&Labels::classes);
  labels.taught = combined(&Labels::taught);
  return labels;
}

void read_targets(const RunConfig& config, Dataset& dataset) {
  std::vector<Target> own;
  for (const TargetConfig& target : config.targets) own.push_back(resolve(dataset, target));
  dataset.targets = plan_targets(config, std::move(own));
  for (std::size_t t = 0; t < dataset.targets.own(); ++t)
    dataset.labels.push_back(read_labels(dataset, dataset.targets.targets[t]));
  if (dataset.targets.joint) dataset.labels.push_back(combine(*dataset.targets.joint, dataset.labels));
}

// Checked before the run folder is created.
void check_strata(const RunConfig& config, const Dataset& dataset) {
  for (const std::string& name : config.folds.stratify) dataset.crops.table().column(name, "folds.stratify");
}

// Returns the target with edges that reads the column: folds balance its classes, not each number.
std::optional<std::size_t> numbers_of_column(const Dataset& dataset, const std::string& column) {
  for (std::size_t t = 0; t < dataset.targets.own(); ++t) {
    const Target& target = dataset.targets.targets[t];
    if (target.numeric() && target.column == column) return t;
  }
  return std::nullopt;
}

const std::string& class_of(const Dataset& dataset, std::size_t target, std::int64_t row) {
  return dataset.targets.targets[target].classes[std::size_t(dataset.labels[target].classes[std::size_t(row)])];
}

Column classes_of(const Dataset& dataset, std::size_t target) {
  Column classes;
  for (const std::int64_t row : dataset.train) classes.push_back(class_of(dataset, target, row));
  return classes;
}

}  // namespace

Dataset open_dataset(const RunConfig& config, const CopySets& copies) {
  Dataset dataset{.crops = CropFile(config.data.crops)};
  dataset.hash = dataset.crops.hash();
  sort_into_splits(dataset);
  check_groups(config, dataset);
  check_alike_groups(config, dataset);
  check_strata(config, dataset);
  read_targets(config, dataset);
  if (!config.data.group.empty()) dataset.groups = dataset.crops.table().column(config.data.group);
  apply_duplicates(config, copies, dataset);
  dataset.all_train = dataset.train;
  if (config.data.limit) dataset.train = limit_train(config, dataset);
  if (config.data.rest == "unlabelled") forget_rest(dataset);
  dataset.taught = dataset.labels;
  return dataset;
}

Dataset open_dataset(const RunConfig& config) {
  if (config.data.duplicates == "warn") return open_dataset(config, {});
  return open_dataset(config, find_copies(CropFile(config.data.crops), usable_cores()));
}

std::vector<std::int64_t> rows_of_plan(const Dataset& dataset, const FoldPlan& plan) {
  std::unordered_map<std::string_view, std::int64_t> row_of;
  // A frozen plan decides which rows are used, even if data.limit would now choose others.
  for (const std::int64_t row : dataset.all_train) row_of.emplace(dataset.id(row), row);
  std::vector<std::int64_t> rows;
  for (const std::string& id : plan.ids) {
    const auto found = row_of.find(id);
    if (found == row_of.end()) {
      throw DataError("the fold plan has the id '{}', which is not a train row of {}{}; use the plan of this data",
                      shown(id), dataset.crops.path().string(),
                      dataset.copies.dropped > 0 ? ", or a copy that data.duplicates: drop leaves out" : "");
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

std::vector<double> numbers_of(const Dataset& dataset, int target, const std::vector<std::int64_t>& rows) {
  std::vector<double> numbers;
  for (const std::int64_t row : rows) numbers.push_back(dataset.labels[std::size_t(target)].numbers[std::size_t(row)]);
  return numbers;
}

std::string stratum_of(const Dataset& dataset, std::int64_t row) {
  std::string stratum;
  for (std::size_t t = 0; t < dataset.targets.own(); ++t) stratum += class_of(dataset, t, row) + '\x1f';
  return stratum;
}

FoldRequest fold_request(const RunConfig& config, const Dataset& dataset) {
  const SampleTable& table = dataset.crops.table();
  FoldRequest request{.strata_names = config.folds.stratify,
                      .source = dataset.crops.path().string(),
                      .k = int(config.folds.k),
                      .repeats = int(config.folds.repeats),
                      .seed = std::uint64_t(config.seed)};
  if (request.strata_names.empty()) {
    for (std::size_t t = 0; t < dataset.targets.own(); ++t)
      request.strata_names.push_back(dataset.targets.targets[t].column);
  }
  const auto pick = [&](const std::string& name) {
    Column values;
    const Column& column = table.column(name);
    for (const std::int64_t row : dataset.train) values.push_back(column[std::size_t(row)]);
    return values;
  };
  request.ids = pick("id");
  if (!dataset.groups.empty()) {
    for (const std::int64_t row : dataset.train) request.groups.push_back(dataset.group(row));
  }
  for (const std::string& name : request.strata_names) {
    const auto numbers = numbers_of_column(dataset, name);
    request.strata.push_back(numbers ? classes_of(dataset, *numbers) : pick(name));
  }
  return request;
}

}  // namespace pleat
