#include "model/classifier.h"

#include <gmock/gmock.h>
#include <torch/utils.h>

#include "base/error.h"
#include "base/files.h"
#include "model/tensor_file.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

using testing::HasSubstr;

const ModelConfig kSmallNet{.id = "r20", .name = "resnet20"};
const ClassifierShape kShape{.channels = 1, .classes = 4};
const RandomKey kInit{.seed = 5, .purpose = Purpose::kInit};

std::string bytes_of(const Classifier& classifier) { return tensors_to_bytes(state_of(classifier)); }

template <class E, class Function>
std::string message_of(Function function) {
  try {
    function();
  } catch (const E& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

TEST(Classifier, TheSameKeyGivesTheSameWeights) {
  EXPECT_EQ(bytes_of(*make_classifier(kSmallNet, kShape, kInit)), bytes_of(*make_classifier(kSmallNet, kShape, kInit)));
}

TEST(Classifier, AnotherKeyGivesOtherWeights) {
  RandomKey other_fold = kInit;
  other_fold.fold = 1;
  EXPECT_NE(bytes_of(*make_classifier(kSmallNet, kShape, kInit)),
            bytes_of(*make_classifier(kSmallNet, kShape, other_fold)));
}

TEST(Classifier, EarlierUseOfTheGeneratorHasNoInfluence) {
  torch::manual_seed(1);
  const std::string first = bytes_of(*make_classifier(kSmallNet, kShape, kInit));
  torch::manual_seed(2);
  torch::randn({3});  // an odd number of normals: the generator keeps the second of a pair
  torch::rand({17});
  EXPECT_EQ(bytes_of(*make_classifier(kSmallNet, kShape, kInit)), first);
}

TEST(Classifier, TheConfigOffersTheRegisteredNetworksAndNoOther) {
  std::vector<FieldDoc> rows;
  describe_fields<ModelConfig>("", rows);
  for (const auto& row : rows) {
    if (row.key != "name") continue;
    for (const auto& name : classifier_names()) EXPECT_THAT(row.bound, HasSubstr(name));
    EXPECT_THROW(read_fields<ModelConfig>(parse_config("name: resnet21", "f")), UsageError);
  }
  for (const auto& name : classifier_names()) EXPECT_NE(make_classifier({.name = name}, kShape, kInit), nullptr);
}

TEST(Classifier, AnUnknownNameIsAnsweredWithTheNearest) {
  const auto line = message_of<UsageError>([] { make_classifier({.name = "resnet8"}, kShape, kInit); });
  EXPECT_THAT(line, HasSubstr("resnet8"));
  EXPECT_THAT(line, HasSubstr("did you mean 'resnet18'"));
}

TEST(Classifier, WhatANetworkDropsStaysAutoInTheConfigAndIsRefusedBesideAScript) {
  ModelConfig named{.name = "efficientnet_b0"};
  complete_model(named);
  EXPECT_FALSE(named.dropout.value || named.stochastic_depth.value) << "it would be in the job key";
  ModelConfig dropout{.script = "net.pt", .dropout = {0.1}};
  EXPECT_THAT(message_of<UsageError>([&] { complete_model(dropout); }),
              HasSubstr("dropout 0.1 does not go with the script net.pt"));
  ModelConfig depth{.script = "net.pt", .stochastic_depth = {0.0}};
  EXPECT_THAT(message_of<UsageError>([&] { complete_model(depth); }), HasSubstr("stochastic_depth 0"));
}

TEST(Classifier, ChannelsAndClassesThatNoImageHasAreRefused) {
  EXPECT_THROW(make_classifier(kSmallNet, {.channels = 2, .classes = 4}, kInit), UsageError);
  EXPECT_THROW(make_classifier(kSmallNet, {.channels = 3, .classes = 0}, kInit), UsageError);
}

TEST(Classifier, StateIsInTorchvisionsOrderAndIsTheClassifiersOwn) {
  const auto net = make_classifier(kSmallNet, kShape, kInit);
  const NamedTensors state = state_of(*net);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : state) names.push_back(name);
  names.resize(8);
  EXPECT_THAT(names,
              testing::ElementsAre("conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var",
                                   "bn1.num_batches_tracked", "layer1.0.conv1.weight", "layer1.0.bn1.weight"));
  const torch::NoGradGuard no_grad;
  torch::Tensor(state.back().second).fill_(9);
  EXPECT_EQ(net->named_parameters()["fc.bias"][0].item<float>(), 9.0F);
}

TEST(Classifier, LoadedStateGivesTheSameLogitsAndKeepsTheStrides) {
  const auto a = make_classifier(kSmallNet, kShape, kInit);
  const auto b = make_classifier(kSmallNet, kShape, {.seed = 6});
  for (auto& parameter : b->parameters()) {
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  }
  load_state(*b, tensors_from_bytes(bytes_of(*a), "a").tensors, "a");
  EXPECT_EQ(bytes_of(*a), bytes_of(*b));
  EXPECT_TRUE(b->named_parameters()["layer1.0.conv1.weight"].is_contiguous(at::MemoryFormat::ChannelsLast));
  a->eval();
  b->eval();
  const torch::NoGradGuard no_grad;
  const auto images = torch::randn({2, 1, 16, 16});
  EXPECT_TRUE(torch::allclose(a->forward(images), b->forward(images), 1e-4, 1e-5));
}

TEST(Classifier, StateThatDoesNotFitIsListedNameByName) {
  const auto net = make_classifier(kSmallNet, kShape, kInit);
  const std::string before = bytes_of(*net);
  NamedTensors state;
  for (const auto& [name, tensor] : state_of(*net)) {
    if (name == "bn1.bias") continue;
    if (name == "fc.weight") {
      state.emplace_back(name, torch::zeros({10, 64}));
    } else if (name == "conv1.weight") {
      state.emplace_back(name, torch::zeros(tensor.sizes(), at::kLong));
    } else {
      state.emplace_back(name, tensor.detach() + 1);
    }
  }
  state.emplace_back("head.bias", torch::zeros({4}));
  const auto line = message_of<DataError>([&] { load_state(*net, state, "w.safetensors"); });
  for (const char* part : {"w.safetensors", "missing bn1.bias", "extra head.bias",
                           "wrong shape: fc.weight [10, 64] for [4, 64]", "wrong dtype: conv1.weight Long for Float"}) {
    EXPECT_THAT(line, HasSubstr(part));
  }
  EXPECT_EQ(bytes_of(*net), before) << "all or nothing";
}

TEST(Classifier, ALongListOfMisfitsIsCutShort) {
  const auto net = make_classifier(kSmallNet, kShape, kInit);
  const auto line = message_of<DataError>([&] { load_state(*net, {}, "w.safetensors"); });
  EXPECT_THAT(line, HasSubstr("more"));
  EXPECT_LT(line.size(), 500U);
}

TEST(Classifier, StartsFromAWeightsFileIfOneIsGiven) {
  const ScratchFolder folder;
  const auto trained = make_classifier(kSmallNet, kShape, {.seed = 77});
  write_file(folder / "start.safetensors", bytes_of(*trained));
  ModelConfig config = kSmallNet;
  config.weights = (folder / "start.safetensors").string();
  EXPECT_EQ(bytes_of(*make_classifier(config, kShape, kInit)), bytes_of(*trained));
  EXPECT_THAT(message_of<DataError>([&] { make_classifier(config, {.channels = 1, .classes = 7}, kInit); }),
              testing::AllOf(HasSubstr("start.safetensors"), HasSubstr("fc.bias [4] for [7]")));
  config.weights = (folder / "none.safetensors").string();
  EXPECT_THAT(message_of<DataError>([&] { make_classifier(config, kShape, kInit); }), HasSubstr("none.safetensors"));
}

}  // namespace
}  // namespace pleat
