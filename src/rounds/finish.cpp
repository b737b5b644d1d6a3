#include "rounds/finish.h"

#include <algorithm>

#include "base/files.h"
#include "base/log.h"
#include "rounds/ensemble_json.h"
#include "rounds/gather.h"
#include "rounds/judges.h"
#include "rounds/predictions_csv.h"
#include "rounds/round_scores.h"
#include "rounds/teacher.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

void write_failures(const Run& run, const RoundsPlan& plan, const Outcome& outcome) {
  std::error_code ignored;
  if (outcome.failures.empty()) {
    fs::remove(run.paths.failures(), ignored);
    return;
  }
  Json list = Json::array();
  for (const auto& [job, why] : outcome.failures)
    list.push_back({{"job", plan.schedule.jobs[std::size_t(job)].name}, {"why", why}});
  write_file(run.paths.failures(), list.dump(2) + "\n");
}

// If every job was done before, nothing was trained: keeps the speed and layout of earlier starts.
RunTotals over_all_starts(const Run& run, const Outcome& outcome, RunTotals totals) {
  RunCost total = outcome.before;
  if (outcome.now.images > 0 || outcome.before.images == 0) {
    RunCost now = outcome.now;
    now.wall_seconds = totals.wall_seconds;
    total = total + now;
    write_cost(run.paths, total);
  } else if (file_exists(run.paths.summary())) {
    const Json earlier = parse_json_or_null(read_file(run.paths.summary()));
    if (earlier.is_object()) {
      totals.ranks = earlier.value("ranks", totals.ranks);
      totals.threads = earlier.value("threads", totals.threads);
      totals.device = earlier.value("device", totals.device);
    }
  }
  totals.wall_seconds = total.wall_seconds;
  totals.train_images_per_second = total.images_per_second();
  return totals;
}

// Per unit: none of its jobs in this round has failed.
std::vector<bool> whole_units(const Run& run, const RoundsPlan& plan, const Outcome& outcome, int round) {
  std::vector<bool> whole(run.dataset->targets.units.size(), true);
  for (const auto& [job, why] : outcome.failures) {
    const ScheduledJob& failed = plan.schedule.jobs[std::size_t(job)];
    if (failed.round == round) whole[std::size_t(plan.base_of(failed).unit)] = false;
  }
  return whole;
}

// Removes the tables of an earlier start, which would look like this one's.
void remove_tables(const Run& run, int round) {
  std::error_code ignored;
  for (const fs::path& file : {run.paths.oof(round), run.paths.ensemble(round), run.paths.pseudo_labels(round)})
    fs::remove(file, ignored);
}

void write_tables(const Run& run, int round, const std::vector<GatheredTarget>& gathered) {
  std::vector<OofTable> tables;
  for (const GatheredTarget& target : gathered) tables.push_back(target.oof);
  make_folder(run.paths.round(round));
  write_oof(run.paths.oof(round), *run.plan, tables);
  const RoundSource source{run.config, *run.dataset, run.paths, round};
  write_file(run.paths.ensemble(round), describe_ensemble(source, *run.plan, gathered).dump(2) + "\n");
}

void write_predictions(const Run& run, const std::vector<GatheredTarget>& gathered) {
  const bool others = !run.dataset->test.empty() || !run.dataset->unlabelled.empty();
  std::error_code ignored;
  if (gathered.empty() || !others)
    fs::remove(run.paths.predictions(), ignored);
  else
    write_file(run.paths.predictions(), predictions_csv(gathered, *run.dataset));
}

RoundSummary summarise_round(const Run& run, const RoundsPlan& plan, const Outcome& outcome, int round,
                             const std::vector<GatheredTarget>& gathered) {
  RoundSummary summary{.round = round};
  const auto counts = [&](int job) {
    return std::max(0, plan.schedule.jobs[std::size_t(job)].round) == round;
  };  // judges: in the first
  for (int job = 0; job < static_cast<int>(plan.schedule.jobs.size()); ++job) summary.jobs += counts(job);
  for (const int job : outcome.done_before) summary.done_before += counts(job);
  for (const auto& [job, why] : outcome.failures) summary.failed += counts(job);
  if (!gathered.empty()) summary.score = score_of_round(run, gathered);
  for (const GatheredTarget& target : gathered)
    summary.targets.push_back(score_target(target, *run.dataset, *run.plan, run.config.data.group, run.config.score));
  return summary;
}

