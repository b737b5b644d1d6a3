#include "model/resnet.h"

#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <numeric>
#include <stdexcept>

#include "kernels/norm_relu.h"
#include "model/layers.h"

namespace pleat {
namespace {

namespace nn = torch::nn;

// The shortcut of a block that halves the map or widens it.
enum class Shortcut {
  kProjection,  // option B: 1x1 convolution and BatchNorm
  kZeroPad,     // option A: every second pixel, new channels are zero
};

struct ResNetForm {
  std::vector<int> widths;  // channels of each stage; all but the first halve the map
  std::vector<int> blocks;  // of each stage
  bool bottleneck = false;
  Shortcut shortcut = Shortcut::kProjection;
};

ResNetForm form_of(int layers) {
  switch (layers) {
    case 18:
      return {.widths = {64, 128, 256, 512}, .blocks = {2, 2, 2, 2}};
    case 34:
      return {.widths = {64, 128, 256, 512}, .blocks = {3, 4, 6, 3}};
    case 50:
      return {.widths = {64, 128, 256, 512}, .blocks = {3, 4, 6, 3}, .bottleneck = true};
    case 20:
      return {.widths = {16, 32, 64}, .blocks = {3, 3, 3}, .shortcut = Shortcut::kZeroPad};
    default:
      throw std::invalid_argument(fmt::format("no ResNet of {} layers", layers));
  }
}

nn::Conv2d conv(int in, int out, int kernel, int stride) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

// out += x, where out has half the pixels each way and more channels: every second pixel goes to the middle channels.
// One pass forward and one backward, in out's memory format. Slices and padding would copy three times and return a
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

// Common to all blocks: a shortcut, and a probability that training uses only the shortcut.
class Block : public nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& x) = 0;
  virtual nn::BatchNorm2d last_norm() const = 0;  // of the branch

 protected:
  explicit Block(double skip) : skip_(skip) {}

  // Called last, so that the names come in torchvision's order.
  void make_shortcut(int in, int out, int stride, Shortcut kind) {
    if (stride == 1 && in == out) return;
    if (kind == Shortcut::kZeroPad) {
      subsamples_ = true;
      return;
    }
    projection_ = conv(in, out, 1, stride);
    projection_norm_ = nn::BatchNorm2d(out);
    register_module("downsample", nn::Sequential(projection_, projection_norm_));
  }

  // relu(norm(branch) + shortcut of x)
  torch::Tensor join(nn::BatchNorm2d& norm, const torch::Tensor& branch, const torch::Tensor& x) {
    const bool skips = skip_ > 0 && is_training();
    if (subsamples_) {
      const torch::Tensor out = batch_norm(norm, branch);
      return AddSubsampled::apply(skips ? skip_images(out, skip_) : out, x).relu_();
    }
    const torch::Tensor shortcut = projection_ ? batch_norm(projection_norm_, projection_(x)) : x;
    if (skips) return add_or_skip(shortcut, batch_norm(norm, branch), skip_).relu_();
    return norm_relu(norm, branch, shortcut);
  }

 private:
  double skip_;
  bool subsamples_ = false;
  nn::Conv2d projection_{nullptr};
  nn::BatchNorm2d projection_norm_{nullptr};
};

class BasicBlock : public Block {
 public:
  BasicBlock(int in, int out, int stride, Shortcut shortcut, double skip)
      : Block(skip),
        conv1_(register_module("conv1", conv(in, out, 3, stride))),
        bn1_(register_module("bn1", nn::BatchNorm2d(out))),
        conv2_(register_module("conv2", conv(out, out, 3, 1))),
        bn2_(register_module("bn2", nn::BatchNorm2d(out))) {
    make_shortcut(in, out, stride, shortcut);
  }

  torch::Tensor forward(const torch::Tensor& x) override { return join(bn2_, conv2_(norm_relu(bn1_, conv1_(x))), x); }
  nn::BatchNorm2d last_norm() const override { return bn2_; }

 private:
  nn::Conv2d conv1_;
  nn::BatchNorm2d bn1_;
  nn::Conv2d conv2_;
  nn::BatchNorm2d bn2_;
};

class Bottleneck : public Block {
 public:
  static constexpr int kExpansion = 4;

