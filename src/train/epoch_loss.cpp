#include "train/epoch_loss.h"

#include <ATen/ops/full.h>

#include <algorithm>

namespace pleat {

EpochLoss::EpochLoss(double sum, std::int64_t images, const Ranks& ranks, const torch::Device& device)
    : ranks_(ranks),
      sum_(at::full({}, ranks.rank == 0 ? sum : 0.0, at::TensorOptions(at::kDouble).device(device))),
      images_(ranks.rank == 0 ? images : 0) {}

void EpochLoss::add(const torch::Tensor& loss, std::int64_t images, std::int64_t batch) {
  sum_ += loss.detach() * static_cast<double>(batch);
  images_ += images;
}

double EpochLoss::mean() const { return sum_.item<double>() / static_cast<double>(std::max<std::int64_t>(1, images_)); }

double EpochLoss::slot_sum() const {
  double sum = 0;
  for (const double one : gather(ranks_, sum_.item<double>())) sum += one;
  return sum;
}

}  // namespace pleat
