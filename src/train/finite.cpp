#include "train/finite.h"

#include <ATen/ops/isfinite.h>
#include <ATen/ops/nonzero.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "train/job_error.h"

namespace pleat {
namespace {

std::string id_of(const CropFile& crops, std::int64_t row) {
  return crops.table().column("id")[static_cast<std::size_t>(row)];
}

std::string advice(const TrainConfig& train) {
  std::string text = fmt::format("lower train.lr ({})", train.lr);
  if (train.clip == 0.0) text += ", set train.clip: 1";
  if (train.precision != "fp32") text += ", or train.precision: fp32";
  return text;
}

}  // namespace

void throw_bad_loss(const FoldJob& job, const CropFile& crops, double loss, std::int64_t epoch, std::int64_t step,
                    std::int64_t steps, std::span<const std::int64_t> positions) {
  std::vector<std::string> ids;
  for (const std::int64_t position : positions.first(std::min<std::size_t>(positions.size(), 5)))
    ids.push_back(id_of(crops, job.train_rows[static_cast<std::size_t>(position)]));
  const std::string what =
      std::isfinite(loss) ? fmt::format("the loss diverged to {:.3g}", loss) : "the loss is not finite";
  throw JobFailed("{} at epoch {}, step {} of {} (batch of {}: {}{}); {}", what, epoch + 1, step + 1, steps,
                  positions.size(), fmt::join(ids, ", "), ids.size() < positions.size() ? " …" : "", advice(job.train));
}

void require_finite_outputs(const FoldJob& job, const CropFile& crops, const std::vector<std::int64_t>& rows,
                            const torch::Tensor& outputs) {
  const torch::Tensor bad = at::nonzero(at::isfinite(outputs).all(1).logical_not()).squeeze(1);
  if (bad.numel() == 0) return;
  const std::int64_t first = rows[static_cast<std::size_t>(bad[0].item<std::int64_t>())];
  throw JobFailed("the trained network's predictions of {} of {} rows (the first is '{}') are not finite; {}",
                  bad.numel(), outputs.size(0), id_of(crops, first), advice(job.train));
}

}  // namespace pleat
