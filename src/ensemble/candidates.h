// The candidates of an ensemble: predictions of the same rows by several models.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace pleat {

struct Candidates {
  std::vector<torch::Tensor> probs;  // one per candidate, [N, C] float64, contiguous
  torch::Tensor labels;              // [N] int64 in [0, C)

  std::int64_t rows() const { return labels.numel(); }
  std::int64_t classes() const { return probs.front().size(1); }
};

/// Rows of the tables, ascending.
using RowList = std::vector<std::int64_t>;

/// Throws: std::invalid_argument if there is no candidate, or if a table has another shape, type or layout.
void require_well_formed(const Candidates& candidates);

}  // namespace pleat
