#include "rounds/round_jobs.h"

#include <map>
#include <tuple>
#include <vector>

#include "base/files.h"
#include "base/log.h"
#include "base/wording.h"
#include "cluster/slot.h"
#include "jobs/job_queue.h"
#include "rounds/judges.h"
#include "rounds/lesson.h"
#include "rounds/round_scores.h"
#include "rounds/teacher.h"
#include "rounds/trunks.h"
#include "run/epoch_file.h"
#include "run/finished_job.h"
#include "run/job_work.h"
#include "run/last_wave.h"
#include "run/run_progress.h"

namespace pleat {
namespace {

// The job as its slot trains it: the first round's, after the judges' edits and its trunk, or as a student of its
// lesson.
PlannedJob job_of(const Run& run, const RoundsPlan& plan, const ScheduledJob& scheduled, const Brief& brief) {
  const PlannedJob& planned = plan.base_of(scheduled);
  const bool judged = !plan.judges.empty() && scheduled.round >= 0;
  PlannedJob base = judged ? relabelled_job(run, edited_labels(run, plan.first.labels, brief.edits), planned) : planned;
  base.work.shared.state = brief.trunk;
  if (scheduled.round <= 0) return base;
  return student_of(base, scheduled, brief.lesson, run.config, *run.dataset, plan.label_rows);
}

// True if rank 0 decides what the job learns once the jobs that it waits for are done. Until then its key is unknown.
bool is_taught(const RoundsPlan& plan, const ScheduledJob& job) {
  return job.round > 0 || (job.round == 0 && !plan.judges.empty());
}

// True if the plan alone does not tell the slot what to train.
bool needs_brief(const RoundsPlan& plan, const ScheduledJob& job) { return is_taught(plan, job) || job.trunk >= 0; }

// A slot's work on one job. Returns the bytes of a FinishedJob on the leader. `brief`: a Brief, if the job needs one.
JobWork slot_work(const Run& run, const RoundsPlan& plan, const Slot& slot, const LastWave& wave, JobSource* source) {
  return [&run, &plan, &slot, &wave, source](int index, const std::string& brief) {
    const ScheduledJob& scheduled = plan.schedule.jobs[std::size_t(index)];
    PlannedJob briefed;
    if (needs_brief(plan, scheduled)) briefed = job_of(run, plan, scheduled, from_bytes<Brief>(brief));
    const PlannedJob& job = needs_brief(plan, scheduled) ? briefed : plan.base_of(scheduled);
    const ThreadCount threads(wave.jobs.contains(index) ? wave.threads : run.place.mine.threads);
    return train_job(run, job, slot, {index, source, job.name});
  };
}

// A student's rows are known once its teachers are done; until then, all rows to label count.
std::vector<JobSize> sizes_of(const Run& run, const RoundsPlan& plan) {
  std::vector<JobSize> sizes;
  for (const ScheduledJob& job : plan.schedule.jobs) {
    JobSize& size = sizes.emplace_back(size_of(plan.base_of(job)));
    size.name = job.name;
    if (job.round <= 0) continue;
    size.rows += plan.label_rows.count();
    if (run.config.rounds.epochs > 0) size.epochs = run.config.rounds.epochs;
  }
  return sizes;
}

// Rank 0's side of a run's jobs: the callbacks of the job queue.
class Recorder {
 public:
  Recorder(const Run& run, const RoundsPlan& plan, const MpiSession& session, std::string command,
           Clock::time_point start, Outcome& outcome)
      : run_(run),
        plan_(plan),
        session_(session),
        command_(std::move(command)),
        start_(start),
        outcome_(outcome),
        scores_(run),
        judged_(run, plan.judges, plan.first.labels),
        states_(run, plan.trunks, plan.schedule),
        progress_(sizes_of(run, plan), run.config.score, run.place.layout.slots) {}

