#include "model/efficientnet.h"

#include <torch/nn/init.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/excitation.h"
#include "kernels/norm_relu.h"
#include "model/layers.h"

namespace pleat {
namespace {

namespace nn = torch::nn;
using torch::Tensor;

struct Scale {
  double width, depth;
};
constexpr std::array<Scale, 5> kScales{{{1.0, 1.0}, {1.0, 1.1}, {1.1, 1.2}, {1.2, 1.4}, {1.4, 1.8}}};

// Equal blocks in a row; only the first has the stride and changes the width.
struct Stage {
  int expansion, kernel, stride, width, blocks;
};
// B0's stages: table 1 of the paper.
constexpr int kStemWidth = 32;
constexpr std::array<Stage, 7> kStages{{{1, 3, 1, 16, 1},
                                        {6, 3, 2, 24, 2},
                                        {6, 5, 2, 40, 2},
                                        {6, 3, 2, 80, 3},
                                        {6, 5, 1, 112, 3},
                                        {6, 5, 2, 192, 4},
                                        {6, 3, 1, 320, 1}}};

// Rounds to a multiple of 8, and never down by more than 10 %.
int scaled_width(int width, const Scale& scale) {
  const double exact = width * scale.width;
  const int near = std::max(8, static_cast<int>(exact + 4) / 8 * 8);
  return near < 0.9 * exact ? near + 8 : near;
}

int scaled_depth(int blocks, const Scale& scale) { return static_cast<int>(std::ceil(blocks * scale.depth)); }

// Convolution and BatchNorm; the caller adds the activation.
struct ConvNormImpl : nn::Module {
  ConvNormImpl(int in, int out, int kernel, int stride, int groups = 1)
      : conv(register_module(
            "0",
            nn::Conv2d(
                nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).groups(groups).bias(false)))),
        norm(register_module("1", nn::BatchNorm2d(out))) {}

  Tensor forward_silu(const Tensor& x) { return norm_silu(norm, conv(x)); }

  nn::Conv2d conv;
  nn::BatchNorm2d norm;
};
TORCH_MODULE(ConvNorm);

struct ExcitationImpl : nn::Module {
  ExcitationImpl(int channels, int squeezed)
      : fc1(register_module("fc1", nn::Conv2d(channels, squeezed, 1))),
        fc2(register_module("fc2", nn::Conv2d(squeezed, channels, 1))) {}

  Tensor forward(const Tensor& x) {
    return excite(
        x, [this](const Tensor& means) { return torch::sigmoid(product(fc2, torch::silu(product(fc1, means)))); });
  }

  // A 1x1 convolution of a single pixel is a matrix product, which costs less to set up.
  static Tensor product(const nn::Conv2d& layer, const Tensor& rows) {
    return torch::linear(rows, layer->weight.flatten(1), layer->bias);
  }

  nn::Conv2d fc1, fc2;
};
TORCH_MODULE(Excitation);

class MBConv : public nn::Module {
 public:
  MBConv(int in, int out, const Stage& stage, int stride, double skip)
      : adds_input_(stride == 1 && in == out), skip_(skip) {
    const int wide = in * stage.expansion;
    auto block = register_module("block", nn::ModuleList());
    if (wide != in) {
      expand_ = ConvNorm(in, wide, 1, 1);
      block->push_back(expand_);
    }
    depthwise_ = ConvNorm(wide, wide, stage.kernel, stride, wide);
    excitation_ = Excitation(wide, std::max(1, in / 4));
    project_ = ConvNorm(wide, out, 1, 1);
    block->push_back(depthwise_);
    block->push_back(excitation_);
    block->push_back(project_);
  }

  Tensor forward(const Tensor& x) {
    Tensor out = depthwise_->forward_silu(expand_ ? expand_->forward_silu(x) : x);
    out = project_->conv(excitation_(out));
    if (!adds_input_) return batch_norm(project_->norm, out);
    if (skip_ > 0 && is_training()) return add_or_skip(x, batch_norm(project_->norm, out), skip_);
    return batch_norm(project_->norm, out, x);
  }

