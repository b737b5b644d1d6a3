#include "model/initial_weights.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <torch/utils.h>

#include <map>

#include "base/error.h"
#include "base/files.h"
#include "model/scripted_module.h"
#include "support/scratch_folder.h"
#include "weight_formats/saved_weights.h"

namespace pleat {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const ModelConfig kNet{.id = "r18", .name = "resnet18"};
const ClassifierShape kShape{.channels = 3, .classes = 4};
const RandomKey kInit{.seed = 5, .purpose = Purpose::kInit};

// Like a state dict written by torch.save; each tensor has its own storage.
std::string state_dict(const NamedTensors& tensors, const std::string& prefix = "", const std::string& wrapper = "") {
  std::vector<std::pair<std::string, std::string>> items;
  std::vector<std::string> storages;
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor value = tensor.detach().contiguous();
    const std::string type = value.scalar_type() == at::kLong   ? "LongStorage"
                             : value.scalar_type() == at::kHalf ? "HalfStorage"
                                                                : "FloatStorage";
    items.emplace_back(prefix + name,
                       pickled::tensor(pickled::storage(type, std::to_string(storages.size()), value.numel()), 0,
                                       value.sizes().vec(), value.strides().vec()));
    storages.emplace_back(static_cast<const char*>(value.const_data_ptr()), value.nbytes());
  }
  const std::string state = pickled::dict(items);
  return saved(wrapper.empty() ? state : pickled::dict({{"epoch", pickled::integer(90)}, {wrapper, state}}), storages);
}

std::map<std::string, torch::Tensor> by_name(const NamedTensors& tensors) { return {tensors.begin(), tensors.end()}; }

