#include "model/efficientnet.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <torch/autograd.h>
#include <torch/utils.h>

#include <cmath>

#include "base/error.h"
#include "kernels/excitation.h"
#include "model/layers.h"
#include "model/network_checks.h"

namespace pleat {
namespace {

using EfficientNet = NetworkTest;

using testing::ElementsAre;

const ModelConfig kB0{.name = "efficientnet_b0"};

// Drops nothing in training.
ModelConfig whole(const std::string& name, const std::string& stem = "auto") {
  return {.name = name, .stem = stem, .dropout = {0.0}, .stochastic_depth = {0.0}};
}

torch::Tensor weight(const Classifier& net, const std::string& name) { return net.named_parameters()[name]; }

TEST_F(EfficientNet, HasAsManyParametersAsTorchvisions) {
  const std::pair<const char*, std::int64_t> sizes[] = {{"efficientnet_b0", 5'288'548},
                                                        {"efficientnet_b1", 7'794'184},
                                                        {"efficientnet_b2", 9'109'994},
                                                        {"efficientnet_b3", 12'233'232},
                                                        {"efficientnet_b4", 19'341'616}};
  for (const auto& [name, count] : sizes) {
    EXPECT_EQ(parameter_count(*make_classifier({.name = name}, {3, 1000}, kInit)), count) << name;
  }
}

TEST_F(EfficientNet, ItsNamesAreTorchvisionsInOrder) {
  std::vector<std::string> names;
  for (const auto& item : make_classifier(kB0, {1, 4}, kInit)->named_parameters()) names.push_back(item.key());
  EXPECT_THAT(names, testing::IsSupersetOf({"features.1.0.block.0.0.weight", "features.8.1.bias"}));
  names.resize(8);
  EXPECT_THAT(names, ElementsAre("features.0.0.weight", "features.0.1.weight", "features.0.1.bias",
                                 "features.1.0.block.0.0.weight", "features.1.0.block.0.1.weight",
                                 "features.1.0.block.0.1.bias", "features.1.0.block.1.fc1.weight",
                                 "features.1.0.block.1.fc1.bias"));
}

TEST_F(EfficientNet, NamesTheWeightsThatEnterProductsAndThoseOfTheLastLayer) {
  const auto net = make_classifier(kB0, {3, 4}, kInit);
  expect_names_of_parameters(*net);
  EXPECT_THAT(net->head_parameters(), ElementsAre("classifier.1.weight", "classifier.1.bias"));
  EXPECT_THAT(net->product_weights(),
              testing::IsSupersetOf({"features.2.0.block.2.fc1.weight", "classifier.1.weight"}));
}

TEST_F(EfficientNet, TheSmallStemSeesEveryPixelAndHasTheSameWeights) {
  const auto halving = make_classifier(whole("efficientnet_b0"), {3, 4}, kInit);
  const auto small = make_classifier(whole("efficientnet_b0", "small"), {3, 4}, kInit);
  EXPECT_NO_THROW(load_state(*small, state_of(*halving), "halving"));
  const auto images = torch::randn({8, 3, 32, 32});
  EXPECT_FALSE(torch::allclose(halving->forward(images), small->forward(images)));
  EXPECT_EQ(resolve_stem(kB0), "imagenet");
  EXPECT_EQ(resolve_stem({.name = "efficientnet_b4", .stem = "small"}), "small");
}

TEST_F(EfficientNet, TakesImagesOfAnySizeInEitherMemoryFormat) {
  for (const char* stem : {"imagenet", "small"}) {
    for (const int channels : {1, 3}) {
      const auto net = make_classifier(whole("efficientnet_b0", stem), {channels, 5}, kInit);
      const torch::NoGradGuard no_grad;
      for (const bool train : {true, false}) {  // training first: it sets the statistics to those of these images
        net->train(train);
        for (const auto& [height, width] : {std::pair{64, 64}, {16, 16}, {33, 47}}) {
          const auto images = torch::randn({8, channels, height, width});
          const auto logits = net->forward(images);
          EXPECT_EQ(logits.sizes(), (std::vector<std::int64_t>{8, 5}));
          const auto rows = net->forward(images.contiguous(at::MemoryFormat::ChannelsLast));
          EXPECT_TRUE(torch::allclose(logits, rows, 1e-3, 1e-4))
              << stem << " " << height << "x" << width << (train ? " train" : "");
        }
      }
    }
  }
}

TEST_F(EfficientNet, StartsFromTheWeightsOfTorchvisionsRecipeButForTheLastLayers) {
  const auto net = make_classifier(kB0, {3, 1000}, kInit);
  // kaiming_normal, fan_out; a depthwise layer's fan is counted over all channels.
  for (const auto& [name, fan_out] : {std::pair{"features.8.0.weight", 1280},
                                      {"features.6.1.block.1.0.weight", 1152 * 25},
                                      {"features.6.1.block.2.fc1.weight", 48}}) {
    const double expected = std::sqrt(2.0 / fan_out);
    EXPECT_NEAR(weight(*net, name).std().item<double>(), expected, 0.03 * expected) << name;
  }
  EXPECT_TRUE(weight(*net, "features.6.1.block.2.fc1.bias").eq(0).all().item<bool>());
  EXPECT_TRUE(weight(*net, "features.6.1.block.3.1.weight").eq(1).all().item<bool>());
  EXPECT_TRUE(weight(*net, "classifier.1.bias").eq(0).all().item<bool>());
  const double bound = 1.0 / std::sqrt(1280.0);  // scaled by the number of inputs
  EXPECT_NEAR(weight(*net, "classifier.1.weight").abs().max().item<double>(), bound, 0.001 * bound);
}

TEST_F(EfficientNet, BeginsWithLogitsOfAnOrdinarySizeHoweverFewThereAre) {
  for (const int classes : {2, 18}) {
    const auto net = make_classifier(kB0, {3, classes}, kInit);
    torch::manual_seed(3);
    EXPECT_LT(net->forward(torch::randn({16, 3, 32, 32})).abs().max().item<double>(), 3.0) << classes;
  }
}

TEST_F(EfficientNet, DropoutAndStochasticDepthDropInTrainingAloneAndByDefault) {
  expect_drops_in_training_alone(kB0);
  expect_drops_in_training_alone({.name = "efficientnet_b0", .dropout = {0.5}, .stochastic_depth = {0.0}});
  expect_drops_in_training_alone({.name = "efficientnet_b0", .dropout = {0.0}, .stochastic_depth = {0.5}});
  const auto net = make_classifier(whole("efficientnet_b0"), {3, 4}, kInit);
  const auto images = torch::randn({8, 3, 32, 32});
  EXPECT_TRUE(torch::equal(logits_after_seed(*net, images, 1), logits_after_seed(*net, images, 2)));
}

TEST_F(EfficientNet, GivesEveryParameterAGradientInTheParametersType) {
  const auto net = make_classifier(kB0, {1, 4}, kInit);
  torch::manual_seed(1);
  net->forward(torch::randn({8, 1, 32, 32}).contiguous(at::MemoryFormat::ChannelsLast)).square().sum().backward();
  for (const auto& item : net->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_TRUE(item.value().grad().isfinite().all().item<bool>()) << item.key();
  }
}

// Other memory than channels_last does not take the fast path.
TEST(Excitation, ItsFastPathIsThePlainOneForwardAndBack) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    for (const auto& [channels, height, width] : {std::tuple{33, 5, 3}, {64, 8, 8}, {7, 1, 1}}) {
      torch::manual_seed(2);
      const auto values = torch::randn({6, channels, height, width}).to(type), of_y = torch::randn_like(values);
      const auto matrix = torch::randn({channels, channels}).to(type);
      const auto pass = [&](const torch::Tensor& given, const torch::Tensor& gradient) {
        const auto x = given.clone().requires_grad_(true),
                   weight = matrix.to(given.scalar_type(), false, true).requires_grad_(true);
        const auto y = excite(x, [&](const auto& means) { return torch::sigmoid(torch::linear(means, weight)); });
        y.backward(gradient);
        return std::vector{y.detach(), x.grad(), weight.grad()};
      };
      const auto fast = pass(values.contiguous(at::MemoryFormat::ChannelsLast), of_y);
      const auto plain = pass(values.to(at::kDouble), of_y.to(at::kDouble));
      EXPECT_TRUE(fast[1].is_contiguous(at::MemoryFormat::ChannelsLast));
      for (std::size_t i = 0; i < fast.size(); ++i) {
        const auto difference = (fast[i].to(at::kDouble) - plain[i]).abs().max() / plain[i].abs().max();
        EXPECT_LT(difference.item<double>(), type == at::kFloat ? 1e-5 : 2e-2) << i;
      }
    }
  }
}

