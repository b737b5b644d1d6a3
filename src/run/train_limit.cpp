#include "run/train_limit.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/error.h"
#include "folds/group_part.h"

namespace pleat {

std::vector<std::int64_t> limit_train(const RunConfig& config, const Dataset& dataset) {
  const auto limit = static_cast<std::size_t>(config.data.limit.value_or(0));
  if (limit == 0 || limit >= dataset.train.size()) return dataset.train;
  std::vector<std::string> groups, strata;
  for (const std::int64_t row : dataset.train) {
    groups.push_back(dataset.group(row));
    strata.push_back(stratum_of(dataset, row));
  }
  std::vector<std::int64_t> kept;
  for (const std::size_t place :
       part_of_groups(groups, strata, limit, {.seed = std::uint64_t(config.seed), .purpose = Purpose::kSubset}))
    kept.push_back(dataset.train[place]);
  if (kept.empty()) {
    throw DataError(
        "{}: data.limit ({}) leaves none of the {} train rows: each group of column {} has more rows than its classes' "
        "share of the limit, and groups stay whole; raise data.limit",
        dataset.crops.path().string(), limit, dataset.train.size(),
        config.data.group.empty() ? "id" : config.data.group);
  }
  return kept;
}

void forget_rest(Dataset& dataset) {
  std::vector<std::int64_t> rest;
  std::set_difference(dataset.all_train.begin(), dataset.all_train.end(), dataset.train.begin(), dataset.train.end(),
                      std::back_inserter(rest));
  for (Labels& labels : dataset.labels) {
    for (const std::int64_t row : rest) {
      labels.classes[std::size_t(row)] = labels.taught[std::size_t(row)] = -1;
      if (!labels.numbers.empty()) labels.numbers[std::size_t(row)] = std::nan("");
    }
  }
  const auto middle = dataset.unlabelled.insert(dataset.unlabelled.end(), rest.begin(), rest.end());
  std::inplace_merge(dataset.unlabelled.begin(), middle, dataset.unlabelled.end());
}

}  // namespace pleat
