#include "train/layer_rates.h"

#include <gmock/gmock.h>

namespace pleat {
namespace {

std::vector<TrainedParameter> named(const std::vector<std::pair<std::string, int>>& names) {
  NamedTensors parameters;
  for (const auto& [name, dims] : names)
    parameters.emplace_back(name, torch::zeros(std::vector<std::int64_t>(std::size_t(dims), 2)));
  return unrounded(parameters);
}

TEST(LayerRates, FallFromTheLastLayerToTheFirstBlockByBlock) {
  const auto parameters = named({{"conv1.weight", 4},
                                 {"bn1.weight", 1},
                                 {"layer1.0.conv1.weight", 4},
                                 {"layer1.0.bn1.weight", 1},
                                 {"layer1.1.conv1.weight", 4},
                                 {"fc.weight", 2},
                                 {"fc.bias", 1}});
  EXPECT_THAT(layer_rates(parameters, 0.5), testing::ElementsAre(0.125, 0.125, 0.25, 0.25, 0.5, 1.0, 1.0));
}

TEST(LayerRates, KnowEfficientNetsStages) {
  const auto parameters = named({{"features.0.0.weight", 4},
                                 {"features.1.0.block.0.0.weight", 4},
                                 {"features.1.1.block.0.0.weight", 4},
                                 {"classifier.1.weight", 2}});
  EXPECT_THAT(layer_rates(parameters, 0.5), testing::ElementsAre(0.25, 0.5, 0.5, 1.0));
}

TEST(ParameterRates, RaiseTheBiasesOfBatchNormAlone) {
  const auto parameters = named(
      {{"conv1.weight", 4}, {"conv1.bias", 1}, {"bn1.weight", 1}, {"bn1.bias", 1}, {"fc.weight", 2}, {"fc.bias", 1}});
  TrainConfig config;
  EXPECT_THAT(parameter_rates(parameters, config), testing::Each(1.0));
  config.norm_bias_rate = 16;
  EXPECT_THAT(parameter_rates(parameters, config), testing::ElementsAre(1.0, 1.0, 1.0, 16.0, 1.0, 1.0));
  config.layer_decay = 0.5;
  EXPECT_THAT(parameter_rates(parameters, config), testing::ElementsAre(0.5, 0.5, 0.5, 8.0, 1.0, 1.0));
}

}  // namespace
}  // namespace pleat
