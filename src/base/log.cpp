#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

namespace pleat {
namespace {

thread_local std::string log_context;

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
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  const std::string where = rank < 0 ? "" : fmt::format("[{}] ", rank);
  formatter->add_flag<ContextFlag>('&').set_pattern(fmt::format("%H:%M:%S {}%^%L%$ %&%v", where));
  auto logger = spdlog::stderr_color_mt("pleat");
  logger->set_formatter(std::move(formatter));
  spdlog::set_default_logger(std::move(logger));
  set_level_from_environment(rank);
}

LogContext::LogContext(std::string context) : before_(std::exchange(log_context, std::move(context))) {}

LogContext::~LogContext() { log_context = std::move(before_); }

}  // namespace pleat
