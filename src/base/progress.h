// How far a long step is, and when it will be done: one line that updates on a terminal, a plain line every ten seconds
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
  /// Where the lines go; tests give their own.
  struct Output {
    bool terminal = false;
    std::function<void(const std::string&)>
        write;                        // text as it goes out: with control codes on a terminal, else a line
    std::function<double()> seconds;  // a clock that never goes back
  };

  /// what: "crops"; total > 0. Standard error, if it is this rank's to speak.
  Progress(std::string what, std::size_t total, bool speaks);
  Progress(std::string what, std::size_t total, Output output);
  /// Ends the terminal's line.
  ~Progress();
  Progress(const Progress&) = delete;

  /// Cheap and safe from many threads; smaller counts that come late are left out.
  void set(std::size_t done);

 private:
  std::string text(std::size_t done, double seconds) const;

  std::string what_;
  std::size_t total_;
  Output output_;
  double started_ = 0;

  std::mutex mutex_;  // of what follows
  double last_ = 0;
  std::size_t done_ = 0;
  bool line_open_ = false;
};

/// "45 s", "1 min 59 s" (below ten minutes), "12 min", "3 h 20 min".
std::string duration_text(double seconds);

/// 18900 as "18,900".
std::string grouped(std::size_t number);

/// "1 slot", "2 slots", "3 classes".
std::string counted(std::int64_t number, std::string_view noun);

}  // namespace pleat
