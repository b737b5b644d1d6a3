// Networks out of TorchScript files: their logits, state and training.
#include "model/scripted.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <fmt/format.h>
#include <torch/csrc/jit/serialization/import.h>

#include <functional>

#include "base/files.h"
#include "model/model_files.h"
#include "model/scripted_fixture.h"

namespace pleat {
namespace {

using testing::HasSubstr;

// One step of plain gradient descent; `seed` sets the random draws.
void step(Classifier& net, const torch::Tensor& images, int seed = 1) {
  torch::manual_seed(seed);
  for (const auto& parameter : net.parameters()) torch::Tensor(parameter).mutable_grad().reset();
  net.forward(images).square().sum().backward();
  const torch::NoGradGuard no_grad;
  for (const auto& parameter : net.parameters()) torch::Tensor(parameter).sub_(parameter.grad(), 0.01);
}

TEST_F(ScriptedTest, ComputesWhatTheFileComputes) {
  const auto net = usual();
  torch::jit::Module script = torch::jit::load(file());
  EXPECT_TRUE(net->is_training());
  for (const bool training : {true, false}) {
    net->train(training);
    script.train(training);
    torch::manual_seed(5);
    const torch::Tensor ours = net->forward(images_);
    torch::manual_seed(5);
    EXPECT_TRUE(torch::allclose(ours, script.forward({images_}).toTensor(), 1e-5, 1e-6)) << training;
  }
  EXPECT_TRUE(torch::equal(net->forward(images_), net->forward(images_))) << "evaluation draws nothing";
  net->train();
  EXPECT_FALSE(torch::equal(net->forward(images_), net->forward(images_))) << "training drops out";
}

TEST_F(ScriptedTest, StateHasTheScriptsNamesAndValues) {
  const torch::jit::Module module = scripted_module(1, 4);
  const auto net = make_classifier(save(module), kShape, {});
  std::vector<std::string> names;
  for (const auto& [name, tensor] : state_of(*net)) names.push_back(name);
  EXPECT_THAT(names, testing::ElementsAre("conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var",
                                          "bn.num_batches_tracked", "fc.weight", "fc.bias"));
  EXPECT_EQ(trained_parameters(*net).size(), 5U);
  EXPECT_EQ(net->buffers().size(), 3U);
  for (const auto& parameter : module.named_parameters())
    EXPECT_TRUE(torch::equal(by_name(state_of(*net)).at(parameter.name), parameter.value)) << parameter.name;
}

TEST_F(ScriptedTest, ASeedChangesNothingAboutTheFirstWeights) {
  const ModelConfig config = save(scripted_module(1, 4));
  EXPECT_EQ(tensors_to_bytes(state_of(*make_classifier(config, kShape, {.seed = 1}))),
            tensors_to_bytes(state_of(*make_classifier(config, kShape, {.seed = 2}))));
}

TEST_F(ScriptedTest, AStepChangesParametersStatisticsAndLogits) {
  const auto net = usual();
  net->eval();
  const torch::Tensor before = net->forward(images_).detach();
  const std::string state = tensors_to_bytes(state_of(*net));
  net->forward(images_);
  EXPECT_EQ(tensors_to_bytes(state_of(*net)), state) << "evaluation leaves the statistics";
  net->train();
  std::map<std::string, torch::Tensor> values;
  for (const auto& [name, tensor] : state_of(*net)) values[name] = tensor.detach().clone();
  step(*net, images_);
  for (const auto& [name, tensor] : state_of(*net)) {
    if (name == "bn.num_batches_tracked") continue;  // torch.batch_norm does not count
    EXPECT_FALSE(torch::equal(tensor, values.at(name))) << name;
  }
  net->eval();
  EXPECT_FALSE(torch::allclose(net->forward(images_), before));
}

TEST_F(ScriptedTest, WhatIsDoneToTheStateTheScriptSees) {
  const auto net = usual();
  net->eval();
  const torch::Tensor before = net->forward(images_).detach();
  for (auto& parameter : net->parameters()) {
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  }
  const torch::Tensor images = images_.contiguous(at::MemoryFormat::ChannelsLast);
  EXPECT_TRUE(torch::allclose(net->forward(images), before, 1e-4, 1e-5));
  {
    const torch::NoGradGuard no_grad;
    torch::Tensor bias = by_name(state_of(*net)).at("fc.bias"), weight = by_name(state_of(*net)).at("conv.weight");
    bias.add_(1);
    EXPECT_TRUE(torch::allclose(net->forward(images), before + 1, 1e-4, 1e-5));
    weight.zero_();
    EXPECT_FALSE(torch::allclose(net->forward(images), before + 1, 1e-4, 1e-5));
  }
}

TEST_F(ScriptedTest, LoadedStateTakesTheNetworkToAnothersPlace) {
  const auto trained = usual(), fresh = make_classifier({.script = file()}, kShape, {});
  step(*trained, images_);
  load_state(*fresh, tensors_from_bytes(tensors_to_bytes(state_of(*trained)), "saved").tensors, "saved");
  step(*trained, images_, 2);
  step(*fresh, images_, 2);
  EXPECT_EQ(tensors_to_bytes(state_of(*trained)), tensors_to_bytes(state_of(*fresh)));

  NamedTensors state = state_of(*trained);
  state.pop_back();
  state.emplace_back("head.bias", torch::zeros({4}));
  try {
    load_state(*fresh, state, "w.safetensors");
    FAIL() << "accepted";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("missing fc.bias"), HasSubstr("extra head.bias")));
  }
}