void report_failed(const Run& run, const std::vector<bool>& whole) {
  for (std::size_t u = 0; u < whole.size(); ++u) {
    if (whole[u]) continue;
    spdlog::error("{} has failed jobs, so it has no out-of-fold table; see {}", run.dataset->targets.units[u].name,
                  run.paths.failures().string());
  }
}

// All rounds that were trained, and which of them is the result.
struct Finished {
  std::vector<RoundSummary> rounds;
  int result = 0;
};

// Gathers the rounds up to the first that has a failed job or, with rounds.stop, is not better.
Finished gather_rounds(const Run& run, const RoundsPlan& plan, const Outcome& outcome, JudgedLabels& judged) {
  Finished finished;
  std::vector<GatheredTarget> result;
  for (int round = 0; round < outcome.rounds; ++round) {
    const std::vector<bool> whole = whole_units(run, plan, outcome, round);
    const bool failed = std::find(whole.begin(), whole.end(), false) != whole.end();
    if (round == 0) report_failed(run, whole);
    std::vector<GatheredTarget> gathered;
    if (round == 0 || !failed) gathered = gather_round(run, round, whole);
    remove_tables(run, round);
    if (!gathered.empty()) write_tables(run, round, gathered);
    finished.rounds.push_back(summarise_round(run, plan, outcome, round, gathered));
    if (round > 0 && failed) break;
    const std::vector<RoundSummary>& rounds = finished.rounds;
    const bool better = round == 0 || rounds[rounds.size() - 1].score > rounds[rounds.size() - 2].score;
    if (round > 0 && !better && run.config.rounds.stop != "never") break;
    finished.result = round;
    result = std::move(gathered);
    if (failed) break;
  }
  for (int round = 0; round + 1 < static_cast<int>(finished.rounds.size()); ++round)
    write_file(run.paths.pseudo_labels(round), pseudo_labels_csv(run, round, judged, plan.first.jobs, plan.label_rows));
  write_predictions(run, result);
  return finished;
}

void write_label_edits(const Run& run, const RoundsPlan& plan, const Outcome& outcome, JudgedLabels& judged) {
  std::error_code ignored;
  const bool failed = std::any_of(outcome.failures.begin(), outcome.failures.end(), [&](const auto& failure) {
    return plan.schedule.jobs[std::size_t(failure.first)].round == kJudgeRound;
  });
  if (plan.judges.empty() || failed)
    fs::remove(run.paths.label_edits(), ignored);
  else
    write_file(run.paths.label_edits(), label_edits_csv(run, judged, plan.first.labels));
}

std::vector<std::string> notes_on(const Run& run, const Finished& finished) {
  const RoundsConfig& rounds = run.config.rounds;
  std::vector<std::string> notes;
  if (run.config.train.labels.any_file())
    notes.emplace_back(
        "train.labels changes what is learned, not what is scored; if its file was made from predictions of these "
        "rows, "
        "OOF scores may be slightly too good; compare by held-out test rows");
  if (finished.rounds.size() > 1 && rounds.teacher == "shared")
    notes.emplace_back(
        "with rounds.teacher: shared, OOF scores after round 0 are flattered, since the teachers saw the held-out "
        "labels; compare rounds by held-out test rows");
  if (finished.result > 0 && rounds.parts == 1)
    notes.emplace_back("predictions of the rows that got pseudo-labels lean on these labels; rounds.parts avoids it");
  return notes;
}

}  // namespace

std::string finish_run(const Run& run, const RoundsPlan& plan, const Outcome& outcome, const RunTotals& totals) {
  const RunTotals whole = over_all_starts(run, outcome, totals);
  write_failures(run, plan, outcome);
  JudgedLabels judged(run, plan.judges, plan.first.labels);
  write_label_edits(run, plan, outcome, judged);
  const Finished finished = gather_rounds(run, plan, outcome, judged);
  const std::string& score_name = run.config.score;
  const std::vector<std::string> notes = notes_on(run, finished);
  write_file(run.paths.summary(), summarise(finished.rounds, finished.result, score_name, whole, notes).dump(2) + "\n");
  return final_table(finished.rounds, finished.result, score_name, whole, notes);
}

}  // namespace pleat
