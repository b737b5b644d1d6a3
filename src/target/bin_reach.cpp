#include "target/bin_reach.h"

#include <algorithm>

namespace pleat {
namespace {

using Shares = std::vector<std::vector<double>>;  // [bin][class]

// A class's numbers are contiguous: if it is in three bins, the middle one is all its own. In one or two bins, the
// network's probabilities are t and 1 - t; probability elsewhere helps only other classes. The class's lead over
// another class is linear in t. [from, to] is the range of t where it leads all others.
bool can_win(const Shares& shares, std::size_t c) {
  const auto holds = [c](const std::vector<double>& bin) { return bin[c] > 0; };
  const auto first = std::find_if(shares.begin(), shares.end(), holds);
  const auto last = std::find_if(shares.rbegin(), shares.rend(), holds).base() - 1;
  if (last - first >= 2) return true;
  double from = 0, to = 1;
  for (std::size_t other = 0; other < first->size(); ++other) {
    const double at_one = (*first)[c] - (*first)[other], at_zero = (*last)[c] - (*last)[other];
    if (other == c || (at_one > 0 && at_zero > 0)) continue;
    if (at_one == 0 && at_zero == 0 && c < other) continue;  // the first class wins a tie
    if (at_one <= 0 && at_zero <= 0) return false;
    const double equal = at_zero / (at_zero - at_one);
    if (at_one > at_zero)
      from = std::max(from, equal);
    else
      to = std::min(to, equal);
  }
  return from < to;
}

}  // namespace

std::vector<int> classes_out_of_reach(const TargetCode& code) {
  std::vector<int> hidden;
  if (code.teaching != Teaching::kBins) return hidden;
  for (std::size_t c = 0; c < static_cast<std::size_t>(code.classes); ++c) {
    const bool taught =
        std::any_of(code.shares.begin(), code.shares.end(), [c](const auto& bin) { return bin[c] > 0; });
    if (taught && !can_win(code.shares, c)) hidden.push_back(static_cast<int>(c));
  }
  return hidden;
}

}  // namespace pleat