  // Marks the jobs that the folder holds and whose keys are known, and logs the start. Walks backwards, so that a trunk
  // comes after all jobs that wait for it: if all of them are done, nothing needs its state.
  void begin(JobQueue& queue) {
    for (int i = static_cast<int>(plan_.schedule.jobs.size()) - 1; i >= 0; --i) {
      const ScheduledJob& scheduled = plan_.schedule.jobs[std::size_t(i)];
      if (is_taught(plan_, scheduled)) continue;
      const bool spent = scheduled.round == kTrunkRound && states_.spent(i);
      if (!spent && !holds(plan_.base_of(scheduled))) continue;
      queue.already_done(i);
      mark_done(i);
    }
    outcome_.before = read_cost(run_.paths);
    const RankLayout& layout = run_.place.layout;
    const std::string rounds =
        run_.config.rounds.count > 1 ? fmt::format(" in at most {} rounds", run_.config.rounds.count) : "";
    spdlog::info("{}{}, {} done before, on {} of {} with {} each ({}, {})",
                 counted(std::int64_t(plan_.schedule.jobs.size()), "job"), rounds, queue.count(JobState::kDone),
                 counted(layout.slots, "slot"), counted(layout.shards, "rank"),
                 counted(run_.place.mine.threads, "thread"), run_.place.device_name(), run_.config.train.precision);
  }

  JobEvents events() {
    return {.finished = [this](int job, const std::string& result) { keep(job, from_bytes<FinishedJob>(result)); },
            .failed =
                [this](int job, const std::string& message) {
                  spdlog::error("{} failed: {}", plan_.schedule.jobs[std::size_t(job)].name, message);
                  outcome_.failures.emplace_back(job, message);
                  progress_.failed(job);
                },
            .progressed = [this](int job, const std::string& report) { hear(job, from_bytes<TrainProgress>(report)); },
            .terminating = [this](const std::vector<JobQueue::Running>& running) { say_what_ran(running); },
            .starting =
                [this](int job, int slot) {
                  JobStart begun = start(job);
                  if (begun.kind == JobStart::Kind::kRun)
                    progress_.began(job, leader_text(run_.place.layout, session_.hosts(), slot));
                  return begun;
                }};
  }

  RunCost cost() const { return {seconds_since(start_), progress_.seconds(), progress_.trained_images()}; }

 private:
  bool holds(const PlannedJob& job) const {
    const Held held = held_result(run_.folder_of(job), job.work.key);
    return held == Held::kWhole || (held == Held::kScores && job.is_judge());  // a judge keeps no weights
  }

  void mark_done(int job) {
    progress_.already_done(job);
    outcome_.done_before.insert(job);
    states_.done(job);
  }

  const PlannedJob& planned(int job) const {
    const ScheduledJob& scheduled = plan_.schedule.jobs[std::size_t(job)];
    return is_taught(plan_, scheduled) ? briefed_.at(job) : plan_.base_of(scheduled);
  }

  void hear(int job, const TrainProgress& report) {
    if (report.step == report.steps) record_epoch(run_.folder_of(planned(job)), report.epoch);
    progress_.heard(job, report);
  }

  // Makes a job's brief, if its round is wanted and its result is not in the folder.
  JobStart start(int index) {
    const ScheduledJob& scheduled = plan_.schedule.jobs[std::size_t(index)];
    if (!needs_brief(plan_, scheduled)) return {};
    if (!is_taught(plan_, scheduled))
      return {JobStart::Kind::kRun, to_bytes(Brief{.edits = {}, .lesson = {}, .trunk = states_.state_for(index)})};
    if (scores_.ended_before(scheduled.round)) {
      if (outcome_.rounds > scheduled.round) {
        outcome_.rounds = scheduled.round;
        spdlog::info("round {} is not better than round {}, so the rounds end here", scheduled.round - 1,
                     scheduled.round - 2);
      }
      progress_.skipped(index);
      return {JobStart::Kind::kSkip};
    }
    const Brief brief = brief_of(scheduled);
    PlannedJob job = job_of(run_, plan_, scheduled, brief);
    progress_.starts(index, static_cast<std::int64_t>(job.work.train_rows.size()));
    if (is_done(run_.folder_of(job), job.work.key)) {
      mark_done(index);
      return {JobStart::Kind::kDone};
    }
    briefed_[index] = std::move(job);
    return {JobStart::Kind::kRun, to_bytes(brief)};
  }

