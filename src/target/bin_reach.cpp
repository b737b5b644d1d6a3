#include "target/bin_reach.h"

#include <algorithm>

namespace pleat {

std::vector<int> classes_out_of_reach(const TargetCode& code) {
  std::vector<int> hidden;
  if (code.teaching != Teaching::kBins) return hidden;
  const auto classes = static_cast<std::size_t>(code.classes);
  const auto hides = [&](std::size_t other, std::size_t c) {
    return std::all_of(code.shares.begin(), code.shares.end(), [&](const std::vector<double>& bin) {
      return bin[other] > bin[c] || (bin[other] == bin[c] && (other < c || bin[c] == 0));  // of equals the first wins
    });
  };
  const auto taught = [&](std::size_t c) {
    return std::any_of(code.shares.begin(), code.shares.end(), [c](const auto& bin) { return bin[c] > 0; });
  };
  for (std::size_t c = 0; c < classes; ++c) {
    if (!taught(c)) continue;
    for (std::size_t other = 0; other < classes; ++other) {
      if (other == c || !hides(other, c)) continue;
      hidden.push_back(static_cast<int>(c));
      break;
    }
  }
  return hidden;
}

}  // namespace pleat