class WeightsFileTest : public testing::Test {
 protected:
  // Returns a config that starts from these bytes; the file's name says nothing about its format.
  ModelConfig starting_from(const std::string& bytes, const ModelConfig& base = kNet) const {
    write_file(folder_ / "given.bin", bytes);
    ModelConfig config = base;
    config.weights = (folder_ / "given.bin").string();
    return config;
  }
  std::string bytes_from(const std::string& bytes) const {
    return tensors_to_bytes(state_of(*make_classifier(starting_from(bytes), kShape, kInit)));
  }
  template <class E = DataError>
  std::string refusal(const ModelConfig& config, const ClassifierShape& shape = kShape) const {
    try {
      make_classifier(config, shape, kInit);
    } catch (const E& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }

  ScratchFolder folder_;
  const std::shared_ptr<Classifier> given_ = make_classifier(kNet, kShape, {.seed = 77});
  const std::shared_ptr<Classifier> of_ten_ = make_classifier(kNet, {.channels = 3, .classes = 10}, {.seed = 78});
};

TEST_F(WeightsFileTest, TheFormatIsToldByWhatIsInTheFile) {
  const std::string expected = tensors_to_bytes(state_of(*given_));
  EXPECT_EQ(bytes_from(expected), expected) << "safetensors";
  EXPECT_EQ(bytes_from(state_dict(state_of(*given_))), expected) << "a state dict";
  EXPECT_EQ(bytes_from(state_dict(state_of(*given_), "", "model_state_dict")), expected) << "a checkpoint";
}

TEST_F(WeightsFileTest, HalfPrecisionIsWidened) {
  NamedTensors half;
  for (const auto& [name, tensor] : state_of(*given_))
    half.emplace_back(name, tensor.is_floating_point() ? tensor.detach().to(at::kHalf) : tensor);
  const auto net = make_classifier(starting_from(state_dict(half)), kShape, kInit);
  EXPECT_TRUE(at::equal(by_name(state_of(*net)).at("conv1.weight"), by_name(half).at("conv1.weight").to(at::kFloat)));
}

TEST_F(WeightsFileTest, NamesOfWrappedNetworksAreTakenWithoutTheirPrefix) {
  const std::string expected = tensors_to_bytes(state_of(*given_));
  EXPECT_EQ(bytes_from(state_dict(state_of(*given_), "module.")), expected);
  EXPECT_EQ(bytes_from(state_dict(state_of(*given_), "_orig_mod.")), expected);
  EXPECT_EQ(bytes_from(state_dict(state_of(*given_), "module._orig_mod.")), expected);
  EXPECT_EQ(bytes_from(state_dict(state_of(*given_), "_orig_mod.module.")), expected);
  EXPECT_EQ(bytes_from(state_dict(state_of(*given_), "model.")), expected);
  EXPECT_EQ(bytes_from(state_dict(state_of(*given_), "timm_model.net.")), expected);
  NamedTensors averaged{{"n_averaged", torch::ones({}, at::kLong)}};
  for (const auto& [name, tensor] : state_of(*given_)) averaged.emplace_back("module." + name, tensor);
  EXPECT_EQ(bytes_from(state_dict(averaged)), expected) << "torch.optim.swa_utils";
  EXPECT_THAT(refusal(starting_from(state_dict(state_of(*of_ten_), "model."))),
              AllOf(HasSubstr("fc.weight [10, 512] for [4, 512]"), HasSubstr("set new_head: true")));
  EXPECT_THAT(
      refusal(starting_from(state_dict(state_of(*make_classifier({.name = "resnet34"}, kShape, kInit)), "net."))),
      AllOf(HasSubstr("net.conv1.weight"),
            HasSubstr("these are weights of resnet34: set name: resnet34, or give another file")));
  NamedTensors some = state_of(*given_);
  some[0].first = "module." + some[0].first;
  EXPECT_THAT(refusal(starting_from(state_dict(some))),
              AllOf(HasSubstr("missing conv1.weight"), HasSubstr("extra module.conv1.weight")));
}

TEST_F(WeightsFileTest, FilesFromBeforeBatchNormCountedStartAtZero) {
  NamedTensors old;
  for (const auto& [name, tensor] : state_of(*given_)) {
    if (!name.ends_with("num_batches_tracked")) old.emplace_back(name, tensor);
  }
  EXPECT_EQ(bytes_from(state_dict(old)), tensors_to_bytes(state_of(*given_)));
  old.emplace_back("bn1.num_batches_tracked", torch::zeros({}, at::kLong));
  EXPECT_THAT(refusal(starting_from(state_dict(old))),
              AllOf(HasSubstr("missing layer1.0.bn1.num_batches_tracked"), Not(HasSubstr("these are"))));
}

TEST_F(WeightsFileTest, MisfitsAreListedAndAnotherWidthSaysWhatToDo) {
  const std::string of_ten = state_dict(state_of(*of_ten_));
  EXPECT_THAT(refusal(starting_from(of_ten)),
              AllOf(HasSubstr("given.bin does not fit"), HasSubstr("fc.weight [10, 512] for [4, 512]"),
                    HasSubstr("fc.bias [10] for [4]"), HasSubstr("set new_head: true")));
  NamedTensors headless = state_of(*of_ten_);
  std::erase_if(headless, [](const auto& named) { return named.first.starts_with("fc."); });
  EXPECT_THAT(refusal(starting_from(state_dict(headless))),
              AllOf(HasSubstr("missing fc.weight, fc.bias"), HasSubstr("new_head: true")));
  EXPECT_THAT(
      refusal(starting_from(of_ten), {.channels = 1, .classes = 4}),
      AllOf(
          HasSubstr("conv1.weight [64, 3, 7, 7] for [64, 1, 7, 7]"), Not(HasSubstr("only the last layer")),
          HasSubstr("these are weights of resnet18, for images of 3 channels; give weights for images of 1 channel")));
  headless.emplace_back("head.weight", torch::zeros({4, 512}));
  EXPECT_THAT(refusal(starting_from(state_dict(headless))),
              AllOf(HasSubstr("extra head.weight"), Not(HasSubstr("new_head"))));
}

TEST_F(WeightsFileTest, WeightsOfAnotherNetworkAreKnownAsThat) {
  const auto weights_of = [](const ModelConfig& config, int classes) {
    return state_dict(state_of(*make_classifier(config, {.classes = classes}, kInit)));
  };
  const auto refused = [&](const ModelConfig& config, int classes) {
    return refusal(starting_from(weights_of(config, classes)));
  };
  EXPECT_THAT(
      refused({.name = "resnet34"}, 1000),
      HasSubstr("; these are weights of resnet34: set name: resnet34 and new_head: true, or give another file"));
  EXPECT_THAT(refused({.name = "resnet18", .stem = "small"}, 4),
              HasSubstr("of resnet18 with stem small: set stem: small, or give"));
  const auto of_imagenet = starting_from(weights_of({.name = "resnet18"}, 1000), {.name = "resnet18", .stem = "small"});
  EXPECT_THAT(refusal(of_imagenet),
              HasSubstr("of resnet18 with stem imagenet: set stem: imagenet and new_head: true, or"));
  EXPECT_THAT(refused({.name = "efficientnet_b2"}, 4),
              HasSubstr("these are weights of efficientnet_b2: set name: efficientnet_b2, or"));
  EXPECT_THAT(refusal(starting_from(state_dict({{"w", torch::zeros({2})}}))), Not(HasSubstr("these are")));
}

TEST_F(WeightsFileTest, OtherNamesAreMappedByOrderWhereTheConfigSaysSo) {
  const auto renamed = [](const NamedTensors& state, bool counters) {
    NamedTensors other;
    for (const auto& [name, tensor] : state)
      if (counters || !name.ends_with("num_batches_tracked"))
        other.emplace_back(fmt::format("t{}{}", other.size(), name.substr(name.rfind('.'))), tensor);
    return other;
  };
  ModelConfig config = kNet;
  config.map_by_order = true;
  for (const bool counters : {true, false}) {
    const std::string file = state_dict(renamed(state_of(*given_), counters));
    EXPECT_THAT(refusal(starting_from(file)), HasSubstr("set map_by_order: true"));
    EXPECT_EQ(tensors_to_bytes(state_of(*make_classifier(starting_from(file, config), kShape, kInit))),
              tensors_to_bytes(state_of(*given_)));
  }
  const std::string wide = state_dict(renamed(state_of(*of_ten_), true));
  EXPECT_THAT(refusal(starting_from(wide)), HasSubstr("set map_by_order: true and new_head: true"));
  EXPECT_THAT(refusal(starting_from(wide, config)), HasSubstr("[10, 512] is fc.weight [4, 512]"));
  config.new_head = true;
  NamedTensors headless = renamed(state_of(*of_ten_), true);
  headless.resize(headless.size() - 2);
  for (const std::string& file : {wide, state_dict(headless)}) {
    const auto made = by_name(state_of(*make_classifier(starting_from(file, config), kShape, kInit)));
    EXPECT_TRUE(at::equal(made.at("layer4.1.conv2.weight"), by_name(state_of(*of_ten_)).at("layer4.1.conv2.weight")));
    EXPECT_TRUE(
        at::equal(made.at("fc.weight"), by_name(state_of(*make_classifier(kNet, kShape, kInit))).at("fc.weight")));
  }
  config.new_head = false;
  EXPECT_EQ(
      tensors_to_bytes(state_of(*make_classifier(starting_from(state_dict(state_of(*given_)), config), kShape, kInit))),
      tensors_to_bytes(state_of(*given_)))
      << "names that fit are kept";
  ModelConfig without{.name = "resnet18", .map_by_order = true};
  EXPECT_THROW(complete_model(without), UsageError);
}

TEST_F(WeightsFileTest, QuantisedWeightsAreRefusedAsSuch) {
  NamedTensors whole;
  for (const auto& [name, tensor] : state_of(*given_))
    whole.emplace_back(name, name == "fc.weight" ? torch::ones({4, 512}, at::kChar) : tensor);
  EXPECT_THAT(refusal(starting_from(tensors_to_bytes(whole))),
              testing::EndsWith("does not fit: wrong dtype: fc.weight Char for Float; weights of whole numbers "
                                "(quantised) cannot be trained; give the float weights"));
}

TEST_F(WeightsFileTest, ANewHeadKeepsItsFirstValuesAndTheRestIsTheFiles) {
  ModelConfig config = starting_from(state_dict(state_of(*of_ten_)));
  config.new_head = true;
  const auto fresh = by_name(state_of(*make_classifier(kNet, kShape, kInit)));
  const auto file = by_name(state_of(*of_ten_));
  for (const bool with_head : {true, false}) {
    for (const auto& [name, tensor] : state_of(*make_classifier(config, kShape, kInit)))
      EXPECT_TRUE(at::equal(tensor, name.starts_with("fc.") ? fresh.at(name) : file.at(name))) << name;
    NamedTensors headless = state_of(*of_ten_);
    std::erase_if(headless, [](const auto& named) { return named.first.starts_with("fc."); });
    if (with_head) config.weights = starting_from(state_dict(headless)).weights;
  }
  // The file's last layer is ignored even if it has the same width.
  config.weights = starting_from(state_dict(state_of(*given_))).weights;
  EXPECT_TRUE(
      at::equal(by_name(state_of(*make_classifier(config, kShape, kInit))).at("fc.weight"), fresh.at("fc.weight")));
  EXPECT_FALSE(at::equal(by_name(state_of(*make_classifier(config, kShape, {.seed = 9}))).at("fc.weight"),
                         fresh.at("fc.weight")));
}

TEST_F(WeightsFileTest, BesideANewHeadEverythingMustFit) {
  NamedTensors state = state_of(*of_ten_);
  state[0].first = "conv0.weight";
  ModelConfig config = starting_from(state_dict(state));
  config.new_head = true;
  EXPECT_THAT(refusal(config), AllOf(HasSubstr("missing conv1.weight; extra conv0.weight"), Not(HasSubstr("fc."))));
  config = starting_from(state_dict(state_of(*of_ten_)));
  config.new_head = true;
  EXPECT_THAT(refusal(config, {.channels = 1, .classes = 4}),
              HasSubstr("conv1.weight [64, 3, 7, 7] for [64, 1, 7, 7]"));
}

TEST_F(WeightsFileTest, ANewHeadWithoutAFileOfWeightsIsRefused) {
  ModelConfig config{.name = "resnet18", .new_head = true};
  EXPECT_THROW(complete_model(config), UsageError);
  config.weights = "some.pth";
  EXPECT_NO_THROW(complete_model(config));
}

TEST_F(WeightsFileTest, AScriptsNewHeadIsWhatItsExporterNamed) {
  const std::string script = (folder_ / "net.pt").string();
  const ClassifierShape shape{.channels = 1, .classes = 4, .height = 8, .width = 8};
  const auto save = [&](const std::string& origin) {
    scripted_module(1, 4).save(
        script, origin.empty() ? torch::jit::ExtraFilesMap{} : torch::jit::ExtraFilesMap{{"pleat.json", origin}});
    return make_classifier({.script = script}, shape, kInit);
  };
  const auto named = save(R"({"source": "timm:tiny", "constants": [], "head": ["fc"]})");
  EXPECT_THAT(named->head_parameters(), testing::ElementsAre("fc.weight", "fc.bias"));
  const auto first = by_name(state_of(*named));
  NamedTensors wide;
  for (const auto& [name, tensor] : state_of(*named))
    wide.emplace_back(name, name == "fc.weight" ? torch::ones({9, 6}) : tensor.detach() + 1);
  ModelConfig config = starting_from(state_dict(wide), {.script = script, .new_head = true});
  for (const auto& [name, tensor] : state_of(*make_classifier(config, shape, kInit)))
    EXPECT_TRUE(at::equal(tensor, name.starts_with("fc.") ? first.at(name) : by_name(wide).at(name))) << name;
  for (const char* origin :
       {"", R"({"source": "timm:tiny", "constants": []})", R"({"source": "timm:tiny", "constants": [], "head": []})"}) {
    EXPECT_TRUE(save(origin)->head_parameters().empty());
    EXPECT_THAT(refusal(config, shape), AllOf(HasSubstr("net.pt"), HasSubstr("does not say which layer is its last")));
  }
}

TEST_F(WeightsFileTest, FilesThatAreNoWeightsAreNamedWithWhatToDo) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "an empty file"},
      {"<html>not found</html>", "another kind of file"},
      {"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"},
      {std::string("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."), "cut short"},
      {"\x80\x04\x95\x05]q.", "a pickle that torch.save did not write"},
      {"PK\x03\x04 and no more", "no zip directory"},
      {tensors_to_bytes(state_of(*given_)).substr(0, 5000), "not a safetensors file"},
  };
  for (const auto& [bytes, words] : cases)
    EXPECT_THAT(refusal(starting_from(bytes)), AllOf(HasSubstr("given.bin: "), HasSubstr(words)));
  scripted_module(3, 4).save((folder_ / "net.pt").string());
  EXPECT_THAT(refusal(starting_from(read_file(folder_ / "net.pt"))), HasSubstr("a TorchScript network"));
  ModelConfig missing = kNet;
  missing.weights = (folder_ / "none.pth").string();
  EXPECT_THAT(refusal(missing), HasSubstr("none.pth"));
}

}  // namespace
}  // namespace pleat