TEST_F(ScriptedTest, WeightsBesideItReplaceThoseInTheFile) {
  const auto trained = usual();
  step(*trained, images_);
  write_file(folder_ / "w.safetensors", tensors_to_bytes(state_of(*trained)));
  const auto net = make_classifier({.script = file(), .weights = (folder_ / "w.safetensors").string()}, kShape, {});
  EXPECT_EQ(tensors_to_bytes(state_of(*net)), tensors_to_bytes(state_of(*trained)));
}

TEST_F(ScriptedTest, AStepDoesNotDependOnHowManyWentBefore) {
  const auto net = usual();
  const std::string start = tensors_to_bytes(state_of(*net));
  step(*net, images_);
  const std::string after_first = tensors_to_bytes(state_of(*net));
  for (int i = 0; i < 4; ++i) {
    load_state(*net, tensors_from_bytes(start, "start").tensors, "start");
    step(*net, images_);
    EXPECT_EQ(tensors_to_bytes(state_of(*net)), after_first) << "repeat " << i;
  }
}

TEST_F(ScriptedTest, AutocastTreatsItAsItTreatsAnyNetwork) {
  const auto net = usual();
  net->eval();
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const torch::NoGradGuard no_grad;
  const torch::Tensor ours = net->forward(images_);
  const auto state = by_name(state_of(*net));
  torch::Tensor x = torch::conv2d(images_, state.at("conv.weight"), {}, 1, 1);
  x = torch::batch_norm(x, state.at("bn.weight"), state.at("bn.bias"), state.at("bn.running_mean"),
                        state.at("bn.running_var"), false, 0.1, 1e-5, false);
  const torch::Tensor eager = torch::addmm(state.at("fc.bias"), x.relu().mean({2, 3}), state.at("fc.weight").t());
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  EXPECT_EQ(ours.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(torch::equal(ours, eager));
}

TEST_F(ScriptedTest, BuffersThatTheExporterNamesConstantAreNoState) {
  torch::jit::Module module = scripted_module(1, 4, "");
  module.register_buffer("scale", torch::full({}, 3.0));
  module.define(std::string(kUsualForward) + "    * self.scale\n");
  const ModelConfig config = save(module, {{"pleat.json", R"({"source": "timm:tiny", "constants": ["scale"]})"}});
  const auto net = make_classifier(config, kShape, {});
  EXPECT_FALSE(by_name(state_of(*net)).contains("scale"));
  EXPECT_EQ(net->buffers().size(), 3U);
  const auto unnamed = make_classifier(save(module), kShape, {});
  EXPECT_TRUE(by_name(state_of(*unnamed)).contains("scale")) << "nothing is said of it";
}

TEST_F(ScriptedTest, MovesToADeviceWithAllThatItComputesWith) {
  if (!at::globalContext().hasCUDA()) return;  // no device to move to
  torch::jit::Module module = scripted_module(1, 4, "");
  module.register_buffer("scale", torch::full({4}, 3.0));
  module.define(std::string(kUsualForward) + "    * self.scale\n");
  const ModelConfig config = save(module, {{"pleat.json", R"({"source": "timm:tiny", "constants": ["scale"]})"}});
  const auto net = make_classifier(config, kShape, {});
  net->eval();
  const torch::Tensor on_cpu = net->forward(images_);
  net->to(at::kCUDA);
  EXPECT_TRUE(torch::allclose(net->forward(images_.to(at::kCUDA)).cpu(), on_cpu, 1e-3, 1e-3));
}

TEST_F(ScriptedTest, AParameterThatTheLogitsDoNotDependOnIsNotTrained) {
  torch::jit::Module module = scripted_module(1, 4);
  module.register_parameter("unused", torch::ones({2}).set_requires_grad(true), false);
  const auto net = make_classifier(save(module), kShape, {});
  EXPECT_FALSE(by_name(trained_parameters(*net)).contains("unused"));
  EXPECT_TRUE(by_name(state_of(*net)).contains("unused"));
}

TEST_F(ScriptedTest, TheExportersFactsAreRead) {
  const ModelConfig config = save(
      scripted_module(1, 4),
      {{"pleat.json",
        R"({"source": "timm:tiny", "constants": [], "options": "--pretrained tiny.pth", "mean": [0.5], "std": [0.25]})"}});
  const ModelFiles files = hash_files(config);
  EXPECT_THAT(files.mean, testing::ElementsAre(0.5));
  EXPECT_THAT(files.std, testing::ElementsAre(0.25));
  EXPECT_THAT(refusal(config, {.channels = 1, .classes = 7, .height = 8, .width = 9}),
              HasSubstr("timm:tiny --classes 7 --channels 1 --size 8x9 --pretrained tiny.pth --out F"));
  EXPECT_TRUE(hash_files(save(scripted_module(1, 4))).mean.empty());
  for (const char* pixels : {R"("mean": [0.5])", R"("mean": [0.5], "std": [0])", R"("mean": [1.5], "std": [1])"}) {
    save(scripted_module(1, 4),
         {{"pleat.json", fmt::format(R"({{"source": "timm:tiny", "constants": [], {}}})", pixels)}});
    EXPECT_THAT(refusal({.script = file()}), HasSubstr("pleat.json")) << pixels;
  }
}

TEST_F(ScriptedTest, ANameOrStemBesideAScriptIsRefused) {
  ModelConfig config{.script = "folder/my_net.v2.pt"};
  complete_model(config);
  EXPECT_EQ(config.id, "my_net.v2");
  EXPECT_FALSE(config.name.has_value());
  EXPECT_EQ(config.stem, "auto");
  ModelConfig named{.name = "resnet18", .script = "m.pt"}, stemmed{.script = "m.pt", .stem = "small"};
  EXPECT_THROW(complete_model(named), UsageError);
  EXPECT_THROW(complete_model(stemmed), UsageError);
}

TEST_F(ScriptedTest, AFileThatChangesBetweenTwoJobsIsNamed) {
  const ModelConfig config = save(scripted_module(1, 4));
  const ModelFiles files = hash_files(config);
  EXPECT_NO_THROW(require_unchanged(config, files));
  EXPECT_TRUE(files.weights.empty());
  save(scripted_module(1, 4));
  EXPECT_THROW(require_unchanged(config, files), DataError);
}

}  // namespace
}  // namespace pleat
