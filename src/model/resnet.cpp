#include "model/resnet.h"

#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "base/error.h"
#include "model/norm_relu.h"

namespace pleat {
namespace {

namespace nn = torch::nn;

// How a block's input reaches its sum where the block halves the map or widens it.
enum class Shortcut {
  kProjection,  // option B: 1x1 convolution and BatchNorm
  kZeroPad,     // option A: every second pixel, new channels are zero
};

struct ResNetForm {
  std::vector<int> widths;  // channels of each stage; all but the first halve the map
  int blocks_per_stage;
  bool imagenet_stem;
  Shortcut shortcut;
};

nn::Conv2d conv(int in, int out, int kernel, int stride) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

// out += x, where out has half the pixels each way and more channels: every second pixel goes to the middle channels.
// One pass forward and one back, in out's memory format; slices and padding would copy three times and hand back a
// gradient in another format, which slows the layers below.
class AddSubsampled : public torch::autograd::Function<AddSubsampled> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, torch::Tensor out, const torch::Tensor& x) {
    context->mark_dirty({out});
    context->saved_data["shape"] = x.sizes();
    middle(out, x.size(1)).add_(every_second(x));
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const torch::Tensor& of_out = gradients.front();
    const auto shape = context->saved_data["shape"].toIntVector();
    torch::Tensor of_x = torch::empty(shape, of_out.options(), of_out.suggest_memory_format()).zero_();
    every_second(of_x).copy_(middle(of_out, shape[1]));
    return {of_out, of_x};
  }

 private:
  static torch::Tensor middle(const torch::Tensor& out, std::int64_t channels) {
    return out.narrow(1, (out.size(1) - channels) / 2, channels);
  }
  static torch::Tensor every_second(const torch::Tensor& x) {
    return x.slice(2, 0, std::nullopt, 2).slice(3, 0, std::nullopt, 2);
  }
};

class BasicBlock : public nn::Module {
 public:
  BasicBlock(int in, int out, int stride, Shortcut shortcut)
      : subsamples_(shortcut == Shortcut::kZeroPad && stride == 2),
        conv1_(register_module("conv1", conv(in, out, 3, stride))),
        bn1_(register_module("bn1", nn::BatchNorm2d(out))),
        conv2_(register_module("conv2", conv(out, out, 3, 1))),
        bn2_(register_module("bn2", nn::BatchNorm2d(out))) {
    if (shortcut == Shortcut::kProjection && (stride != 1 || in != out)) {
      projection_ = conv(in, out, 1, stride);
      projection_norm_ = nn::BatchNorm2d(out);
      register_module("downsample", nn::Sequential(projection_, projection_norm_));
    }
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor out = conv2_(norm_relu(bn1_, conv1_(x)));
    if (subsamples_) return AddSubsampled::apply(batch_norm(bn2_, out), x).relu_();
    return norm_relu(bn2_, out, projection_ ? batch_norm(projection_norm_, projection_(x)) : x);
  }

 private:
  bool subsamples_;
  nn::Conv2d conv1_;
  nn::BatchNorm2d bn1_;
  nn::Conv2d conv2_;
  nn::BatchNorm2d bn2_;
  nn::Conv2d projection_{nullptr};
  nn::BatchNorm2d projection_norm_{nullptr};
};

class ResNet : public Classifier {
 public:
  ResNet(const ResNetForm& form, const ClassifierShape& shape)
      : max_pool_(form.imagenet_stem),
        conv1_(register_module("conv1", form.imagenet_stem ? conv(shape.channels, form.widths[0], 7, 2)
                                                           : conv(shape.channels, form.widths[0], 3, 1))),
        bn1_(register_module("bn1", nn::BatchNorm2d(form.widths[0]))) {
    int in = form.widths[0];
    for (std::size_t stage = 0; stage < form.widths.size(); ++stage) {
      auto layer = register_module(fmt::format("layer{}", stage + 1), nn::ModuleList());
      for (int i = 0; i < form.blocks_per_stage; ++i) {
        const int stride = stage > 0 && i == 0 ? 2 : 1;
        blocks_.push_back(std::make_shared<BasicBlock>(in, form.widths[stage], stride, form.shortcut));
        layer->push_back(blocks_.back());
        in = form.widths[stage];
      }
    }
    fc_ = register_module("fc", nn::Linear(in, shape.classes));
    draw_weights();
  }

  torch::Tensor forward(const torch::Tensor& images) override {
    torch::Tensor x = norm_relu(bn1_, conv1_(images));
    if (max_pool_) x = torch::max_pool2d(x, 3, 2, 1);
    for (const auto& block : blocks_) x = block->forward(x);
    return fc_(x.mean({2, 3}));
  }

  // All but BatchNorm's and the biases.
  std::vector<std::string> product_weights() const override {
    std::vector<std::string> names;
    for (const auto& item : named_parameters()) {
      if (item.value().dim() > 1) names.push_back(item.key());
    }
    return names;
  }

 private:
  // What torch does not give by itself: BatchNorm starts at 1 and 0 and Linear with torch's own numbers.
  void draw_weights() {
    apply([](nn::Module& module) {
      if (auto* layer = module.as<nn::Conv2d>())
        nn::init::kaiming_normal_(layer->weight, 0, torch::kFanOut, torch::kReLU);
    });
  }

  bool max_pool_;
  nn::Conv2d conv1_;
  nn::BatchNorm2d bn1_;
  std::vector<std::shared_ptr<BasicBlock>> blocks_;
  nn::Linear fc_{nullptr};
};

}  // namespace

std::shared_ptr<Classifier> make_resnet18(const ModelConfig& config, const ClassifierShape& shape) {
  return std::make_shared<ResNet>(ResNetForm{.widths = {64, 128, 256, 512},
                                             .blocks_per_stage = 2,
                                             .imagenet_stem = config.stem == "imagenet",
                                             .shortcut = Shortcut::kProjection},
                                  shape);
}

std::shared_ptr<Classifier> make_resnet20(const ModelConfig&, const ClassifierShape& shape) {
  return std::make_shared<ResNet>(
      ResNetForm{.widths = {16, 32, 64}, .blocks_per_stage = 3, .imagenet_stem = false, .shortcut = Shortcut::kZeroPad},
      shape);
}

}  // namespace pleat
