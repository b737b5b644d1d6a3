#include "run/find_lr.h"

#include <algorithm>
#include <cmath>

#include "base/files.h"
#include "base/log.h"
#include "base/run_log.h"
#include "base/stop_signal.h"
#include "run/memory_check.h"
#include "run/run_setup.h"
#include "train/lr_finder.h"

namespace pleat {
namespace {

std::string csv_of(const LrFinding& finding) {
  std::string text = "lr,loss,smoothed_loss\n";
  for (const LrPoint& point : finding.curve)
    text += fmt::format("{:.6g},{:.6g},{:.6g}\n", point.lr, point.loss, point.smoothed);
  return text;
}

// Draws a bar for each of about twenty rates: the smoothed loss above its minimum. Bars are cut at 1.5 times the
// distance from the minimum to the first loss.
std::string chart_of(const LrFinding& finding) {
  constexpr std::size_t kLines = 20;
  constexpr double kWidth = 50;
  const auto& curve = finding.curve;
  double least = curve.front().smoothed;
  for (const LrPoint& point : curve) least = std::min(least, point.smoothed);
  const double range = std::max(1.5 * (curve.front().smoothed - least), 0.1);
  std::string text = fmt::format("  {:>8}  {:>8}\n", "lr", "loss");
  const std::size_t step = std::max<std::size_t>(1, (curve.size() + kLines - 1) / kLines);
  for (std::size_t i = 0; i < curve.size(); i += step) {
    const auto length = std::lround(kWidth * std::min(1.0, (curve[i].smoothed - least) / range));
    std::string bar;
    for (long c = 0; c < length; ++c) bar += "▇";
    text += fmt::format("  {:8.1e}  {:8.4f}  {}\n", curve[i].lr, curve[i].smoothed, bar);
  }
  return text;
}

std::string verdict(const LrFinding& finding, const FoldJob& job) {
  if (!finding.suggestion) {
    return "no suggestion: the loss never fell; check the data and train.precision\n";
  }
  return fmt::format(
      "suggestion: {}={:.2g} (a tenth of the rate of lowest loss; steepest at {:.2g}; the config has {:g})\n",
      job.model.lr.value ? "models[].lr" : "train.lr", *finding.suggestion,
      finding.steepest.value_or(*finding.suggestion), job.train.lr);
}

}  // namespace

ExitCode find_lr_run(const TrainRequest& request, const MpiSession& session) {
  together(session.ranks(), [&] {
    if (session.size() > 1)
      throw UsageError("--find-lr runs on one process, but there are {} ranks; run it without mpirun", session.size());
  });
  TrainRequest on_one_rank = request;
  on_one_rank.assignments.emplace_back("cluster.shards=1");  // the config may be meant for several ranks
  const Run run = set_up_run(on_one_rank, session);
  const Round round = plan_first_round(run, session);
  check_memory(run, round.jobs, session);
  for (const PlannedJob& job : round.jobs) {
    if (job.fold.value != 0) continue;
    const LogContext lines(job.name);
    spdlog::info("trying rates from {:g} to {:g} in {} steps of {} images", LrRange{}.from, LrRange{}.to,
                 LrRange{}.steps, run.config.train.batch);
    const TrainContext context{.crops = run.dataset->crops,
                               .device = run.place.device,
                               .resume_folder = {},
                               .progress = [](const TrainProgress&) {},
                               .stop_requested = [] { return stop_signal_received(); }};
    const LrFinding finding = find_lr(job.work, context, {});
    if (stop_signal_received()) throw StopRequested("stopped on request; no curve was written for {}", job.name);
    const auto file =
        run.paths.find_lr() /
        fmt::format("{}.{}.csv", run.dataset->targets.units[std::size_t(job.unit)].name, job.work.model.id);
    make_folder(file.parent_path());
    write_file(file, csv_of(finding));
    print_result(fmt::format("\n{} ({})\n{}{}", job.name, file.string(), chart_of(finding), verdict(finding, job.work)));
  }
  return ExitCode::kDone;
}

}  // namespace pleat
