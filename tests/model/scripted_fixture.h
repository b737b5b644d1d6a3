// The fixture of the tests of TorchScript networks.
#pragma once

#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/utils.h>

#include <map>
#include <memory>
#include <string>

#include "base/error.h"
#include "model/script_trial.h"
#include "model/scripted.h"
#include "model/scripted_module.h"
#include "model/tensor_file.h"
#include "support/scratch_folder.h"

namespace pleat {

inline constexpr ClassifierShape kShape{.channels = 1, .classes = 4, .height = 8, .width = 8};

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
      EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("net.pt"), testing::Not(testing::HasSubstr("\n"))));
      EXPECT_LT(std::string(error.what()).size(), 700U);
      return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }

  // Returns the one line in which the trial refuses a network that could be loaded.
  std::string trial_refusal(const std::string& forward) const {
    const ModelConfig config = save(scripted_module(1, 4, forward));
    const auto net = make_classifier(config, kShape, {});
    try {
      try_script(*net, config, kShape);
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("net.pt: "), testing::Not(testing::HasSubstr("\n"))));
      return error.what();
    }
    ADD_FAILURE() << forward;
    return "";
  }

  ScratchFolder folder_;
  torch::Tensor images_ = torch::randn({5, 1, 8, 8});
};

inline std::map<std::string, torch::Tensor> by_name(const NamedTensors& tensors) {
  return {tensors.begin(), tensors.end()};
}

}  // namespace pleat
