#include "model/scripted.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/autocast.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"
#include "model/script_origin.h"

namespace pleat {
namespace {

struct Loaded {
  torch::jit::Module script;
  ScriptOrigin origin;
};

// LibTorch's message is pages long. The reason is in its last line or, while loading, in its first line. Returns the
// first sentence of that line. An assert may give no reason.
std::string reason_of(const std::exception& error) {
  constexpr std::size_t kLongest = 300;
  const auto* known = dynamic_cast<const c10::Error*>(&error);
  std::string text = known ? known->what_without_backtrace() : error.what();
  const std::size_t last = text.rfind("Error: ");
  if (last != std::string::npos) text.erase(0, last + std::string_view("Error: ").size());
  text.erase(0, text.find_first_not_of(" \n"));
  text.resize(std::min({text.size(), text.find('\n'), text.find(". "), kLongest}));
  return text.empty() ? "no reason given" : shown(text, kLongest);
}

Loaded load_script(const std::string& file) {
  const std::string bytes = read_file(file);
  ScriptOrigin origin = read_script_origin(bytes, file);
  std::optional<torch::jit::Module> script;
  try {
    std::istringstream stream(bytes);
    script = torch::jit::load(stream, at::Device(at::kCPU));
  } catch (const std::exception& error) {
    throw DataError(
        "{}: not a TorchScript network that this LibTorch can load ({}); make one with launch/export_model.py (pass a "
        "file of weights to its --pretrained)",
        file, reason_of(error));
  }
  return {std::move(*script), std::move(origin)};
}

// Fused kernels need flat memory, and copying into a tensor that repeats a number is an error.
torch::Tensor without_gaps(torch::Tensor tensor) {
  if (!tensor.is_non_overlapping_and_dense()) tensor.set_data(tensor.detach().clone(at::MemoryFormat::Contiguous));
  return tensor;
}

// Mirrors the script's modules as plain ones that share its tensors: filling, moving or laying out a tensor changes the
// script too.
void mirror(const torch::jit::Module& script, const std::string& prefix, const std::set<std::string>& constants,
            torch::nn::Module& module) {
  for (const auto& parameter : script.named_parameters(/*recurse=*/false))
    module.register_parameter(parameter.name, without_gaps(parameter.value), parameter.value.requires_grad());
  for (const auto& buffer : script.named_buffers(/*recurse=*/false)) {
    if (!constants.contains(prefix + buffer.name)) module.register_buffer(buffer.name, without_gaps(buffer.value));
  }
  for (const auto& child : script.named_children()) {
    const auto copy = module.register_module(child.name, std::make_shared<torch::nn::Module>());
    mirror(child.value, prefix + child.name + ".", constants, *copy);
  }
}

class Scripted : public Classifier {
 public:
  explicit Scripted(Loaded loaded) : script_(std::move(loaded.script)), heads_(std::move(loaded.origin.heads)) {
    mirror(script_, "", loaded.origin.constants, *this);
    // Disables the script compiler's own autocast; the operations autocast as in any other network.
    torch::jit::setAutocastMode(false);
  }

  torch::Tensor forward(const torch::Tensor& images) override {
    // The optimizing executor profiles some runs and then compiles, so a resumed job's first steps would differ.
    const torch::jit::GraphOptimizerEnabledGuard as_written(false);
    try {
      return script_.forward({images}).toTensor();
    } catch (const std::exception& error) {
      const std::string reason = reason_of(error);
      const bool of_memory = reason.find("out of memory") != std::string::npos ||  // CUDA's words, then the CPU's
                             std::string_view(error.what()).find("alloc_cpu.cpp") != std::string_view::npos;
      TORCH_CHECK_WITH(OutOfMemoryError, !of_memory, reason);
      throw std::runtime_error(reason);
    }
  }

  const torch::jit::Module& script() const { return script_; }

  std::vector<std::string> head_parameters() const override {
    std::vector<std::string> names;
    for (const auto& parameter : named_parameters()) {
      const auto is_below = [&](const std::string& head) { return parameter.key().starts_with(head + "."); };
      if (std::any_of(heads_.begin(), heads_.end(), is_below)) names.push_back(parameter.key());
    }
    return names;
  }

  void train(bool on = true) override {
    Classifier::train(on);
    script_.train(on);
  }

  using Classifier::to;
  void to(torch::Device device, bool non_blocking = false) override { script_.to(device, non_blocking); }

