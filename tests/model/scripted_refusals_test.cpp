// TorchScript files that are refused or warned of.
#include <caffe2/serialize/inline_container.h>

#include "base/files.h"
#include "model/model_files.h"
#include "model/script_trial.h"
#include "model/scripted_fixture.h"

namespace pleat {
namespace {

using testing::AllOf;
using testing::HasSubstr;

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
    return try_script(*make_classifier(config, kShape, {}), config, kShape);
  };
  const std::string mode = "self.training";
  EXPECT_TRUE(trial(forward(mode, mode, "x")).warnings.empty());
  EXPECT_TRUE(trial(forward(mode, mode, "x")).batch_norm);
  EXPECT_THAT(trial(forward(mode, mode, "torch.softmax(x, 1)")).warnings,
              testing::ElementsAre(HasSubstr("are probabilities")));
  EXPECT_THAT(trial(forward(mode, mode, "torch.sigmoid(x)")).warnings,
              testing::ElementsAre(HasSubstr("are probabilities")));
  EXPECT_THAT(trial(forward("False", mode, "x")).warnings,
              testing::ElementsAre(HasSubstr("does not update the statistics of 1 of 1 BatchNorm; they stay")));
  EXPECT_THAT(trial(forward(mode, "False", "x")).warnings,
              testing::ElementsAre(HasSubstr("net.pt: 1 dropout stays off in training mode; ")));
  const std::string logit = "in evaluation an image's logit is";
  EXPECT_THAT(trial_refusal(forward("True", mode, "x")), AllOf(HasSubstr(logit), HasSubstr("alone")));
  EXPECT_THAT(trial_refusal(forward(mode, "True", "x")), AllOf(HasSubstr(logit), HasSubstr("in a second call")));
  const std::string plain =
      "def forward(self, x):\n    return torch.mean(torch.conv2d(x, self.conv.weight), [2, 3])[:, :4]\n";
  EXPECT_FALSE(trial(plain).batch_norm);
  EXPECT_TRUE(
      try_script(*make_classifier({.name = "resnet20"}, kShape, {}), {.name = "resnet20"}, kShape).warnings.empty());
}

TEST_F(ScriptedTest, ATrialRefusesNetworksThatTakeOnlySomeNumbersOfImages) {
  const auto forward = [](const std::string& before, const std::string& last) {
    return "def forward(self, x):\n" + before +
           "    y = torch.mean(torch.conv2d(x, self.conv.weight), [2, 3])[:, :4]\n" + "    return " + last + "\n";
  };
  EXPECT_THAT(trial_refusal(forward("", "torch.reshape(y, [2, 4])")),
              AllOf(HasSubstr("in evaluation it fails for 4 images: "), HasSubstr("any number of images")));
  EXPECT_THAT(trial_refusal(forward("", "torch.reshape(y, [2, -1])")),
              HasSubstr("for 4 images it gives [2, 8], expected [4, 4]; script a network that takes any number"));
  EXPECT_THAT(trial_refusal(forward("    assert x.size(0) > 1\n", "y")),
              HasSubstr("in evaluation it fails for 1 image: no reason given; script a network"));
  EXPECT_THAT(trial_refusal(forward("    assert x.size(0) > 1, 'two at least'\n", "y")),
              HasSubstr("it fails for 1 image: two at least; script a network"));
  EXPECT_THAT(trial_refusal(forward("", "torch.squeeze(y)")),
              HasSubstr("for one image it gives [4], expected [1, 4]; does it squeeze()? use flatten(1)"));
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

}  // namespace
}  // namespace pleat
