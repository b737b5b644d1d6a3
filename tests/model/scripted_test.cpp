#include "model/scripted.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <ATen/ops/randn.h>
#include <caffe2/serialize/inline_container.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/utils.h>

#include <functional>
#include <map>

#include "base/error.h"
#include "base/files.h"
#include "model/model_files.h"
#include "model/script_trial.h"
#include "model/scripted_module.h"
#include "model/tensor_file.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const ClassifierShape kShape{.channels = 1, .classes = 4, .height = 8, .width = 8};

class ScriptedTest : public testing::Test {
 protected:
  ScriptedTest() { torch::manual_seed(3); }

  ModelConfig save(const torch::jit::Module& module, const torch::jit::ExtraFilesMap& extra = {}) const {
    module.save(file(), extra);
    return {.script = file()};
  }
  std::shared_ptr<Classifier> usual() const { return make_classifier(save(scripted_module(1, 4)), kShape, {}); }
  std::string file() const { return (folder_ / "net.pt").string(); }

  // Returns the one line that refuses a network.
  std::string refusal(const ModelConfig& config, const ClassifierShape& shape = kShape) const {
    try {
      make_classifier(config, shape, {});
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr("net.pt"), testing::Not(HasSubstr("\n"))));
      EXPECT_LT(std::string(error.what()).size(), 700U);
      return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }

  ScratchFolder folder_;
  torch::Tensor images_ = torch::randn({5, 1, 8, 8});
};

std::map<std::string, torch::Tensor> by_name(const NamedTensors& tensors) { return {tensors.begin(), tensors.end()}; }

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

TEST_F(ScriptedTest, ATrialTellsNetworksThatCannotBeTrusted) {
  const std::string norm =
      "torch.batch_norm(x, self.bn.weight, self.bn.bias, self.bn.running_mean, self.bn.running_var, ";
  const auto forward = [&](const std::string& training, const std::string& dropout, const std::string& last) {
    return "def forward(self, x):\n    x = torch.conv2d(x, self.conv.weight, None, [1, 1], [1, 1])\n    x = " + norm +
           training + ", 0.1, 1e-5, False)\n    x = torch.dropout(torch.relu(x), 0.5, " + dropout +
           ")\n    x = torch.addmm(self.fc.bias, torch.mean(x, [2, 3]), torch.t(self.fc.weight))\n    return " + last +
           "\n";
  };
  const auto trial = [&](const std::string& text) {
    const ModelConfig config = save(scripted_module(1, 4, text));
    const auto net = make_classifier(config, kShape, {});
    const std::string before = tensors_to_bytes(state_of(*net));
    torch::manual_seed(9);
    const ScriptTrial made = try_script(*net, config, kShape);
    const float after = at::randn({1}).item<float>();
    torch::manual_seed(9);
    EXPECT_EQ(after, at::randn({1}).item<float>()) << "draws nothing";
    EXPECT_EQ(tensors_to_bytes(state_of(*net)), before);
    EXPECT_TRUE(net->is_training());
    return made;
  };
  const std::string mode = "self.training";
  EXPECT_TRUE(trial(forward(mode, mode, "x")).warnings.empty());
  EXPECT_TRUE(trial(forward(mode, mode, "x")).batch_norm);
  EXPECT_THAT(trial(forward(mode, mode, "torch.softmax(x, 1)")).warnings,
              testing::ElementsAre(HasSubstr("are probabilities")));
  EXPECT_THAT(trial(forward(mode, mode, "torch.sigmoid(x)")).warnings,
              testing::ElementsAre(HasSubstr("are probabilities")));
  EXPECT_THAT(trial(forward("False", mode, "x")).warnings,
              testing::ElementsAre(HasSubstr("statistics of 1 of 1 BatchNorm")));
  EXPECT_THAT(trial(forward(mode, "False", "x")).warnings, testing::ElementsAre(HasSubstr("1 dropout on")));
  for (const auto& [text, words] :
       {std::pair(forward("True", mode, "x"), "alone"), std::pair(forward(mode, "True", "x"), "in a second call")}) {
    const ModelConfig config = save(scripted_module(1, 4, text));
    const auto net = make_classifier(config, kShape, {});
    try {
      try_script(*net, config, kShape);
      ADD_FAILURE() << text;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr("net.pt: in evaluation an image's logit is"), HasSubstr(words)));
    }
  }
  const std::string plain =
      "def forward(self, x):\n    return torch.mean(torch.conv2d(x, self.conv.weight), [2, 3])[:, :4]\n";
  EXPECT_FALSE(trial(plain).batch_norm);
  EXPECT_TRUE(
      try_script(*make_classifier({.name = "resnet20"}, kShape, {}), {.name = "resnet20"}, kShape).warnings.empty());
}

