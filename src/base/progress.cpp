#include "base/progress.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <vector>

#include "base/stopwatch.h"
#include "base/terminal.h"
#include "base/wording.h"

namespace pleat {
namespace {

constexpr double kTerminalEvery = 0.2, kPlainEvery = 10;  // seconds

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

Progress::Output standard_error(bool speaks) {
  if (!speaks) return {.terminal = false, .draw = {}, .log = {}, .seconds = now};
  const auto draw = [](const std::string& line) {
    show_block(line.empty() ? std::vector<std::string>() : std::vector<std::string>{line});
  };
  const auto log = [](const std::string& line) { spdlog::info("{}", line); };
  return {.terminal = has_terminal(), .draw = draw, .log = log, .seconds = now};
}

}  // namespace

Progress::Progress(std::string what, std::size_t total, bool speaks)
    : Progress(std::move(what), total, standard_error(speaks)) {}

Progress::Progress(std::string what, std::size_t total, Output output)
    : what_(std::move(what)), total_(total), output_(std::move(output)), started_(output_.seconds()), last_(started_) {}

Progress::~Progress() {
  if (drawn_.empty()) return;
  output_.draw("");
  output_.log(drawn_);
}

void Progress::set(std::size_t done) {
  if (!output_.log) return;
  const double seconds = output_.seconds();
  const std::lock_guard lock(mutex_);
  if (done <= done_) return;
  done_ = done;
  const bool last = done == total_;
  if (!last && seconds - last_ < (output_.terminal ? kTerminalEvery : kPlainEvery)) return;
  last_ = seconds;
  const std::string line = text(done, seconds - started_);
  if (!output_.terminal) return output_.log(line);
  output_.draw(line);
  drawn_ = line;
}

std::string Progress::text(std::size_t done, double seconds) const {
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  std::string line = fmt::format("{}: {} of {} ({} %)", what_, grouped(done), grouped(total_), done * 100 / total_);
  if (rate > 0)
    line += fmt::format(", {}/s", rate < 10 ? fmt::format("{:.1f}", rate) : grouped(static_cast<std::size_t>(rate)));
  if (done == total_) return line + ", took " + duration_text(seconds);
  return rate > 0 ? line + ", " + duration_text(static_cast<double>(total_ - done) / rate) + " left" : line;
}

}  // namespace pleat
