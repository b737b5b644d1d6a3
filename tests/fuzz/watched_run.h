// Runs work that may kill its process in a child process. A shared record of the child's current input outlives it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "mutations.h"

namespace pleat::fuzz {

constexpr std::size_t kMostKinds = 32;

struct Tally {
  std::size_t accepted = 0, refused = 0;
};

/// Lies in memory that parent and child share.
struct Record {
  std::size_t index = 0;  // of the current input, over all kinds
  std::size_t size = 0;
  bool done = false;   // the child finished; unlike a reader that calls exit(0)
  double slowest = 0;  // seconds of one input
  std::array<Tally, kMostKinds> tallies{};
  std::array<std::uint8_t, kMostInput> input{};

  void hold(const Bytes& bytes);
  Bytes held() const;
};

class WatchedRun {
 public:
  WatchedRun();
  ~WatchedRun();
  WatchedRun(const WatchedRun&) = delete;

  /// Runs the work in a child process, to its end. Returns the fault; "" if none.
  std::string run(const std::function<void(Record&)>& work);
  Record& record() { return *record_; }

 private:
  Record* record_;
};

}  // namespace pleat::fuzz
