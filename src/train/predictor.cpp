#include "train/predictor.h"

#include <algorithm>

#include "batches/batch_loader.h"
#include "train/image_views.h"
#include "train/precision.h"

namespace pleat {
namespace {

// Runs one view at a time, so only one batch of images is in memory, and adds the logits in the views' order.
torch::Tensor mean_logits(Classifier& classifier, const torch::Tensor& images, const std::vector<ImageView>& views,
                          const torch::Tensor& black, bool bf16) {
  torch::Tensor sum;
  for (const ImageView& view : views) {
    const torch::Tensor logits = forward_logits(classifier, seen_by(view, images, black), bf16);
    sum = sum.defined() ? sum + logits : logits;
  }
  return views.size() == 1 ? sum : sum / static_cast<double>(views.size());
}

}  // namespace

ClassifierShape classifier_shape(const ImageShape& crops, int classes) {
  return {.channels = crops.channels, .classes = classes, .height = crops.height, .width = crops.width};
}

std::int64_t prediction_batch(const ImageShape& shape) {
  constexpr std::int64_t kMost = 256, kPixels = kMost * 128 * 128;
  return std::clamp<std::int64_t>(kPixels / (std::int64_t{shape.height} * shape.width), 1, kMost);
}

torch::Tensor predict_logits(Classifier& classifier, const CropFile& crops, std::span<const std::int64_t> rows,
                             int classes, const PredictOptions& options) {
  const c10::InferenceMode inference;
  classifier.eval();
  const std::vector<ImageView> views = views_of(options.flip, options.shift);
  const auto count = static_cast<std::int64_t>(rows.size());
  const std::int64_t batch = options.batch > 0 ? options.batch : prediction_batch(crops.shape());
  torch::Tensor logits = at::zeros({count, classes}, at::kFloat);
  std::vector<BatchPlan> plans;
  std::vector<std::int64_t> begins;
  for (std::int64_t begin = batch * options.shard; begin < count; begin += batch * options.shards) {
    const auto some = rows.subspan(std::size_t(begin), std::size_t(std::min(batch, count - begin)));
    plans.push_back({.rows = {some.begin(), some.end()}});
    begins.push_back(begin);
  }
  BatchLoader loader(crops, {.norm = options.norm, .pinned = options.device.is_cuda()}, std::move(plans));
  const torch::Tensor black = black_pixel(options.norm, options.device);
  for (const std::int64_t begin : begins) {
    const torch::Tensor images = loader.next().images.to(options.device, /*non_blocking=*/true);
    logits.narrow(0, begin, images.size(0)).copy_(mean_logits(classifier, images, views, black, options.bf16));
  }
  return logits;
}

}  // namespace pleat
