// A reader of untrusted bytes may accept them, or refuse them by its documented error, in one line for a terminal.
// Anything else is a fault, and leaves LLVMFuzzerTestOneInput as an unexpected exception.
#pragma once

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/utf8.h"

namespace pleat::fuzz {

struct Outcomes {
  std::size_t accepted = 0, refused = 0;
};

/// The outcomes in this process so far.
inline Outcomes& outcomes() {
  static Outcomes counted;
  return counted;
}

/// Throws: std::logic_error if a refusal is empty, is not UTF-8, or has control characters.
inline void check_words(std::string_view refusal) {
  const bool plain = std::none_of(refusal.begin(), refusal.end(), [](char letter) {
    return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F;
  });
  if (refusal.empty() || !plain || utf8_prefix(refusal) != refusal.size())
    throw std::logic_error("a refusal is not one plain line: '" + std::string(refusal) + "'");
}

/// Runs the reader on one input and counts the outcome. Refusal: the reader's documented error.
template <class Refusal, class Reader>
void run_reader(const Reader& reader) {
  try {
    reader();
    ++outcomes().accepted;
  } catch (const Refusal& refusal) {
    check_words(refusal.what());
    ++outcomes().refused;
  }
}

/// Reads every byte, so that a sanitizer notices bytes outside of the reader's memory.
template <class Range>
void touch(const Range& bytes) {
  unsigned sum = 0;
  for (const auto byte : bytes) sum += static_cast<unsigned char>(byte);
  [[maybe_unused]] volatile unsigned kept = sum;  // otherwise the compiler would drop the loop
}

}  // namespace pleat::fuzz
