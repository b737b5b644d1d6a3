#include "train/conv_trace.h"

#include <ATen/ops/zeros.h>

#include "model/fast_conv.h"
#include "train/precision.h"

namespace pleat {

std::set<ConvShape> convolutions_of(const FoldJob& job, const ImageShape& shape) {
  const auto classifier = make_classifier(job.model, {.channels = shape.channels, .classes = job.classes}, job.random);
  place_on(*classifier, at::kCPU);
  classifier->train();
  const torch::NoGradGuard no_grad;
  const ConvRecorder recorder;
  const auto images =
      at::zeros({2, shape.channels, shape.height, shape.width}).contiguous(at::MemoryFormat::ChannelsLast);
  forward_logits(*classifier, images, job.train.precision == "bf16");
  return recorder.shapes();
}

}  // namespace pleat
