// Runs one input through the reader, in a process that may be lost. A fault ends the process with a code for its kind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace pleat::fuzz {

struct Limits {
  unsigned seconds = 20;         // for one input; more is a hang
  std::size_t megabytes = 3072;  // resident; a photo of 100 million pixels of 16 bits stays below it
};

/// Ends the process if the input crashes the reader, keeps it busy for too long, makes it throw what it does not
/// document, leaves memory or a file behind, or takes too much memory. Standard error has the details.
void run_one_input(std::span<const std::uint8_t> input, const Limits& limits);

/// Returns the fault that ended such a process, from waitpid's status; "" if it ended well.
std::string fault_of(int status);

}  // namespace pleat::fuzz