  Bottleneck(int in, int width, int stride, Shortcut shortcut, double skip)
      : Block(skip),
        conv1_(register_module("conv1", conv(in, width, 1, 1))),
        bn1_(register_module("bn1", nn::BatchNorm2d(width))),
        conv2_(register_module("conv2", conv(width, width, 3, stride))),
        bn2_(register_module("bn2", nn::BatchNorm2d(width))),
        conv3_(register_module("conv3", conv(width, kExpansion * width, 1, 1))),
        bn3_(register_module("bn3", nn::BatchNorm2d(kExpansion * width))) {
    make_shortcut(in, kExpansion * width, stride, shortcut);
  }

  torch::Tensor forward(const torch::Tensor& x) override {
    return join(bn3_, conv3_(norm_relu(bn2_, conv2_(norm_relu(bn1_, conv1_(x))))), x);
  }
  nn::BatchNorm2d last_norm() const override { return bn3_; }

 private:
  nn::Conv2d conv1_;
  nn::BatchNorm2d bn1_;
  nn::Conv2d conv2_;
  nn::BatchNorm2d bn2_;
  nn::Conv2d conv3_;
  nn::BatchNorm2d bn3_;
};

std::shared_ptr<Block> make_block(const ResNetForm& form, int in, int width, int stride, double skip) {
  if (form.bottleneck) return std::make_shared<Bottleneck>(in, width, stride, form.shortcut, skip);
  return std::make_shared<BasicBlock>(in, width, stride, form.shortcut, skip);
}

class ResNet : public Classifier {
 public:
  ResNet(const ResNetForm& form, const ModelConfig& config, const ClassifierShape& shape)
      : imagenet_stem_(config.stem == "imagenet"),
        dropout_(config.dropout.value.value()),
        conv1_(register_module("conv1", imagenet_stem_ ? conv(shape.channels, form.widths[0], 7, 2)
                                                       : conv(shape.channels, form.widths[0], 3, 1))),
        bn1_(register_module("bn1", nn::BatchNorm2d(form.widths[0]))) {
    const auto all = static_cast<std::size_t>(std::reduce(form.blocks.begin(), form.blocks.end()));
    int in = form.widths[0];
    for (std::size_t stage = 0; stage < form.widths.size(); ++stage) {
      const int width = form.widths[stage];
      auto layer = register_module(fmt::format("layer{}", stage + 1), nn::ModuleList());
      for (int i = 0; i < form.blocks[stage]; ++i) {
        const double skip = skip_probability(config.stochastic_depth.value.value(), blocks_.size(), all);
        blocks_.push_back(make_block(form, in, width, stage > 0 && i == 0 ? 2 : 1, skip));
        layer->push_back(blocks_.back());
        in = form.bottleneck ? Bottleneck::kExpansion * width : width;
      }
    }
    fc_ = register_module("fc", nn::Linear(in, shape.classes));
    draw_weights();
    if (!config.zero_last_norm) return;
    for (const auto& block : blocks_) nn::init::zeros_(block->last_norm()->weight);
  }

  torch::Tensor forward(const torch::Tensor& images) override {
    torch::Tensor x = norm_relu(bn1_, conv1_(images));
    if (imagenet_stem_) x = torch::max_pool2d(x, 3, 2, 1);
    for (const auto& block : blocks_) x = block->forward(x);
    x = x.mean({2, 3});
    return fc_(dropout_ > 0 ? torch::dropout(x, dropout_, is_training()) : x);
  }

  std::vector<std::string> product_weights() const override { return matrices_of(*this); }
  std::vector<std::string> head_parameters() const override { return {"fc.weight", "fc.bias"}; }

 private:
  // Draws the convolutions' weights. BatchNorm starts at 1 and 0, and Linear keeps torch's own initial weights.
  void draw_weights() {
    apply([](nn::Module& module) {
      if (auto* layer = module.as<nn::Conv2d>())
        nn::init::kaiming_normal_(layer->weight, 0, torch::kFanOut, torch::kReLU);
    });
  }

  bool imagenet_stem_;
  double dropout_;
  nn::Conv2d conv1_;
  nn::BatchNorm2d bn1_;
  std::vector<std::shared_ptr<Block>> blocks_;
  nn::Linear fc_{nullptr};
};

}  // namespace

std::shared_ptr<Classifier> make_resnet(int layers, const ModelConfig& config, const ClassifierShape& shape) {
  return std::make_shared<ResNet>(form_of(layers), config, shape);
}

}  // namespace pleat
