#include "rounds/run_progress.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/fields.h"
#include "base/log.h"
#include "base/progress.h"

namespace pleat {
namespace {
std::int64_t sum(const std::vector<std::int64_t>& values) {
  return std::accumulate(values.begin(), values.end(), std::int64_t{0});
}
}  // namespace

RunProgress::RunProgress(const std::vector<PlannedJob>& jobs, int slots)
    : jobs_(jobs),
      slots_(slots),
      start_(std::chrono::steady_clock::now()),
      done_(jobs.size()),
      done_before_(jobs.size()),
      heard_(jobs.size()),
      epochs_(jobs.size()),
      rates_(jobs.size()) {
  for (const PlannedJob& job : jobs)
    total_.push_back(static_cast<std::int64_t>(job.work.train_rows.size()) * job.work.train.epochs);
}

void RunProgress::already_done(int job) {
  const auto index = static_cast<std::size_t>(job);
  done_[index] = done_before_[index] = total_[index];
}

void RunProgress::heard(int job, const std::string& report) {
  const auto index = static_cast<std::size_t>(job);
  const PlannedJob& planned = jobs_[index];
  const Json said = Json::parse(report);
  const std::int64_t epoch = said["epoch"], rows = static_cast<std::int64_t>(planned.work.train_rows.size());
  const bool whole = said["step"] == said["steps"];
  done_[index] = (epoch - 1) * rows + said["images"].get<std::int64_t>();
  if (!heard_[index]) done_before_[index] = said["done_before"].get<std::int64_t>();
  heard_[index] = true;
  epochs_[index] = whole ? epoch : epoch - 1;
  double& rate = rates_[index];
  rate = said["images"].get<double>() / std::max(1e-9, said["seconds"].get<double>());
  const std::string within =
      whole ? "" : fmt::format(", step {} of {}", said["step"].get<std::int64_t>(), said["steps"].get<std::int64_t>());
  const std::string& score = planned.work.score;
  const std::string inner =
      said.contains("inner_score")
          ? fmt::format(", inner {} {:.4f}", score, (score == "log_loss" ? -1 : 1) * said["inner_score"].get<double>())
          : "";
  spdlog::info("{}: epoch {} of {}{}: loss {:.4f}{}, {:.0f} images/s; {}", planned.name, epoch,
               planned.work.train.epochs, within, said["loss"].is_number() ? said["loss"].get<double>() : std::nan(""),
               inner, rate, remaining());
}

void RunProgress::finished(int job, const std::string& score) {
  done_[std::size_t(job)] = total_[std::size_t(job)];
  spdlog::info("{}: done, {} on its held-out rows", jobs_[std::size_t(job)].name, score);
}

std::string RunProgress::place_of(int job) const {
  const auto index = static_cast<std::size_t>(job);
  const std::int64_t epochs = jobs_[index].work.train.epochs;
  if (!heard_[index]) return fmt::format("in its first epoch since this run began, of {}", epochs);
  if (epochs_[index] == epochs) return fmt::format("done with epoch {} of {}, predicting", epochs, epochs);
  return fmt::format("in epoch {} of {}", epochs_[index] + 1, epochs);
}

std::int64_t RunProgress::trained_images() const { return sum(done_) - sum(done_before_); }

double RunProgress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

// At the speed of the jobs heard of last; a slot that finds no job left stands idle until the others are done.
std::string RunProgress::remaining() const {
  const double all = static_cast<double>(std::max<std::int64_t>(1, sum(total_)));
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
  const double seconds_left = static_cast<double>(longest_share(left, slots_)) / (rates / running);
  return fmt::format("{}, about {} left", share, duration_text(seconds_left));
}

std::int64_t longest_share(const std::vector<std::int64_t>& jobs, int slots) {
  std::vector<std::int64_t> shares(static_cast<std::size_t>(std::max(1, slots)));
  for (const std::int64_t job : jobs) *std::min_element(shares.begin(), shares.end()) += job;
  return *std::max_element(shares.begin(), shares.end());
}

}  // namespace pleat
