#include "rounds/label_rows.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "base/utf8.h"

namespace pleat {
namespace {

using Column = std::vector<std::string>;

const Column* groups_column(const RunConfig& config, const Dataset& dataset) {
  return config.data.group.empty() ? nullptr : &dataset.crops.table().column(config.data.group);
}

bool uses_groups(const RoundsConfig& rounds) {
  return !rounds.constant_in_group.empty() || !rounds.composition.empty();
}

std::size_t target_named(const Dataset& dataset, const std::string& name) {
  const auto& targets = dataset.targets.targets;
  return std::size_t(std::find_if(targets.begin(), targets.end(), [&](const Target& t) { return t.name == name; }) -
                     targets.begin());
}

// Fills in groups and labelled rows.
void find_groups(const RunConfig& config, const Dataset& dataset, LabelRows& label_rows) {
  const Column* groups = groups_column(config, dataset);
  std::unordered_map<std::string_view, std::int64_t> group_of;
  std::vector<std::int64_t> of_rows;
  std::int64_t next = 0;
  for (const std::int64_t row : label_rows.rows) {
    const std::string_view name = groups ? std::string_view((*groups)[std::size_t(row)]) : std::string_view();
    if (name.empty() && uses_groups(config.rounds)) {
      throw DataError(
          "{}: row '{}': column {} (data.group) is empty, but rounds.constant_in_group or rounds.composition needs the "
          "group of each unlabelled row; enter it",
          dataset.crops.path().string(), shown(dataset.id(row)), config.data.group);
    }
    const std::int64_t group = name.empty() ? next : group_of.emplace(name, next).first->second;
    next += group == next;
    of_rows.push_back(group);
  }
  label_rows.groups = group_rows(of_rows);  // numbered by first rows, as `of_rows` is
  if (!groups) return;
  for (const std::int64_t row : dataset.train) {
    const auto found = group_of.find((*groups)[std::size_t(row)]);
    if (found != group_of.end()) label_rows.labelled.push_back({row, found->second});
  }
}

void cut_into_parts(const RunConfig& config, LabelRows& label_rows) {
  std::vector<std::int64_t> order(std::size_t(label_rows.groups.count()));
  std::iota(order.begin(), order.end(), 0);
  RandomStream random({.seed = std::uint64_t(config.seed), .purpose = Purpose::kRoundParts});
  shuffle(order, random);
  label_rows.part_of.resize(label_rows.rows.size());
  for (std::size_t place = 0; place < order.size(); ++place) {
    const int part = static_cast<int>(place * std::size_t(config.rounds.parts) / order.size());
    const std::int64_t group = order[place];
    for (std::int64_t i = 0; i < label_rows.groups.size(group); ++i)
      label_rows.part_of[std::size_t(label_rows.groups.first(group)[i])] = part;
  }
}

void check_constant(const RunConfig& config, const Dataset& dataset, const std::string& name) {
  const Column& groups = *groups_column(config, dataset);
  const std::size_t target = target_named(dataset, name);
  const Labels& taught = dataset.taught[target];
  const auto label = [&](std::int64_t row) { return taught.classes[std::size_t(row)]; };
  std::unordered_map<std::string_view, std::int64_t> first_of;
  for (const std::int64_t row : dataset.train) {
    if (taught.drops(row)) continue;
    const std::int64_t first = first_of.emplace(groups[std::size_t(row)], row).first->second;
    if (label(first) == label(row)) continue;
    const auto& classes = dataset.targets.targets[target].classes;
    throw DataError(
        "{}: rows '{}' and '{}' of the group '{}' have {} {} and {}, but rounds.constant_in_group says that {} is "
        "equal "
        "within a group; fix the rows, or leave {} out",
        dataset.crops.path().string(), shown(dataset.id(first)), shown(dataset.id(row)),
        shown(groups[std::size_t(row)]), name, shown(classes[std::size_t(label(first))]),
        shown(classes[std::size_t(label(row))]), name, name);
  }
}

// Returns the places of each class.
std::vector<std::int64_t> places_of(const RunConfig& config, const Dataset& dataset, const std::string& name) {
  const Target& target = dataset.targets.targets[target_named(dataset, name)];
  std::vector<std::int64_t> places(target.classes.size());
  std::int64_t combinations = 1, total = 1;
  for (const auto& [label, count] : config.rounds.composition.at(name)) {
    const auto found = std::find(target.classes.begin(), target.classes.end(), label);
    if (found == target.classes.end()) {
      throw UsageError("rounds.composition.{} names '{}', which is not one of the classes {}; use a class's name", name,
                       shown(label), shown(fmt::format("{}", fmt::join(target.classes, ", "))));
    }
    if (count < 0)
      throw UsageError("rounds.composition.{}.{} is {}; expected a number of rows, 0 or more", name, label, count);
    places[std::size_t(found - target.classes.begin())] = count;
    const std::int64_t bounded = std::min(count, kMostCompositions);
    combinations = std::min(combinations * (bounded + 1), kMostCompositions + 1);
    total = std::min(total + bounded, kMostCompositions + 1);
  }
  if (combinations * total > kMostCompositions) {
    throw UsageError(
        "rounds.composition.{} has too many places: their combinations times their number is above {}; use it for "
        "small groups, with few classes",
        name, kMostCompositions);
  }
  return places;
}

// Every group with a row to label must have as many rows in the table as the composition has places, and no more
// labelled rows of a class than places. Rows without a picture count: their places stay free.
void check_composition(const RunConfig& config, const Dataset& dataset, const LabelRows& label_rows,
                       const std::string& name) {
  const Column& groups = *groups_column(config, dataset);
  const std::size_t target = target_named(dataset, name);
  const std::vector<std::int64_t> places = places_of(config, dataset, name);
  const std::int64_t total = std::accumulate(places.begin(), places.end(), std::int64_t{0});
  std::unordered_map<std::string_view, std::int64_t> rows_of;
  for (const std::string& group : groups) ++rows_of[group];
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> labelled;  // by group and class
  const auto group_name = [&](std::int64_t group) -> const std::string& {
    return groups[std::size_t(label_rows.rows[std::size_t(*label_rows.groups.first(group))])];
  };
  for (std::int64_t group = 0; group < label_rows.groups.count(); ++group) {
    const std::int64_t rows = rows_of[group_name(group)];
    if (rows == total) continue;
    throw DataError(
        "{}: the group '{}' in column {} has {} rows, but rounds.composition.{} has {} places; give every group with "
        "unlabelled rows that many, or leave the composition out",
        dataset.crops.path().string(), shown(group_name(group)), config.data.group, rows, name, total);
  }
  for (const LabelRows::Labelled& each : label_rows.labelled) {
    if (dataset.taught[target].drops(each.row)) continue;
    const std::int64_t label = dataset.taught[target].classes[std::size_t(each.row)];
    if (++labelled[{each.group, label}] <= places[std::size_t(label)]) continue;
    throw DataError(
        "{}: the group '{}' in column {} has more than {} labelled rows of the class '{}', which rounds.composition.{} "
        "does not allow; fix the labels or the composition",
        dataset.crops.path().string(), shown(group_name(each.group)), config.data.group, places[std::size_t(label)],
        shown(dataset.targets.targets[target].classes[std::size_t(label)]), name);
  }
}

}  // namespace

LabelRows choose_label_rows(const RunConfig& config, const Dataset& dataset) {
  LabelRows label_rows;
  if (config.rounds.count == 1) return label_rows;
  label_rows.rows = dataset.unlabelled;
  if (config.rounds.use_test) {
    label_rows.rows.insert(label_rows.rows.end(), dataset.test.begin(), dataset.test.end());
    std::sort(label_rows.rows.begin(), label_rows.rows.end());
  }
  if (label_rows.rows.empty()) {
    throw DataError(
        "{} has no unlabelled rows{}, so rounds.count ({}) has nothing to label; set the split of some rows to "
        "unlabelled, or leave rounds out",
        dataset.crops.path().string(), config.rounds.use_test ? " and no test rows" : "", config.rounds.count);
  }
  find_groups(config, dataset, label_rows);
  if (config.rounds.parts > label_rows.groups.count()) {
    throw UsageError("rounds.parts ({}) is more than the {} groups of unlabelled rows; lower it", config.rounds.parts,
                     label_rows.groups.count());
  }
  cut_into_parts(config, label_rows);
  for (const std::string& name : config.rounds.constant_in_group) check_constant(config, dataset, name);
  for (const auto& [name, places] : config.rounds.composition) check_composition(config, dataset, label_rows, name);
  return label_rows;
}

}  // namespace pleat
