#include "run/run_progress.h"

#include <algorithm>
#include <numeric>

#include "base/fields.h"
#include "base/log.h"
#include "base/run_log.h"
#include "base/terminal.h"
#include "base/wording.h"
#include "run/progress_view.h"

namespace pleat {
namespace {
std::int64_t sum(const std::vector<std::int64_t>& values) {
  return std::accumulate(values.begin(), values.end(), std::int64_t{0});
}
}  // namespace

JobSize size_of(const PlannedJob& job) {
  return {job.name, job.work.epoch_rows(), job.work.last_epoch(), job.work.shared.from};
}

RunProgress::RunProgress(std::vector<JobSize> jobs, std::string score, int slots)
    : jobs_(std::move(jobs)),
      score_(std::move(score)),
      slots_(slots),
      start_(Clock::now()),
      done_(jobs_.size()),
      done_before_(jobs_.size()),
      heard_(jobs_.size()),
      is_done_(jobs_.size()),
      epochs_(jobs_.size()),
      rates_(jobs_.size()),
      losses_(jobs_.size()),
      logged_(jobs_.size()),
      terminal_(has_terminal()),
      utf8_(has_utf8()) {
  for (const JobSize& job : jobs_) total_.push_back(job.images());
}

RunProgress::~RunProgress() {
  if (terminal_) show_block({});
}

void RunProgress::starts(int job, std::int64_t rows) {
  jobs_[std::size_t(job)].rows = rows;
  total_[std::size_t(job)] = jobs_[std::size_t(job)].images();
}

void RunProgress::skipped(int job) { total_[std::size_t(job)] = 0; }

void RunProgress::already_done(int job) {
  const auto index = static_cast<std::size_t>(job);
  done_[index] = done_before_[index] = total_[index];
  is_done_[index] = true;
}

void RunProgress::began(int job, const std::string& where) {
  running_.push_back(job);
  show_line(fmt::format("{}: starts on {}", jobs_[std::size_t(job)].name, where));
  draw(Draw::kAtOnce);
}

void RunProgress::heard(int job, const TrainProgress& report) {
  const auto index = static_cast<std::size_t>(job);
  const JobSize& planned = jobs_[index];
  const EpochReport& epoch = report.epoch;
  const bool whole = report.step == report.steps;
  done_[index] = (epoch.epoch - 1 - planned.first) * planned.rows + epoch.images;
  if (!heard_[index]) done_before_[index] = report.images_before;
  heard_[index] = true;
  epochs_[index] = whole ? epoch.epoch : epoch.epoch - 1;
  rates_[index] = static_cast<double>(epoch.images) / std::max(1e-9, epoch.seconds);
  losses_[index] = epoch.loss;
  constexpr double kLogEvery = 10;  // seconds
  if (whole || seconds() - logged_[index] > kLogEvery) log_report(job, report);
  draw(Draw::kIfDue);
}

void RunProgress::log_report(int job, const TrainProgress& report) {
  const auto index = static_cast<std::size_t>(job);
  const EpochReport& epoch = report.epoch;
  logged_[index] = seconds();
  const std::string within =
      report.step == report.steps ? "" : fmt::format(", step {} of {}", report.step, report.steps);
  const std::string inner =
      epoch.inner_score ? fmt::format(", inner {} {:.4f}", score_, (score_ == "log_loss" ? -1 : 1) * *epoch.inner_score)
                        : "";
  const std::string line =
      fmt::format("{}: epoch {} of {}{}: loss {:.4f}{}, {:.0f} images/s; {}", jobs_[index].name, epoch.epoch,
                  jobs_[index].epochs, within, epoch.loss, inner, rates_[index], remaining());
  show_line(line);
}

// On a terminal the bars say it.
void RunProgress::show_line(const std::string& line) const {
  if (terminal_)
    log_to_file(line);
  else
    spdlog::info("{}", line);
}

std::string RunProgress::status_of(int job) const {
  const auto index = static_cast<std::size_t>(job);
  const std::int64_t epochs = jobs_[index].epochs;
  if (rates_[index] == 0) return "starting";
  if (epochs_[index] == epochs) return "predicting";
  return fmt::format("epoch {} of {}, loss {:.4f}, {} images/s", epochs_[index] + 1, epochs, losses_[index],
                     grouped(static_cast<std::size_t>(rates_[index])));
}

void RunProgress::draw(Draw when) {
  constexpr double kEvery = 0.2;  // seconds
  if (!terminal_ || (when == Draw::kIfDue && seconds() - drawn_ < kEvery)) return;
  drawn_ = seconds();
  std::vector<RunningJob> jobs;
  std::int64_t planned = 0;  // without jobs that will not run
  for (std::size_t i = 0; i < jobs_.size(); ++i) planned += total_[i] > 0 || is_done_[i];
  for (const int job : running_) {
    const auto index = static_cast<std::size_t>(job);
    jobs.push_back(
        {jobs_[index].name, double(done_[index]) / double(std::max<std::int64_t>(1, total_[index])), status_of(job)});
  }
  const auto done = std::count(is_done_.begin(), is_done_.end(), true);
  show_block(progress_lines(jobs, fmt::format("{} of {} done, {}", done, counted(planned, "job"), remaining()),
                            {.columns = terminal_size().columns, .utf8 = utf8_}));
}

void RunProgress::finished(int job, const std::string& result) {
  done_[std::size_t(job)] = total_[std::size_t(job)];
  is_done_[std::size_t(job)] = true;
  std::erase(running_, job);
  draw(Draw::kAtOnce);
  spdlog::info("{}: done, {}", jobs_[std::size_t(job)].name, result);
}

void RunProgress::failed(int job) {
  std::erase(running_, job);
  draw(Draw::kAtOnce);
}

std::string RunProgress::place_of(int job) const {
  const auto index = static_cast<std::size_t>(job);
  const std::int64_t epochs = jobs_[index].epochs;
  if (!heard_[index]) return fmt::format("in its first epoch of this start, of {}", epochs);
  if (epochs_[index] == epochs) return fmt::format("predicting, after epoch {} of {}", epochs, epochs);
  return fmt::format("in epoch {} of {}", epochs_[index] + 1, epochs);
}

std::int64_t RunProgress::trained_images() const { return sum(done_) - sum(done_before_); }

double RunProgress::seconds() const { return seconds_since(start_); }

// Assumes that all jobs run at the mean speed of the running ones, and that slots without a job stay idle.
std::string RunProgress::remaining() const {
  const double all = static_cast<double>(std::max<std::int64_t>(1, sum(total_) + expected_));
  const std::string share = fmt::format("{:.0f} % of all", 100.0 * static_cast<double>(sum(done_)) / all);
  std::vector<std::int64_t> left;
  double rates = 0, running = 0;
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    left.push_back(total_[i] - done_[i]);
    if (left.back() == 0 || rates_[i] == 0) continue;
    rates += rates_[i];
    running += 1;
  }
  if (rates == 0) return share;
  const std::int64_t images_left = longest_share(left, slots_) + expected_ / std::max(1, slots_);
  const double seconds_left = static_cast<double>(images_left) / (rates / running);
  return fmt::format("{}, about {} left", share, duration_text(seconds_left));
}

std::int64_t longest_share(const std::vector<std::int64_t>& jobs, int slots) {
  std::vector<std::int64_t> shares(static_cast<std::size_t>(std::max(1, slots)));
  for (const std::int64_t job : jobs) *std::min_element(shares.begin(), shares.end()) += job;
  return *std::max_element(shares.begin(), shares.end());
}

}  // namespace pleat
