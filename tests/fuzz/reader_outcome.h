// What a reader of untrusted bytes may do: take them, or refuse them by its documented error, in one line for a
// terminal. Anything else is a fault, and leaves LLVMFuzzerTestOneInput as an exception that nobody expects.
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

/// Of this process so far.
inline Outcomes& outcomes() {
  static Outcomes counted;
  return counted;
}

/// Throws std::logic_error if a refusal says nothing, is no UTF-8, or would break the line or drive the terminal.
inline void check_words(std::string_view refusal) {
  const bool plain = std::none_of(refusal.begin(), refusal.end(), [](char letter) {
    return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F;
  });
  if (refusal.empty() || !plain || utf8_prefix(refusal) != refusal.size())
    throw std::logic_error("a refusal is not one plain line: '" + std::string(refusal) + "'");
}

/// Runs the reader on one input and counts what it did; Refusal is the error that it documents.
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

/// Looks at every byte, so that a sanitizer sees each one that does not belong to the reader's result.
template <class Range>
void touch(const Range& bytes) {
  unsigned sum = 0;
  for (const auto byte : bytes) sum += static_cast<unsigned char>(byte);
  [[maybe_unused]] volatile unsigned kept = sum;  // or the loop would be left out
}

}  // namespace pleat::fuzz