TEST_F(ScriptedTest, FilesThatAreNoNetworkAreRefusedInALine) {
  EXPECT_THAT(refusal({.script = file()}), HasSubstr("No such file"));
  write_file(file(), "id,path\n");
  EXPECT_THAT(refusal({.script = file()}), HasSubstr("no zip directory"));
  write_file(file(), tensors_to_bytes({{"w", torch::zeros({100})}}));
  EXPECT_THAT(refusal({.script = file()}), HasSubstr("no zip directory"));
  {
    caffe2::serialize::PyTorchStreamWriter writer(file());  // as torch.save writes a state_dict
    writer.writeRecord("data.pkl", "\x80\x02}.", 4);
    writer.writeEndOfFile();
  }
  EXPECT_THAT(refusal({.script = file()}), AllOf(HasSubstr("not a TorchScript network"), HasSubstr("--pretrained")));
  save(scripted_module(1, 4), {{"pleat.json", "[]"}});
  EXPECT_THAT(refusal({.script = file()}), HasSubstr("pleat.json"));
}

TEST_F(ScriptedTest, NoFlippedByteOrCutEndGoesUnseen) {
  const ModelConfig config = save(scripted_module(1, 4));
  const std::string whole = read_file(file());
  const auto net = make_classifier(config, kShape, {});
  const std::string state = tensors_to_bytes(state_of(*net));
  int refused = 0;
  for (std::size_t i = 0; i < whole.size(); i += 41) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    write_file(file(), damaged);
    try {  // bytes of padding or dates may change
      EXPECT_EQ(tensors_to_bytes(state_of(*make_classifier(config, kShape, {}))), state) << "byte " << i;
    } catch (const DataError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 50);
  const torch::Tensor weight = by_name(state_of(*net)).at("fc.weight");
  std::string damaged = whole;
  const std::size_t place = whole.find({static_cast<const char*>(weight.const_data_ptr()), weight.nbytes()});
  ASSERT_NE(place, std::string::npos);
  damaged[place] ^= 1;  // the lowest bit of one number; LibTorch itself would accept it
  write_file(file(), damaged);
  EXPECT_THAT(refusal(config), HasSubstr("checksum"));
  for (const std::size_t left : {std::size_t{0}, std::size_t{1}, whole.size() / 2, whole.size() - 1}) {
    write_file(file(), whole.substr(0, left));
    EXPECT_THAT(refusal(config), HasSubstr("damaged"));
  }
}

TEST_F(ScriptedTest, NetworksThatDoNotFitTheImagesOrClassesAreRefusedInALine) {
  const ModelConfig config =
      save(scripted_module(1, 4), {{"pleat.json", R"({"source": "timm:tiny", "constants": []})"}});
  EXPECT_THAT(refusal(config, {.channels = 1, .classes = 7, .height = 8, .width = 9}),
              AllOf(HasSubstr("[2, 4]"), HasSubstr("take 7 outputs"),
                    HasSubstr("export_model.py timm:tiny --classes 7 --channels 1 --size 8x9")));
  EXPECT_THAT(refusal(config, {.channels = 3, .classes = 4, .height = 8, .width = 8}),
              AllOf(HasSubstr("3x8x8"), HasSubstr("got 3 channels"), HasSubstr("--channels 3")));
}

TEST_F(ScriptedTest, ForwardsThatAreNoClassifiersAreRefusedInALine) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "is: none"},
      {"def forward(self):\n    return self.fc.weight\n", "one tensor of images"},
      {"def forward(self, x, y):\n    return x + y\n", "one tensor of images"},
      {"def forward(self, x: int):\n    return self.fc.weight * x\n", "one tensor of images"},
      {"def forward(self, x):\n    return x, x\n", "one of logits"},
      {"def forward(self, x):\n    return torch.mean(x * self.fc.bias.sum(), [1])\n", "[2, 8, 8]"},
      {"def forward(self, x):\n    return torch.argmax(x, 1)\n", "Long"},
      {"def forward(self, x):\n    return torch.mean(torch.flatten(x, 1), [1], True).expand([2, 4])\n",
       "depend on no parameter"},
  };
  for (const auto& [forward, words] : cases) {
    EXPECT_THAT(refusal(save(scripted_module(1, 4, forward))), HasSubstr(words)) << forward;
  }
  const std::string two_defaults = "def forward(self, x, y: int = 1):\n    return torch.t(self.fc.weight)[:2] * y\n";
  EXPECT_NE(make_classifier(save(scripted_module(1, 4, two_defaults)), kShape, {}), nullptr);
}

TEST_F(ScriptedTest, ParametersThatCannotBeTrainedAreRefusedInALine) {
  torch::jit::Module frozen = scripted_module(1, 4);
  for (torch::Tensor parameter : frozen.parameters()) parameter.set_requires_grad(false);
  EXPECT_THAT(refusal(save(frozen)), HasSubstr("no parameter in it can be trained"));

  torch::jit::Module tied = scripted_module(1, 4);
  tied.register_parameter("again", tied.attr("fc").toModule().attr("weight").toTensor(), false);
  EXPECT_THAT(refusal(save(tied)), AllOf(HasSubstr("'again'"), HasSubstr("'fc.weight'"), HasSubstr("one tensor")));

  torch::jit::Module half = scripted_module(1, 4);
  half.register_parameter("low", torch::ones({2}, at::kHalf).set_requires_grad(true), false);
  EXPECT_THAT(refusal(save(half)), AllOf(HasSubstr("'low' is Half"), HasSubstr("float32")));
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
