// Progress and time left of a long step: one line that updates on a terminal, or a plain line every ten seconds
// elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace pleat {

class Progress {
 public:
  /// The sink of the lines; tests pass their own.
  struct Output {
    bool terminal = false;
    std::function<void(const std::string&)> draw;  // on a terminal: replaces the line; "": removes it
    std::function<void(const std::string&)> log;   // a plain line
    std::function<double()> seconds;               // a monotonic clock
  };

  /// Writes to standard error, on the rank that reports progress. `what`: "crops"; `total` > 0.
  Progress(std::string what, std::size_t total, bool speaks);
  Progress(std::string what, std::size_t total, Output output);
  /// On a terminal, the last state becomes a plain line.
  ~Progress();
  Progress(const Progress&) = delete;

  /// Thread-safe and cheap. Ignores a count that is not larger than the last one.
  void set(std::size_t done);

 private:
  std::string text(std::size_t done, double seconds) const;

  std::string what_;
  std::size_t total_;
  Output output_;
  double started_ = 0;

  std::mutex mutex_;  // guards the members below
  double last_ = 0;
  std::size_t done_ = 0;
  std::string drawn_;  // on the terminal
};

}  // namespace pleat
