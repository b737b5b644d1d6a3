#include "train/precision.h"

#include <ATen/autocast_mode.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <stdexcept>

#include "cluster/failure.h"

namespace pleat {
namespace {

class Autocast {
 public:
  Autocast(c10::DeviceType device, bool on) : device_(device), before_(at::autocast::is_autocast_enabled(device)) {
    at::autocast::set_autocast_enabled(device_, on);
    if (on) at::autocast::set_autocast_dtype(device_, at::kBFloat16);
  }
  ~Autocast() {
    at::autocast::clear_cache();  // the cached casts are stale after the next optimizer step
    at::autocast::set_autocast_enabled(device_, before_);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  c10::DeviceType device_;
  bool before_;
};

}  // namespace

std::string resolve_precision(const std::string& configured, const torch::Device& device, bool cpu_bf16) {
  if (configured != "auto") return configured;
  return device.is_cuda() || cpu_bf16 ? "bf16" : "fp32";
}

torch::Tensor forward_logits(Classifier& classifier, const torch::Tensor& images, bool bf16) {
  torch::Tensor logits;
  try {
    const Autocast autocast(images.device().type(), bf16);
    logits = classifier.forward(images);
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format(
        "the network fails for a batch of {} images of {}x{}x{} (channels, height, width): {}; with a script, export a "
        "network that takes such batches",
        images.size(0), images.size(1), images.size(2), images.size(3), message_of(error)));
  }
  return logits.to(at::kFloat);
}

void place_on(Classifier& classifier, const torch::Device& device) {
  classifier.to(device);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : classifier.parameters()) {
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  }
}

}  // namespace pleat
