#include "sweep/sweep_run.h"

#include <memory>
#include <numeric>
#include <optional>

#include "base/log.h"
#include "base/run_log.h"
#include "sweep/sweep_dry_run.h"
#include "sweep/sweep_ensemble.h"
#include "sweep/sweep_finish.h"
#include "sweep/sweep_jobs.h"
#include "sweep/sweep_needs.h"
#include "sweep/sweep_record.h"

namespace pleat {
namespace {

// The cells whose weights sweep.keep or --collect want.
std::vector<int> cells_to_keep(const SweepPlan& plan, const SweepState& state) {
  const std::string& keep = plan.base().config.sweep.keep;
  const std::optional<int> winner = state.race.winner();
  if (keep == "all") {
    std::vector<int> all(std::size_t(plan.shape.cells));
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
  if (!winner || keep == "scores") return {};
  return plan.collect && !ensemble_is_current(plan, state, complete_cells(state)) ? complete_cells(state)
                                                                                  : std::vector<int>{*winner};
}

void throw_on_all(const MpiSession& session, const std::optional<Error>& ended) {
  on_rank_0(session.ranks(), [&] {
    if (ended) throw *ended;
  });
}

}  // namespace

RunEnd sweep_run(const SweepRequest& request, const MpiSession& session) {
  SweepPlan plan = plan_sweep(request, session);
  std::optional<MemoryNeed> memory;
  on_rank_0(session.ranks(), [&] { memory = memory_of(plan, /*all=*/request.train.dry_run); });
  check_memory(memory, plan.base().place, session);
  if (request.train.dry_run) {
    choose_conv_plans(plan, session);
    on_rank_0(session.ranks(), [&] { print_result(describe_sweep(plan, *memory)); });
    return {};
  }
  std::unique_ptr<FolderLock> lock;
  std::unique_ptr<SweepState> state;
  on_rank_0(session.ranks(), [&] {
    if (plan.collect) check_ensemble_folder(plan);
    lock = take_sweep_folder(plan.paths, plan.record);
    state = std::make_unique<SweepState>(plan, session);
    start_run_log(plan.paths.log(), plan.command);
    spdlog::info("results go to {}; if this sweep ends early, resume it with: {}", plan.paths.root.string(),
                 plan.command);
  });
  choose_conv_plans(plan, session);
  throw_on_all(session, run_race(plan, session, state.get()));
  std::vector<int> kept;
  on_rank_0(session.ranks(), [&] { kept = cells_to_keep(plan, *state); });
  throw_on_all(session, restore_weights(plan, session, kept, state.get()));
  const auto code = broadcast<ExitCode>(session.ranks(), [&] { return finish_sweep(plan, *state); });
  return {code, plan.base().config.report ? plan.paths.root : ""};
}

}  // namespace pleat
