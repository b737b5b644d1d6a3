#include "ensemble/candidates.h"

#include <stdexcept>

namespace pleat {

void require_well_formed(const Candidates& candidates) {
  if (candidates.probs.empty()) throw std::invalid_argument("no candidates");
  const torch::Tensor& labels = candidates.labels;
  if (labels.dim() != 1 || labels.scalar_type() != at::kLong || !labels.is_contiguous())
    throw std::invalid_argument("labels must be contiguous int64 [N]");
  for (const torch::Tensor& probs : candidates.probs) {
    if (probs.dim() != 2 || probs.sizes() != candidates.probs.front().sizes() || probs.size(0) != labels.numel() ||
        probs.scalar_type() != at::kDouble || !probs.is_contiguous())
      throw std::invalid_argument("each candidate needs contiguous float64 probabilities [N, C]");
  }
}

}  // namespace pleat