TEST(Excitation, IsTheSameForAnyNumberOfThreads) {
  torch::manual_seed(4);
  const auto values = torch::randn({9, 20, 7, 5}).contiguous(at::MemoryFormat::ChannelsLast);
  const int before = at::get_num_threads();
  const auto on = [&](int threads) {
    at::set_num_threads(threads);
    const auto x = values.clone().requires_grad_(true);
    excite(x, [](const auto& means) { return torch::sigmoid(means); }).square().sum().backward();
    return x.grad();
  };
  const auto one = on(1), three = on(3);
  at::set_num_threads(before);
  EXPECT_TRUE(torch::equal(one, three));
}

TEST(StochasticDepth, SkipsWholeImagesAndKeepsTheMean) {
  torch::manual_seed(3);
  const auto shortcut = torch::randn({4000, 2, 2, 3}).contiguous(at::MemoryFormat::ChannelsLast);
  const auto branch = torch::ones_like(shortcut).requires_grad_();
  const auto sum = add_or_skip(shortcut, branch, 0.2);
  EXPECT_TRUE(sum.is_contiguous(at::MemoryFormat::ChannelsLast));
  const auto added = (sum - shortcut).detach().flatten(1);
  const auto share = added.mean(1);
  EXPECT_TRUE(torch::allclose(added, share.unsqueeze(1).expand_as(added), 0, 1e-5));
  const auto skipped = share.abs().lt(1e-5), kept = share.sub(1.25).abs().lt(1e-5);
  EXPECT_TRUE(skipped.logical_or(kept).all().item<bool>());
  EXPECT_NEAR(skipped.to(at::kDouble).mean().item<double>(), 0.2, 0.03);
  sum.sum().backward();
  EXPECT_TRUE(torch::allclose(branch.grad().flatten(1), added, 0, 1e-5));
  torch::manual_seed(3);
  torch::randn({4000, 2, 2, 3});
  EXPECT_TRUE(torch::equal(skip_images(branch, 0.2) + shortcut, sum));
}

TEST(StochasticDepth, RisesEvenlyFromNone) {
  EXPECT_EQ(skip_probability(0.2, 0, 16), 0.0);
  EXPECT_DOUBLE_EQ(skip_probability(0.2, 8, 16), 0.1);
  EXPECT_DOUBLE_EQ(skip_probability(0.2, 15, 16), 0.1875);
}

}  // namespace
}  // namespace pleat
