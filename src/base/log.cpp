#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/ringbuffer_sink.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/run_log.h"
#include "base/terminal.h"

namespace pleat {
namespace {

thread_local std::string log_context;
int output_error = 0;  // errno of the first failure to write standard output

class ContextFlag : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg&, const std::tm&, spdlog::memory_buf_t& line) override {
    if (log_context.empty()) return;
    line.append(log_context.data(), log_context.data() + log_context.size());
    line.push_back(':');
    line.push_back(' ');
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<ContextFlag>(); }
};

// Log lines appear above the terminal's block.
class TerminalSink : public spdlog::sinks::ansicolor_stderr_sink_mt {
 public:
  void log(const spdlog::details::log_msg& message) override {
    const BlockHidden hidden;
    spdlog::sinks::ansicolor_stderr_sink_mt::log(message);
  }
};

struct Sinks {
  static constexpr std::size_t kKept = 200;  // lines before the run folder is known
  std::shared_ptr<spdlog::sinks::dist_sink_mt> shown = std::make_shared<spdlog::sinks::dist_sink_mt>();
  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> so_far =
      std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(kKept);
  std::shared_ptr<spdlog::sinks::sink> file;
};

Sinks& sinks() {
  static Sinks all;
  return all;
}

std::unique_ptr<spdlog::formatter> formatter_for(const std::string& pattern) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<ContextFlag>('&').set_pattern(pattern);
  return formatter;
}

// A full disk ends the run with an error of its own, where results are written.
void report_once(const std::string& reason) {
  static std::atomic<bool> reported{false};
  if (!reported.exchange(true)) std::fprintf(stderr, "pleat: the log cannot be written: %s\n", reason.c_str());
}

void set_level_from_environment(int rank) {
  spdlog::set_level(spdlog::level::info);
  const char* wanted = std::getenv("PLEAT_LOG");
  if (wanted == nullptr || *wanted == '\0') return;
  const auto level = spdlog::level::from_str(wanted);
  // spdlog turns an unknown word into "off", which would hide errors too.
  if (level != spdlog::level::off || std::string_view(wanted) == "off") return spdlog::set_level(level);
  if (rank <= 0) spdlog::warn("PLEAT_LOG={}: expected debug, info, warn or error; using info", wanted);
}

}  // namespace

void start_log(int rank) {
  const std::string where = rank < 0 ? "" : fmt::format("[{}] ", rank);
  const auto shown = std::make_shared<TerminalSink>();
  shown->set_formatter(formatter_for(fmt::format("%H:%M:%S {}%^%L%$ %&%v", where)));
  sinks().shown->add_sink(shown);
  if (rank <= 0) sinks().shown->add_sink(sinks().so_far);
  auto logger = std::make_shared<spdlog::logger>("pleat", sinks().shown);
  logger->set_error_handler(report_once);
  spdlog::set_default_logger(std::move(logger));
  set_level_from_environment(rank);
}

void start_run_log(const std::filesystem::path& file, std::string_view command) try {
  const auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string());
  sink->set_formatter(formatter_for("%Y-%m-%d %H:%M:%S %L %&%v"));
  sinks().file = sink;
  log_to_file(fmt::format("command: {}", command));
  for (const auto& line : sinks().so_far->last_raw()) sink->log(line);
  sinks().shown->remove_sink(sinks().so_far);
  sinks().shown->add_sink(sink);
  spdlog::flush_on(spdlog::level::info);
} catch (const spdlog::spdlog_ex& error) {
  sinks().file.reset();
  spdlog::warn("cannot write {} ({}); log lines appear on the terminal only", file.string(), error.what());
}

void log_to_file(std::string_view text) try {
  if (!sinks().file) return;
  sinks().file->log({spdlog::source_loc{}, "pleat", spdlog::level::info, {text.data(), text.size()}});
  sinks().file->flush();
} catch (const std::exception& error) {
  report_once(error.what());
}

void flush_output() {
  if (std::fflush(stdout) != 0 && output_error == 0) output_error = errno;
  if (output_error == 0) return;
  throw DataError("standard output could not be written ({}); send it to a file or pipe with room, and run again",
                  std::strerror(output_error));
}

void print_result(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) < text.size() && output_error == 0) output_error = errno;
  while (text.starts_with('\n')) text.remove_prefix(1);
  while (text.ends_with('\n')) text.remove_suffix(1);
  log_to_file(fmt::format("result:\n{}", text));
}

LogContext::LogContext(std::string context) : before_(std::exchange(log_context, std::move(context))) {}

LogContext::~LogContext() { log_context = std::move(before_); }

}  // namespace pleat
