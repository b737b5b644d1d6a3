#include "model/script_trial.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/randn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/inliner.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/wording.h"
#include "model/scripted.h"

namespace pleat {
namespace {

constexpr int kImages = 4;
constexpr const char* kMode =
    "is it a trace? torch.jit.trace fixes the mode that the network was in; use torch.jit.script";

/// Facts about a network's operations.
struct Operations {
  bool batch_norm = false;
  int fixed_dropout = 0;  // dropout that is off whatever the mode
  bool ends_in_sigmoid = false;
};

std::optional<c10::IValue> constant(const torch::jit::Node& node, std::size_t input) {
  return input < node.inputs().size() ? torch::jit::toIValue(node.input(input)) : std::nullopt;
}

// Operators of the dropout family take (input, p, train).
bool is_fixed_dropout(const torch::jit::Node& node) {
  const auto p = constant(node, 1), train = constant(node, 2);
  return p && p->isDouble() && p->toDouble() > 0 && train && train->isBool() && !train->toBool();
}

void collect(const torch::jit::Block& block, Operations& found) {
  for (const torch::jit::Node* node : block.nodes()) {
    const std::string name = node->kind().toQualString();
    if (name.starts_with("aten::") && name.find("batch_norm") != std::string::npos) found.batch_norm = true;
    if (name.starts_with("aten::") && name.find("dropout") != std::string::npos && is_fixed_dropout(*node))
      ++found.fixed_dropout;
    for (const torch::jit::Block* inner : node->blocks()) collect(*inner, found);
  }
}

bool has_calls(const torch::jit::Block& block) {
  for (const torch::jit::Node* node : block.nodes()) {
    if (node->kind() == c10::prim::CallMethod || node->kind() == c10::prim::CallFunction) return true;
    for (const torch::jit::Block* inner : node->blocks()) {
      if (has_calls(*inner)) return true;
    }
  }
  return false;
}

Operations operations_of(const torch::jit::Module& script) {
  const auto graph = script.get_method("forward").graph()->copy();
  // Inline() expands one level of calls per pass.
  constexpr int kDeepest = 50;
  for (int depth = 0; depth < kDeepest && has_calls(*graph->block()); ++depth) torch::jit::Inline(*graph);
  Operations found;
  collect(*graph->block(), found);
  found.ends_in_sigmoid = std::string(graph->outputs().at(0)->node()->kind().toQualString()) == "aten::sigmoid";
  return found;
}

// Fills weights that are all zero: behind a last layer of zeros, all images would look alike.
void fill_zeros(const Classifier& classifier, const at::Generator& random) {
  for (const auto& [name, value] : trained_parameters(classifier)) {
    if (value.dim() < 2 || value.any().item<bool>()) continue;
    value.copy_(at::randn(value.sizes(), random, at::kFloat) * 0.05);
  }
}

// Noise of several brightnesses and contrasts: a batch's statistics then differ from those of each image.
torch::Tensor random_images(const ClassifierShape& shape, const at::Generator& random) {
  const torch::Tensor noise = at::randn({kImages, shape.channels, shape.height, shape.width}, random, at::kFloat);
  const torch::Tensor place = at::arange(kImages, at::kFloat).view({kImages, 1, 1, 1});
  return noise * (0.5 + 0.5 * place) + (place - 1);
}

double largest(const torch::Tensor& values) { return values.abs().max().item<double>(); }

// Returns the logits in evaluation mode. Throws unless they are [N, classes].
torch::Tensor evaluate(Classifier& classifier, const torch::Tensor& images, const ClassifierShape& shape,
                       const std::string& file) {
  constexpr const char* kAnyNumber = "script a network that takes any number of images";
  const std::int64_t count = images.size(0);
  torch::Tensor logits;
  try {
    logits = classifier.forward(images);
  } catch (const std::exception& error) {
    throw DataError("{}: in evaluation it fails for {}: {}; {}", file, counted(count, "image"), error.what(),
                    kAnyNumber);
  }
  if (logits.dim() == 2 && logits.size(0) == count && logits.size(1) == shape.classes) return logits;
  const bool one = count == 1;
  throw DataError("{}: for {} it gives [{}], expected [{}, {}]; {}", file, one ? "one image" : counted(count, "image"),
                  fmt::join(logits.sizes(), ", "), count, shape.classes,
                  one ? "does it squeeze()? use flatten(1)" : kAnyNumber);
}

// Returns the batch's logits in evaluation mode. Throws unless each image has the same logits alone, in the batch, and
// in the batch again.
torch::Tensor check_evaluation(Classifier& classifier, const torch::Tensor& images, const ClassifierShape& shape,
                               const std::string& file) {
  const torch::Tensor logits = evaluate(classifier, images, shape, file);
  const torch::Tensor again = evaluate(classifier, images, shape, file);
  const torch::Tensor first = evaluate(classifier, images.narrow(0, 0, 1), shape, file);
  const torch::Tensor last = evaluate(classifier, images.narrow(0, kImages - 1, 1), shape, file);
  if (!logits.isfinite().all().item<bool>()) return logits;
  const double spread = (std::get<0>(logits.max(0)) - std::get<0>(logits.min(0))).max().item<double>();
  const double tolerance = 1e-4 * largest(logits) + 1e-3 * spread;
  const auto check = [&](const torch::Tensor& other, const torch::Tensor& expected, const char* when) {
    const torch::Tensor difference = (other - expected).abs().flatten();
    const auto worst = difference.argmax().item<std::int64_t>();
    if (!(difference[worst].item<double>() > tolerance)) return;
    throw DataError("{}: in evaluation an image's logit is {:.4f} {} and {:.4f} in a batch, but must be the same; {}",
                    file, other.flatten()[worst].item<double>(), when, expected.flatten()[worst].item<double>(), kMode);
  };
  check(again, logits, "in a second call");
  check(first, logits.narrow(0, 0, 1), "alone");
  check(last, logits.narrow(0, kImages - 1, 1), "alone");
  return logits;
}

// Row sums that are one whole number and no value below 0: the softmax of one target, or of several.
bool are_probabilities(const torch::Tensor& logits, bool ends_in_sigmoid) {
  if (ends_in_sigmoid) return true;
  if (logits.size(1) < 2 || logits.min().item<double>() < 0) return false;
  const torch::Tensor sums = logits.sum(1);
  const double first = sums[0].item<double>();
  return std::abs(first - std::round(first)) < 1e-3 && std::round(first) >= 1 && largest(sums - sums[0]) < 1e-3;
}

// Running means of BatchNorm layers whose weights are trained, or that have no weights.
std::map<std::string, torch::Tensor> running_means(const Classifier& classifier) {
  const NamedTensors state = state_of(classifier), trained = trained_parameters(classifier);
  std::set<std::string> names, of_trained;
  for (const auto& [name, tensor] : state) names.insert(name);
  for (const auto& [name, tensor] : trained) of_trained.insert(name);
  std::map<std::string, torch::Tensor> means;
  constexpr std::string_view kMean = "running_mean";
  for (const auto& [name, tensor] : state) {
    if (!name.ends_with(kMean)) continue;
    const std::string layer = name.substr(0, name.size() - kMean.size());
    const bool bare = !names.contains(layer + "weight") && names.contains(layer + "num_batches_tracked");
    if (bare || of_trained.contains(layer + "weight")) means.emplace(name, tensor);
  }
  return means;
}

// Returns the number of BatchNorms whose statistics a training step leaves alone.
std::size_t frozen_norms(Classifier& classifier, const torch::Tensor& images, const ClassifierShape& shape,
                         const std::string& file, std::size_t& all) {
  const auto means = running_means(classifier);
  std::map<std::string, torch::Tensor> before;
  for (const auto& [name, mean] : means) before[name] = mean.detach().clone();
  classifier.train();
  torch::Tensor logits;
  try {
    logits = classifier.forward(images);
  } catch (const std::exception& error) {
    throw DataError("{}: it fails in training mode ({:.300}); script a network that gives one tensor in both modes",
                    file, error.what());
  }
  if (logits.dim() != 2 || logits.size(0) != kImages || logits.size(1) != shape.classes) {
    throw DataError(
        "{}: in training mode it gives [{}] for {} images, not [{}, {}]; script a network that gives logits", file,
        fmt::join(logits.sizes(), ", "), kImages, kImages, shape.classes);
  }
  if (!logits.isfinite().all().item<bool>()) {
    throw DataError(
        "{}: in training mode its logits for random images are not finite; script a network that gives "
        "finite logits",
        file);
  }
  all = means.size();
  return static_cast<std::size_t>(std::count_if(
      means.begin(), means.end(), [&](const auto& mean) { return mean.second.equal(before.at(mean.first)); }));
}

}  // namespace

ScriptTrial try_script(Classifier& classifier, const ModelConfig& config, const ClassifierShape& shape) {
  const torch::jit::Module* script = script_of(classifier);
  if (script == nullptr) return {};
  const std::string& file = config.script;
  const Operations operations = operations_of(*script);
  ScriptTrial trial{.batch_norm = operations.batch_norm};
  const torch::NoGradGuard no_grad;
  const at::Generator random = at::detail::createCPUGenerator(1);
  fill_zeros(classifier, random);
  const torch::Tensor images = random_images(shape, random);
  classifier.eval();
  const torch::Tensor logits = check_evaluation(classifier, images, shape, file);
  if (are_probabilities(logits, operations.ends_in_sigmoid)) {
    trial.warnings.push_back(
        fmt::format("{}: its outputs are probabilities, but training takes logits and applies softmax to them again; "
                    "script the network without its last softmax or sigmoid",
                    file));
  }
  std::size_t norms = 0;
  if (const std::size_t frozen = frozen_norms(classifier, images, shape, file, norms); frozen > 0) {
    trial.warnings.push_back(
        fmt::format("{}: training mode does not update the statistics of {} of {}; they stay at the file's values; {}",
                    file, frozen, counted(std::int64_t(norms), "BatchNorm"), kMode));
  }
  if (operations.fixed_dropout > 0) {
    trial.warnings.push_back(fmt::format("{}: {} {} off in training mode; {}", file,
                                         counted(operations.fixed_dropout, "dropout"),
                                         operations.fixed_dropout == 1 ? "stays" : "stay", kMode));
  }
  return trial;
}

}  // namespace pleat
