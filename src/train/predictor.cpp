#include "train/predictor.h"

#include <algorithm>

#include "data/batch_loader.h"
#include "train/precision.h"

namespace pleat {

ClassifierShape classifier_shape(const ImageShape& crops, int classes) {
  return {.channels = crops.channels, .classes = classes, .height = crops.height, .width = crops.width};
}

torch::Tensor predict_logits(Classifier& classifier, const CropFile& crops, std::span<const std::int64_t> rows,
                             int classes, const PredictOptions& options) {
  const c10::InferenceMode inference;
  classifier.eval();
  const auto count = static_cast<std::int64_t>(rows.size());
  torch::Tensor logits = at::zeros({count, classes}, at::kFloat);
  std::vector<BatchPlan> plans;
  std::vector<std::int64_t> begins;
  for (std::int64_t begin = options.batch * options.shard; begin < count; begin += options.batch * options.shards) {
    const auto some = rows.subspan(std::size_t(begin), std::size_t(std::min(options.batch, count - begin)));
    plans.push_back({.rows = {some.begin(), some.end()}});
    begins.push_back(begin);
  }
  BatchLoader loader(crops, {.norm = options.norm, .pinned = options.device.is_cuda()}, std::move(plans));
  for (const std::int64_t begin : begins) {
    const torch::Tensor images = loader.next().images.to(options.device, /*non_blocking=*/true);
    torch::Tensor some = forward_logits(classifier, images, options.bf16);
    if (options.flip) {
      const torch::Tensor mirrored = images.flip(3).contiguous(images.suggest_memory_format());
      some = (some + forward_logits(classifier, mirrored, options.bf16)) / 2;
    }
    logits.narrow(0, begin, images.size(0)).copy_(some);
  }
  return logits;
}

}  // namespace pleat
