#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <cstdlib>
#include <memory>
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

}  // namespace

void start_log(int rank) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  const std::string where = rank < 0 ? "" : fmt::format("[{}] ", rank);
  formatter->add_flag<ContextFlag>('&').set_pattern(fmt::format("%H:%M:%S {}%^%L%$ %&%v", where));
  auto logger = spdlog::stderr_color_mt("pleat");
  logger->set_formatter(std::move(formatter));
  spdlog::set_default_logger(std::move(logger));
  const char* level = std::getenv("PLEAT_LOG");
  spdlog::set_level(level ? spdlog::level::from_str(level) : spdlog::level::info);
}

LogContext::LogContext(std::string context) : before_(std::exchange(log_context, std::move(context))) {}

LogContext::~LogContext() { log_context = std::move(before_); }

}  // namespace pleat