  Brief brief_of(const ScheduledJob& scheduled) {
    const PlannedJob& planned = plan_.base_of(scheduled);
    Brief brief{.edits = judged_.edits(planned.unit, planned.fold), .lesson = {}, .trunk = {}};
    if (scheduled.round == 0) {
      if (planned.model == 0) log_edits(planned, brief.edits);
      return brief;
    }
    const PlannedJob base = judged_.job(planned);
    brief.lesson = make_lesson(run_, scheduled, base, labels_of(scheduled.round - 1, base), plan_.label_rows);
    return brief;
  }

  void log_edits(const PlannedJob& planned, const std::vector<LabelEdit>& edits) const {
    const std::string text = edits_text(edits, *run_.dataset);
    spdlog::info("{}: {}", planned.name, text.empty() ? "the judges suspect no label" : text);
    constexpr double kMany = 0.05;  // labels are seldom wrong more often than this; then the judges are
    const auto labels = static_cast<double>(planned.work.train_rows.size() * planned.work.heads.size());
    const double share = static_cast<double>(edits.size()) / labels;
    if (share > kMany) {
      spdlog::warn(
          "{}: the judges suspect {:.0f} % of the labels; most of these are probably right and the judges wrong, so "
          "the "
          "run may lose by train.labels: auto; use a label file that you have looked at",
          planned.name, 100 * share);
    }
  }

  // The labels of a unit's fold, which its models share.
  const std::vector<TargetLabels>& labels_of(int round, const PlannedJob& base) {
    const auto place = std::tuple(round, base.unit, base.fold.value);
    if (labels_place_ != place) {
      labels_ = make_labels(run_, round, base, judged_.labels(base.unit, base.fold), plan_.label_rows);
      labels_place_ = place;
    }
    return labels_;
  }

  // Scores the result, writes it, and only then counts the job as done.
  void keep(int index, FinishedJob finished) {
    const PlannedJob& job = planned(index);
    if (job.is_judge()) finished.weights.clear();  // its predictions are enough
    progress_.finished(index, keep_result(run_, job, finished));
    write_cost(run_.paths, outcome_.before + cost());
    briefed_.erase(index);
    states_.done(index);
  }

  void say_what_ran(const std::vector<JobQueue::Running>& running) const {
    report_running(
        running, run_.place.layout, session_.hosts(), command_,
        [this](int job) { return plan_.schedule.jobs[std::size_t(job)].name; },
        [this](int job) { return progress_.place_of(job); });
  }

  const Run& run_;
  const RoundsPlan& plan_;
  const MpiSession& session_;
  std::string command_;
  Clock::time_point start_;
  Outcome& outcome_;
  RoundScores scores_;
  std::map<int, PlannedJob> briefed_;  // those that run
  JudgedLabels judged_;
  TrunkStates states_;
  std::vector<TargetLabels> labels_;  // of labels_place_: round, unit, fold
  std::tuple<int, int, int> labels_place_{-1, -1, -1};
  RunProgress progress_;
};

// Without rounds, the last jobs of this start. With rounds, those of the last round: earlier ones are followed by more.
std::vector<int> last_jobs(const RoundsPlan& plan, const std::vector<int>& to_do) {
  std::vector<int> last;
  for (const int job : to_do) {
    if (plan.schedule.jobs[std::size_t(job)].round == plan.schedule.jobs.back().round) last.push_back(job);
  }
  return last;
}

}  // namespace

std::optional<Error> run_all_jobs(const Run& run, const RoundsPlan& plan, const MpiSession& session,
                                  const std::string& command, Clock::time_point start, Outcome& outcome) {
  const Slot slot(session, run.place.layout, run.place.device);
  JobQueue queue(plan.schedule.waits_for);
  outcome.rounds = static_cast<int>(run.config.rounds.count);
  Recorder recorder(run, plan, session, command, start, outcome);
  if (session.rank() == 0) recorder.begin(queue);
  const auto to_do = broadcast<std::vector<int>>(session.ranks(), [&] { return queue.pending(); });
  const LastWave wave = last_wave(run.config, run.place.layout, run.place.mine, last_jobs(plan, to_do));
  const std::optional<Error> ended =
      run_jobs(session, run.place.layout, slot, queue, recorder.events(),
               [&](JobSource* source) { return slot_work(run, plan, slot, wave, source); });
  outcome.now = recorder.cost();
  return ended;
}

}  // namespace pleat
