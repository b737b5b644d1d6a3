#include "merge/table_candidate.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "base/utf8.h"
#include "base/wording.h"

namespace pleat {
namespace {

// Finds a table's rows by id.
class RowFinder {
 public:
  RowFinder(const PredictionTable& table, const std::string& name) : table_(table), name_(name) {
    for (std::size_t row = 0; row < table.ids.size(); ++row) row_of_.emplace(table.ids[row], std::int64_t(row));
  }

  // The table's rows of these crop rows; none if it has none of them.
  std::vector<std::int64_t> rows_of(const std::vector<std::int64_t>& crop_rows, const Dataset& dataset,
                                    const char* split) {
    std::vector<std::int64_t> rows;
    const std::string* missing = nullptr;
    for (const std::int64_t row : crop_rows) {
      const auto found = row_of_.find(dataset.id(row));
      if (found == row_of_.end()) {
        missing = missing == nullptr ? &dataset.id(row) : missing;
        continue;
      }
      rows.push_back(found->second);
    }
    used_ += rows.size();
    if (missing != nullptr && (!rows.empty() || std::string_view(split) == "train")) {
      throw DataError("{}: the table '{}' has {} of {} {} rows; row '{}' is missing", table_.path.string(), name_,
                      rows.size(), crop_rows.size(), split, shown(*missing));
    }
    return rows;
  }

  // Requires: rows_of was called for every split.
  void require_all_known(const Dataset& dataset) const {
    if (used_ == table_.ids.size()) return;
    std::unordered_set<std::string_view> known;
    for (const auto* rows : {&dataset.train, &dataset.test, &dataset.unlabelled}) {
      for (const std::int64_t row : *rows) known.insert(dataset.id(row));
    }
    for (const std::string& id : table_.ids) {
      if (known.contains(id)) continue;
      throw DataError("{}: the table '{}' has the row '{}', which is none of the runs' rows; leave it out",
                      table_.path.string(), name_, shown(id));
    }
  }

 private:
  const PredictionTable& table_;
  const std::string& name_;
  std::unordered_map<std::string_view, std::int64_t> row_of_;
  std::size_t used_ = 0;
};

void require_same_folds(const PredictionTable& table, const std::string& name, const std::vector<std::int64_t>& rows,
                        const FoldPlan& plan) {
  if (table.folds.empty()) return;
  if (table.folds.size() != plan.fold_of.size()) {
    throw DataError("{}: the table '{}' has the folds of {}, and the runs have {}", table.path.string(), name,
                    counted(std::int64_t(table.folds.size()), "repeat"),
                    counted(std::int64_t(plan.fold_of.size()), "repeat"));
  }
  for (std::size_t repeat = 0; repeat < plan.fold_of.size(); ++repeat) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::int64_t fold = table.folds[repeat][std::size_t(rows[i])];
      if (fold == plan.fold_of[repeat][i]) continue;
      throw DataError("{}: the table '{}' was made with other folds: row '{}' is in {} and not {}", table.path.string(),
                      name, shown(plan.ids[i]), fold < 0 ? "none" : fmt::format("fold {}", fold),
                      plan.fold_of[repeat][i]);
    }
  }
}

// The rows of each target, and the targets that can be derived from others.
std::vector<torch::Tensor> take(const PredictionTable& table, const std::vector<std::int64_t>& rows,
                                const TargetPlan& plan) {
  std::vector<torch::Tensor> taken;
  for (std::size_t t = 0; t < table.probs.size(); ++t) {
    torch::Tensor& probs = taken.emplace_back();
    if (table.probs[t].empty() || rows.empty()) continue;
    const std::int64_t classes = plan.targets[t].size();
    probs = at::empty({std::int64_t(rows.size()), classes}, at::kDouble);
    for (std::size_t i = 0; i < rows.size(); ++i)
      std::copy_n(table.probs[t].data() + rows[i] * classes, classes,
                  probs.data_ptr<double>() + std::int64_t(i) * classes);
  }
  plan.derive(taken);
  return taken;
}

}  // namespace

TableCandidate read_candidate(const PredictionTable& table, const std::string& name, const SourceRun& run) {
  RowFinder finder(table, name);
  const Dataset& dataset = run.dataset;
  const std::vector<std::int64_t> train = finder.rows_of(dataset.train, dataset, "train");
  const std::vector<std::int64_t> test = finder.rows_of(dataset.test, dataset, "test");
  const std::vector<std::int64_t> unlabelled = finder.rows_of(dataset.unlabelled, dataset, "unlabelled");
  finder.require_all_known(dataset);
  require_same_folds(table, name, train, run.plan);
  const TargetPlan& plan = run.trained.targets;
  return {take(table, train, plan), take(table, test, plan), take(table, unlabelled, plan)};
}

}  // namespace pleat
