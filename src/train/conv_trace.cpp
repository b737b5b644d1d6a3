#include "train/conv_trace.h"

#include <ATen/ops/zeros.h>

#include <utility>

#include "kernels/fast_conv.h"
#include "train/image_size.h"
#include "train/precision.h"
#include "train/predictor.h"

namespace pleat {

std::set<ConvShape> convolutions_of(const FoldJob& job, const ImageShape& shape) {
  const auto classifier = make_classifier(job.model, classifier_shape(shape, job.outputs()), job.random);
  place_on(*classifier, at::kCPU);
  classifier->train();
  std::set<std::pair<int, int>> sizes;
  for (std::int64_t epoch = 0; epoch < job.train.epochs; ++epoch) {
    const ImageShape size = epoch_image_size(job.train, epoch, shape);
    sizes.emplace(size.height, size.width);
  }
  const torch::NoGradGuard no_grad;
  const ConvRecorder recorder;
  for (const auto& [height, width] : sizes) {
    const auto images = at::zeros({2, shape.channels, height, width}).contiguous(at::MemoryFormat::ChannelsLast);
    forward_logits(*classifier, images, job.train.precision == "bf16");
  }
  return recorder.shapes();
}

}  // namespace pleat
