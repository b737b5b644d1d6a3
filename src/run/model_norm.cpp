#include "run/model_norm.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/wording.h"

namespace pleat {
namespace {

std::string text_of(const std::vector<double>& values) { return fmt::format("{:.4g}", fmt::join(values, ", ")); }

}  // namespace

PixelNorm norm_of(const ModelConfig& model, const ModelFiles& files, const Dataset& dataset) {
  const auto channels = static_cast<std::size_t>(dataset.crops.shape().channels);
  if (!model.mean.empty()) {
    if (model.mean.size() != channels) {
      throw UsageError("model {}: mean and std have {} values, but {} has {}; give one per channel", model.id,
                       model.mean.size(), dataset.crops.path().string(), counted(std::int64_t(channels), "channel"));
    }
    return {model.mean, model.std};
  }
  if (files.mean.empty()) return dataset.norm;
  if (files.mean.size() != channels) {
    throw DataError(
        "{}: its mean and std have {} values, but {} has {}; export it again with --channels {}, or set models[].mean "
        "and models[].std",
        model.script, files.mean.size(), dataset.crops.path().string(), counted(std::int64_t(channels), "channel"),
        channels);
  }
  return {files.mean, files.std};
}

std::vector<std::string> own_norms(const RunConfig& config, const std::vector<ModelFiles>& files,
                                   const Dataset& dataset) {
  std::vector<std::string> lines;
  for (std::size_t m = 0; m < files.size(); ++m) {
    const ModelConfig& model = config.models[m];
    const PixelNorm norm = norm_of(model, files[m], dataset);
    if (norm == dataset.norm) continue;
    lines.push_back(fmt::format("model {}: mean [{}] and std [{}] of its pixels are those {}, not {}", model.id,
                                text_of(norm.mean), text_of(norm.std),
                                model.mean.empty() ? "in its script" : "of models[]",
                                config.data.mean.empty() ? "measured on the crops" : "of data.mean and data.std"));
  }
  return lines;
}

}  // namespace pleat
