// Evidence from the other photos of a person for a photo's class: a class that all of them share, or a known number of
// photos of each class.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "ensemble/row_groups.h"

namespace pleat {

/// The source of a pseudo-label. kOwn: the row's own predictions; kGroup: those of all rows of its group; kComposition:
/// the group's numbers of rows per class; kKnown: a label of another row of the group.
enum class Evidence : std::uint8_t { kOwn, kGroup, kComposition, kKnown };

/// "own", "group", "composition" or "known".
const char* name_of(Evidence evidence);

/// The class probabilities and the label of each row.
struct Belief {
  torch::Tensor probs;   // [N, C] float64, contiguous; rows sum to 1
  torch::Tensor labels;  // [N] int64
  std::vector<Evidence> evidence;

  std::int64_t rows() const { return labels.numel(); }
  std::int64_t classes() const { return probs.size(1); }
  /// Probability of the row's label.
  double confidence(std::int64_t row) const {
    return probs.const_data_ptr<double>()[row * probs.size(1) + labels.const_data_ptr<std::int64_t>()[row]];
  }
};

/// The rows' own predictions. probs [N, C], any float type.
Belief own_belief(const torch::Tensor& probs);

/// All rows of a group have one class: each gets the group's geometric mean of probabilities, normalised, or the known
/// class with certainty. The mean, not the product: photos of one person are not independent.
///   known: per group, the class of a labelled row of the group, or -1
Belief constant_belief(const torch::Tensor& probs, const RowGroups& groups, const std::vector<std::int64_t>& known);

/// A group has a fixed number of places per class: the labels are its jointly most probable assignment (the first in
/// lexical order if several are), and the probabilities those of each row's class given the composition.
///   places: [groups][C], the places that labelled rows of the group leave
/// Requires: each group has at most as many rows as places; kMostCompositions bounds the product of (places + 1), times
/// the number of places. Time: rows × that product × classes; memory: at most 200 MB a thread.
Belief composed_belief(const torch::Tensor& probs, const RowGroups& groups,
                       const std::vector<std::vector<std::int64_t>>& places);
inline constexpr std::int64_t kMostCompositions = 1'000'000;

}  // namespace pleat
