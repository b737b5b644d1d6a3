#include "model/resnet.h"

#include <gmock/gmock.h>
#include <torch/autograd.h>
#include <torch/nn/modules/conv.h>
#include <torch/utils.h>

#include <cmath>

#include "base/error.h"
#include "model/network_checks.h"

namespace pleat {
namespace {

using ResNet = NetworkTest;

std::shared_ptr<Classifier> make(const std::string& name, const std::string& stem, ClassifierShape shape) {
  return make_classifier({.name = name, .stem = stem}, shape, kInit);
}

torch::Tensor weight(const Classifier& net, const std::string& name) { return net.named_parameters()[name]; }

TEST_F(ResNet, HasAsManyParametersAsThePaperSays) {
  EXPECT_EQ(parameter_count(*make("resnet18", "auto", {3, 1000})), 11'689'512);
  EXPECT_EQ(parameter_count(*make("resnet34", "auto", {3, 1000})), 21'797'672);
  EXPECT_EQ(parameter_count(*make("resnet50", "auto", {3, 1000})), 25'557'032);
  EXPECT_EQ(parameter_count(*make("resnet20", "auto", {3, 10})), 269'722);
}

TEST_F(ResNet, TheStemIsAsAskedAndAutoFitsTheNetwork) {
  EXPECT_EQ(weight(*make("resnet18", "auto", {3, 4}), "conv1.weight").sizes(),
            (std::vector<std::int64_t>{64, 3, 7, 7}));
  EXPECT_EQ(weight(*make("resnet18", "imagenet", {1, 4}), "conv1.weight").sizes(),
            (std::vector<std::int64_t>{64, 1, 7, 7}));
  EXPECT_EQ(weight(*make("resnet18", "small", {1, 4}), "conv1.weight").sizes(),
            (std::vector<std::int64_t>{64, 1, 3, 3}));
  EXPECT_EQ(weight(*make("resnet20", "small", {1, 4}), "conv1.weight").sizes(),
            (std::vector<std::int64_t>{16, 1, 3, 3}));
  EXPECT_EQ(weight(*make("resnet50", "small", {1, 4}), "conv1.weight").sizes(),
            (std::vector<std::int64_t>{64, 1, 3, 3}));
  EXPECT_THROW(make("resnet20", "imagenet", {3, 4}), UsageError);
  EXPECT_EQ(resolve_stem({.name = "resnet20"}), "small");
  EXPECT_EQ(resolve_stem({.name = "resnet18"}), "imagenet");
  EXPECT_EQ(resolve_stem({.name = "resnet18", .stem = "small"}), "small");
}

TEST_F(ResNet, TakesImagesOfAnySizeInEitherMemoryFormat) {
  for (const char* name : {"resnet18", "resnet20", "resnet50"}) {
    for (const char* stem : {"auto", "small"}) {
      const auto net = make(name, stem, {3, 5});
      net->eval();
      const torch::NoGradGuard no_grad;
      for (const auto& [height, width] : {std::pair{32, 32}, {33, 47}, {1, 1}, {28, 20}}) {
        const auto images = torch::randn({2, 3, height, width});
        const auto logits = net->forward(images);
        EXPECT_EQ(logits.sizes(), (std::vector<std::int64_t>{2, 5}));
        const auto channels_last = net->forward(images.contiguous(at::MemoryFormat::ChannelsLast));
        EXPECT_TRUE(torch::allclose(logits, channels_last, 1e-4, 1e-5)) << name << " " << height << "x" << width;
      }
    }
  }
}

TEST_F(ResNet, StartsFromTheWeightsOfTorchvisionsRecipe) {
  const auto net = make("resnet18", "auto", {3, 1000});
  // kaiming_normal, fan_out: a standard deviation of sqrt(2 / (out channels x kernel area)).
  for (const auto& [name, fan_out] : {std::pair{"layer4.1.conv2.weight", 512 * 9},
                                      {"layer2.0.downsample.0.weight", 128},
                                      {"conv1.weight", 64 * 49}}) {
    const double expected = std::sqrt(2.0 / fan_out);
    const auto values = weight(*net, name);
    EXPECT_NEAR(values.std().item<double>(), expected, 0.03 * expected) << name;
    EXPECT_NEAR(values.mean().item<double>(), 0.0, 0.05 * expected) << name;
  }
  EXPECT_TRUE(weight(*net, "layer1.0.bn2.weight").eq(1).all().item<bool>());
  EXPECT_TRUE(weight(*net, "layer1.0.bn2.bias").eq(0).all().item<bool>());
  const double bound = 1.0 / std::sqrt(512.0);
  EXPECT_NEAR(weight(*net, "fc.weight").abs().max().item<double>(), bound, 0.001 * bound);
}

TEST_F(ResNet, TheStrideOfABottleneckIsInThe3x3) {
  const auto net = make("resnet50", "auto", {3, 4});
  for (const auto& module : net->named_modules()) {
    const auto* conv = module.value()->as<torch::nn::Conv2dImpl>();
    if (conv == nullptr || conv->options.stride()->front() == 1) continue;
    EXPECT_TRUE(conv->options.kernel_size()->front() > 1 || module.key().ends_with("downsample.0")) << module.key();
  }
}

TEST_F(ResNet, NamesTheWeightsThatEnterProductsAndThoseOfTheLastLayer) {
  for (const char* name : {"resnet18", "resnet50", "resnet20"}) {
    const auto net = make(name, "auto", {3, 4});
    expect_names_of_parameters(*net);
    EXPECT_THAT(net->head_parameters(), testing::ElementsAre("fc.weight", "fc.bias"));
    EXPECT_THAT(net->product_weights(), testing::Contains("fc.weight"));
  }
}

TEST_F(ResNet, DrawsNothingInTrainingUnlessAsked) {
  for (const char* name : {"resnet18", "resnet20"}) {
    const auto net = make(name, "auto", {3, 4});
    const auto images = torch::randn({4, 3, 16, 16});
    EXPECT_TRUE(torch::equal(logits_after_seed(*net, images, 1), logits_after_seed(*net, images, 2)));
    torch::manual_seed(1);
    const auto expected = torch::rand({1});
    torch::manual_seed(1);
    net->forward(images);
    EXPECT_TRUE(torch::equal(torch::rand({1}), expected));
  }
}

TEST_F(ResNet, DropoutAndStochasticDepthDropInTrainingAlone) {
  for (const char* name : {"resnet18", "resnet50", "resnet20"}) {
    expect_drops_in_training_alone({.name = name, .dropout = {0.5}});
    expect_drops_in_training_alone({.name = name, .stochastic_depth = {0.5}});
  }
}

// The shortcut in its plain form, to compare with the one-pass form that the network uses.
TEST_F(ResNet, Resnet20sShortcutIsEverySecondPixelAndZeroChannels) {
  const auto net = make("resnet20", "auto", {3, 4});
  net->eval();
  auto images = torch::randn({2, 3, 9, 7}, torch::requires_grad());
  const auto state = state_of(*net);
  const auto value = [&](const std::string& name) {
    for (const auto& [each, tensor] : state) {
      if (each == name) return tensor;
    }
    throw std::out_of_range(name);
  };
  const auto layer = [&](const std::string& block, const char* index, const torch::Tensor& x, int stride) {
    const auto y = torch::conv2d(x, value(block + "conv" + index + ".weight"), {}, stride, 1);
    const std::string bn = block + "bn" + index;
    return torch::batch_norm(y, value(bn + ".weight"), value(bn + ".bias"), value(bn + ".running_mean"),
                             value(bn + ".running_var"), false, 0.1, 1e-5, false);
  };
  auto x = torch::relu(layer("", "1", images, 1));
  for (const char* block : {"layer1.0.", "layer1.1.", "layer1.2.", "layer2.0.", "layer2.1.", "layer2.2.", "layer3.0.",
                            "layer3.1.", "layer3.2."}) {
    const auto conv = value(std::string(block) + "conv1.weight");
    const auto added = conv.size(0) - conv.size(1);
    const auto y = layer(block, "2", torch::relu(layer(block, "1", x, added > 0 ? 2 : 1)), 1);
    const auto pixels = added > 0 ? x.slice(2, 0, std::nullopt, 2).slice(3, 0, std::nullopt, 2) : x;
    x = torch::relu(y + torch::constant_pad_nd(pixels, {0, 0, 0, 0, added / 2, added / 2}));
  }
  const auto plain = torch::linear(x.mean({2, 3}), value("fc.weight"), value("fc.bias"));
  const auto logits = net->forward(images);
  EXPECT_TRUE(torch::allclose(logits, plain, 1e-5, 1e-5));
  const auto gradient = torch::autograd::grad({logits.square().sum()}, {images}).front();
  const auto expected = torch::autograd::grad({plain.square().sum()}, {images}).front();
  EXPECT_TRUE(torch::allclose(gradient, expected, 1e-4, 1e-5));
}

TEST_F(ResNet, BlocksStartAsTheirShortcutsIfAsked) {
  for (const char* name : {"resnet18", "resnet50", "efficientnet_b0"}) {
    const auto asked = make_classifier({.name = name, .zero_last_norm = true}, {3, 4}, kInit);
    const auto usual = make_classifier({.name = name}, {3, 4}, kInit);
    int zeros = 0;
    for (const auto& item : asked->named_parameters()) {
      const torch::Tensor other = weight(*usual, item.key());
      if (torch::equal(item.value(), other)) continue;
      EXPECT_TRUE(item.value().dim() == 1 && item.value().eq(0).all().item<bool>() && other.eq(1).all().item<bool>());
      ++zeros;
    }
    EXPECT_EQ(zeros, std::string(name) == "resnet18" ? 8 : std::string(name) == "resnet50" ? 16 : 9) << name;
  }
}

}  // namespace
}  // namespace pleat
