#include "merge/same_experiment.h"

#include <ATen/ops/equal.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "base/utf8.h"
#include "base/wording.h"

namespace pleat {
namespace {

std::string root_of(const SourceRun& source) { return source.trained.paths.root.string(); }

std::string listed(const std::vector<std::string>& names) { return shown(fmt::format("{}", fmt::join(names, ", "))); }

std::vector<std::string> names_of(const std::vector<Target>& targets) {
  std::vector<std::string> names;
  for (const Target& target : targets) names.push_back(target.name);
  return names;
}

void require_same_data(const SourceRun& first, const SourceRun& other) {
  if (first.dataset.hash == other.dataset.hash) return;
  throw DataError("{} was trained on other data ({}) than {} ({}); runs can be joined only on the same data",
                  root_of(other), other.trained.record.data.crops, root_of(first), first.trained.record.data.crops);
}

void require_same_folds(const SourceRun& first, const SourceRun& other) {
  const FoldPlan &mine = first.plan, &theirs = other.plan;
  const bool limited = first.trained.config.data.limit.has_value();  // which folds.file does not go with
  const std::string remedy = limited
                                 ? "train with the same seed, folds and data.limit"
                                 : fmt::format("train with --set folds.file={}", first.trained.paths.folds().string());
  if (mine.k != theirs.k || mine.repeats != theirs.repeats) {
    throw DataError("{} has {} and {}, but {} has {} and {}; {}", root_of(other), counted(theirs.k, "fold"),
                    counted(theirs.repeats, "repeat"), root_of(first), counted(mine.k, "fold"),
                    counted(mine.repeats, "repeat"), remedy);
  }
  if (mine.ids != theirs.ids) {
    const auto [here, there] = std::mismatch(mine.ids.begin(), mine.ids.end(), theirs.ids.begin(), theirs.ids.end());
    const std::string& id = here != mine.ids.end() ? *here : *there;
    throw DataError("{} has other rows in its folds than {}: they differ from row '{}' on; {}", root_of(other),
                    root_of(first), shown(id), remedy);
  }
  for (std::size_t repeat = 0; repeat < mine.fold_of.size(); ++repeat) {
    for (std::size_t row = 0; row < mine.ids.size(); ++row) {
      const int here = mine.fold_of[repeat][row], there = theirs.fold_of[repeat][row];
      if (here == there) continue;
      throw DataError("{} has other folds than {}: row '{}' is in fold {} and not {}; {}", root_of(other),
                      root_of(first), shown(mine.ids[row]), there, here, remedy);
    }
  }
}

// The rows outside the folds, which every candidate must predict.
void require_same_rows(const SourceRun& first, const SourceRun& other) {
  for (const auto& [what, mine, theirs] :
       {std::tuple{"test", &first.dataset.test, &other.dataset.test},
        std::tuple{"unlabelled", &first.dataset.unlabelled, &other.dataset.unlabelled}}) {
    if (*mine == *theirs) continue;
    throw DataError("{} predicts {} and {} predicts {}; train with the same data.limit and data.rest", root_of(other),
                    counted(std::int64_t(theirs->size()), fmt::format("{} row", what)), root_of(first),
                    counted(std::int64_t(mine->size()), fmt::format("{} row", what)));
  }
}

void require_same_targets(const SourceRun& first, const SourceRun& other) {
  const std::vector<Target>&mine = first.trained.targets.targets, &theirs = other.trained.targets.targets;
  if (names_of(mine) != names_of(theirs)) {
    throw DataError("{} predicts {}, but {} predicts {}; runs can be joined only with the same targets in one order",
                    root_of(other), listed(names_of(theirs)), root_of(first), listed(names_of(mine)));
  }
  for (std::size_t t = 0; t < mine.size(); ++t) {
    if (mine[t].classes != theirs[t].classes) {
      throw DataError("target {} has the classes {} in {}, but {} in {}; train with the same classes in one order",
                      mine[t].name, listed(theirs[t].classes), root_of(other), listed(mine[t].classes), root_of(first));
    }
    if (mine[t].numeric() != theirs[t].numeric()) {
      throw DataError("target {} has edges in {} but not in {}; train with the same targets", mine[t].name,
                      root_of(mine[t].numeric() ? first : other), root_of(mine[t].numeric() ? other : first));
    }
    const torch::Tensor &here = first.targets[t].oof.labels, &there = other.targets[t].oof.labels;
    if (at::equal(here, there)) continue;
    throw DataError("target {} has other labels in {} than in {}; train with the same column and edges", mine[t].name,
                    root_of(other), root_of(first));
  }
}

}  // namespace

void require_same_experiment(const SourceRun& first, const SourceRun& other) {
  require_same_data(first, other);
  require_same_folds(first, other);
  require_same_rows(first, other);
  require_same_targets(first, other);
}

}  // namespace pleat
