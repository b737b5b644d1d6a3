#include "merge/join_candidates.h"

#include <algorithm>

#include "base/error.h"
#include "base/stop_signal.h"
#include "merge/table_candidate.h"

namespace pleat {
namespace {

// Every run derives the target, and no table has it.
bool derived_everywhere(std::size_t target, const std::vector<SourceRun>& runs,
                        const std::vector<TableSource>& tables) {
  return std::all_of(runs.begin(), runs.end(),
                     [&](const SourceRun& run) { return run.trained.targets.derived(static_cast<int>(target)); }) &&
         std::none_of(tables.begin(), tables.end(),
                      [&](const TableSource& source) { return !source.table.probs[target].empty(); });
}

void add_models(const SourceRun& run, std::size_t target, GatheredTarget& joined) {
  const GatheredTarget& from = run.targets[target];
  for (std::size_t m = 0; m < from.oof.models.size(); ++m) {
    OofModel& model = joined.oof.models.emplace_back(from.oof.models[m]);
    model.id = candidate_name(run.trained.name, model.id);
    model.probs = model.probs.contiguous();
    joined.model_test.push_back(from.model_test[m]);
    joined.model_unlabelled.push_back(from.model_unlabelled[m]);
    joined.model_test_normal.push_back(from.model_test_normal[m]);
    joined.model_unlabelled_normal.push_back(from.model_unlabelled_normal[m]);
    joined.fold_test.push_back(from.fold_test[m]);
  }
}

void add_table(const TableSource& source, const TableCandidate& candidate, std::size_t target, GatheredTarget& joined) {
  if (!candidate.oof[target].defined()) {
    throw DataError("{}: the table '{}' has no predictions of target {}; expected columns like '{}:{}'",
                    source.table.path.string(), source.name, joined.oof.target, joined.oof.target,
                    joined.oof.classes.front());
  }
  joined.oof.models.push_back({.id = source.name, .probs = candidate.oof[target].contiguous()});
  joined.model_test.push_back(candidate.test[target]);
  joined.model_unlabelled.push_back(candidate.unlabelled[target]);
  joined.model_test_normal.emplace_back();
  joined.model_unlabelled_normal.emplace_back();
  joined.fold_test.emplace_back();
}

}  // namespace

std::vector<std::string> candidate_names(const std::vector<SourceRun>& runs, const std::vector<TableSource>& tables) {
  std::vector<std::string> names;
  for (const SourceRun& run : runs) {
    for (const ModelConfig& model : run.trained.config.models)
      names.push_back(candidate_name(run.trained.name, model.id));
  }
  for (const TableSource& source : tables) names.push_back(source.name);
  return names;
}

std::vector<GatheredTarget> join_candidates(const std::vector<SourceRun>& runs, const std::vector<TableSource>& tables,
                                            const EnsembleRule& rule) {
  const SourceRun& first = runs.front();
  std::vector<TableCandidate> candidates;
  for (const TableSource& source : tables) candidates.push_back(read_candidate(source.table, source.name, first));
  std::vector<GatheredTarget> joined;
  for (std::size_t t = 0; t < first.targets.size(); ++t) {
    if (derived_everywhere(t, runs, tables)) continue;
    const OofTable& oof = first.targets[t].oof;
    GatheredTarget& target = joined.emplace_back(GatheredTarget{
        .target = static_cast<int>(t), .oof = {.target = oof.target, .classes = oof.classes, .labels = oof.labels}});
    for (const SourceRun& run : runs) add_models(run, t, target);
    for (std::size_t i = 0; i < tables.size(); ++i) add_table(tables[i], candidates[i], t, target);
    if (stop_signal_received()) throw StopRequested("stopped on request; nothing was written");
    choose_ensemble(rule, first.plan, first.dataset, target);
  }
  add_derived(first.dataset, joined);
  return joined;
}

}  // namespace pleat