  // Only where there is a shortcut; elsewhere nothing would be left.
  void start_as_shortcut() {
    if (adds_input_) nn::init::zeros_(project_->norm->weight);
  }

 private:
  bool adds_input_;
  double skip_;
  ConvNorm expand_{nullptr}, depthwise_{nullptr};
  Excitation excitation_{nullptr};
  ConvNorm project_{nullptr};
};

class EfficientNet : public Classifier {
 public:
  EfficientNet(const Scale& scale, const ModelConfig& config, const ClassifierShape& shape)
      : features_(register_module("features", nn::ModuleList())) {
    int width = scaled_width(kStemWidth, scale);
    stem_ = ConvNorm(shape.channels, width, 3, config.stem == "imagenet" ? 2 : 1);
    features_->push_back(stem_);
    std::size_t all = 0;
    for (const Stage& stage : kStages) all += static_cast<std::size_t>(scaled_depth(stage.blocks, scale));
    for (const Stage& stage : kStages) {
      nn::ModuleList blocks;
      const int out = scaled_width(stage.width, scale);
      for (int i = 0; i < scaled_depth(stage.blocks, scale); ++i) {
        const double skip = skip_probability(config.stochastic_depth.value.value(), blocks_.size(), all);
        blocks_.push_back(std::make_shared<MBConv>(width, out, stage, i == 0 ? stage.stride : 1, skip));
        blocks->push_back(blocks_.back());
        width = out;
      }
      features_->push_back(blocks);
    }
    last_ = ConvNorm(width, 4 * width, 1, 1);
    features_->push_back(last_);
    dropout_ = nn::Dropout(config.dropout.value.value());
    fc_ = nn::Linear(4 * width, shape.classes);
    const auto classifier = register_module("classifier", nn::ModuleList());
    classifier->push_back(dropout_);
    classifier->push_back(fc_);
    draw_weights();
    if (!config.zero_last_norm) return;
    for (const auto& block : blocks_) block->start_as_shortcut();
  }

  Tensor forward(const Tensor& images) override {
    Tensor x = stem_->forward_silu(images);
    for (const auto& block : blocks_) x = block->forward(x);
    return fc_(dropout_(last_->forward_silu(x).mean({2, 3})));
  }

  std::vector<std::string> product_weights() const override { return matrices_of(*this); }
  std::vector<std::string> head_parameters() const override { return {"classifier.1.weight", "classifier.1.bias"}; }

 private:
  // Draws the initial weights, except BatchNorm's, which torch sets to 1 and 0.
  void draw_weights() {
    apply([](nn::Module& module) {
      if (auto* conv = module.as<nn::Conv2d>()) {
        // As in torchvision, which counts a depthwise layer's fan over all channels, as if it were dense.
        nn::init::kaiming_normal_(conv->weight, 0, torch::kFanOut, torch::kLeakyReLU);
        if (conv->bias.defined()) nn::init::zeros_(conv->bias);
      } else if (auto* linear = module.as<nn::Linear>()) {
        // Scaled by the number of inputs. Torchvision scales by the outputs, for 1000 classes: with few outputs, logits
        // start around 9, and the loss takes epochs to fall to that of guessing.
        const double bound = 1.0 / std::sqrt(static_cast<double>(linear->weight.size(1)));
        nn::init::uniform_(linear->weight, -bound, bound);
        nn::init::zeros_(linear->bias);
      }
    });
  }

  nn::ModuleList features_;
  ConvNorm stem_{nullptr}, last_{nullptr};
  std::vector<std::shared_ptr<MBConv>> blocks_;
  nn::Dropout dropout_{nullptr};
  nn::Linear fc_{nullptr};
};

}  // namespace

std::shared_ptr<Classifier> make_efficientnet(int size, const ModelConfig& config, const ClassifierShape& shape) {
  return std::make_shared<EfficientNet>(kScales.at(static_cast<std::size_t>(size)), config, shape);
}

}  // namespace pleat