 private:
  torch::jit::Module script_;
  std::vector<std::string> heads_;
};

void check_forward(const torch::jit::Module& script, const std::string& file) {
  const auto is_tensor = [](const c10::Argument& argument) {
    return argument.type()->isSubtypeOf(*at::TensorType::get());
  };
  std::string found = "none";
  if (const auto method = script.find_method("forward")) {
    const c10::FunctionSchema& schema = method->function().getSchema();
    const auto& arguments = schema.arguments();  // the first is the module itself
    if (arguments.size() >= 2 && is_tensor(arguments[1]) && schema.returns().size() == 1 &&
        is_tensor(schema.returns().front()) &&
        std::all_of(arguments.begin() + 2, arguments.end(), [](const auto& each) { return each.default_value(); }))
      return;
    std::ostringstream text;
    text << schema;
    found = text.str().substr(0, 300);
  }
  throw DataError(
      "{}: its forward must take one tensor of images and give one of logits, but is: {}; wrap the network so that it "
      "does, and script it again",
      file, found);
}

// Throws unless the network has trainable parameters, all of them float32 and in memory of their own.
void check_parameters(const Classifier& classifier, const std::string& file) {
  std::map<const void*, std::string> name_of;
  for (const auto& [name, tensor] : trained_parameters(classifier)) {
    if (tensor.scalar_type() != at::kFloat) {
      throw DataError("{}: parameter '{}' is {}, but weights are trained as float32; script it after .float()", file,
                      name, toString(tensor.scalar_type()));
    }
    if (tensor.numel() == 0) continue;
    const auto [first, is_new] = name_of.emplace(tensor.storage().unsafeGetStorageImpl(), name);
    if (is_new) continue;
    throw DataError("{}: parameters '{}' and '{}' are one tensor, which would be trained twice; give each its own",
                    file, first->second, name);
  }
  if (name_of.empty()) {
    throw DataError(
        "{}: no parameter in it can be trained (torch.jit.freeze removes them, requires_grad=False switches them off); "
        "script the network with trainable parameters",
        file);
  }
}

std::string export_command(const ScriptOrigin& origin, const ClassifierShape& shape) {
  return fmt::format("export it again: launch/export_model.py {} --classes {} --channels {} --size {}x{}{}{} --out F",
                     origin.source, shape.classes, shape.channels, shape.height, shape.width,
                     origin.options.empty() ? "" : " ", origin.options);
}

// Freezes parameters that the logits do not depend on: they never get a gradient, and shards would wait for one.
void freeze_unused(const Classifier& classifier, const torch::Tensor& logits) {
  std::vector<torch::Tensor> parameters;
  for (const auto& [name, tensor] : trained_parameters(classifier)) parameters.push_back(tensor);
  const auto gradients = torch::autograd::grad({logits.sum()}, parameters, /*grad_outputs=*/{},
                                               /*retain_graph=*/std::nullopt, /*create_graph=*/false,
                                               /*allow_unused=*/true);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!gradients[i].defined()) parameters[i].set_requires_grad(false);
  }
}

// Runs the network on two black images, so that a misfit gives one line here, not pages during training.
void try_out(Classifier& classifier, const ClassifierShape& shape, const ScriptOrigin& origin,
             const std::string& file) {
  const at::AutoGradMode with_gradients(true);
  classifier.eval();
  torch::Tensor logits;
  try {
    logits = classifier.forward(at::zeros({2, shape.channels, shape.height, shape.width}));
  } catch (const c10::OutOfMemoryError&) {
    throw DataError(
        "{}: there is not enough memory for two images of {}x{}x{} (channels, height, width); take smaller "
        "crops or another network",
        file, shape.channels, shape.height, shape.width);
  } catch (const std::exception& error) {
    throw DataError("{}: it does not take images of {}x{}x{} (channels, height, width): {}; {}", file, shape.channels,
                    shape.height, shape.width, reason_of(error), export_command(origin, shape));
  }
  if (logits.dim() != 2 || logits.size(0) != 2 || logits.size(1) != shape.classes || !logits.is_floating_point()) {
    throw DataError(
        "{}: for two images it gives {} [{}], but the targets take {} outputs (one for each class or bin, two for a "
        "number), so [2, {}] is expected; {}",
        file, toString(logits.scalar_type()), fmt::join(logits.sizes(), ", "), shape.classes, shape.classes,
        export_command(origin, shape));
  }
  if (!logits.requires_grad())
    throw DataError("{}: its logits depend on no parameter that can be trained; script the trainable network", file);
  freeze_unused(classifier, logits);
  classifier.train();
}

}  // namespace

std::shared_ptr<Classifier> make_scripted(const ModelConfig& config, const ClassifierShape& shape) {
  Loaded loaded = load_script(config.script);
  check_forward(loaded.script, config.script);
  const ScriptOrigin origin = loaded.origin;
  auto classifier = std::make_shared<Scripted>(std::move(loaded));
  check_parameters(*classifier, config.script);
  try_out(*classifier, shape, origin, config.script);
  return classifier;
}

const torch::jit::Module* script_of(const Classifier& classifier) {
  const auto* scripted = dynamic_cast<const Scripted*>(&classifier);
  return scripted == nullptr ? nullptr : &scripted->script();
}

}  // namespace pleat
