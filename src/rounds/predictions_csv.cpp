#include "rounds/predictions_csv.h"

#include <ATen/ops/cat.h>

#include <algorithm>

#include "data/sample_table.h"

namespace pleat {
namespace {

// One after the other, of what there is; undefined if there is neither.
torch::Tensor joined(const torch::Tensor& first, const torch::Tensor& second) {
  std::vector<torch::Tensor> parts;
  for (const torch::Tensor& part : {first, second}) {
    if (part.defined()) parts.push_back(part);
  }
  return parts.empty() ? torch::Tensor() : at::cat(parts).contiguous();
}

}  // namespace

std::string format_predictions(const std::vector<std::string>& ids, const std::vector<std::string>& splits,
                               const std::vector<TargetProbs>& targets) {
  std::string text = "id,split";
  for (const TargetProbs& target : targets) {
    text += fmt::format(",{}", csv_field(target.target));
    for (const std::string& name : target.classes)
      text += fmt::format(",{}", csv_field(fmt::format("{}:{}", target.target, name)));
    if (target.normal.defined())
      text += fmt::format(",{},{}", csv_field(target.target + ".mean"), csv_field(target.target + ".deviation"));
  }
  text += "\n";
  for (std::size_t row = 0; row < ids.size(); ++row) {
    text += csv_field(ids[row]) + "," + splits[row];
    for (const TargetProbs& target : targets) {
      const double* probs = target.probs.const_data_ptr<double>() + row * target.classes.size();
      const auto best = std::max_element(probs, probs + target.classes.size()) - probs;
      text += fmt::format(",{}", csv_field(target.classes[std::size_t(best)]));
      for (std::size_t c = 0; c < target.classes.size(); ++c)
        fmt::format_to(std::back_inserter(text), ",{:.6f}", probs[c]);
      if (!target.normal.defined()) continue;
      const double* normal = target.normal.const_data_ptr<double>() + row * 2;
      fmt::format_to(std::back_inserter(text), ",{:.6g},{:.6g}", normal[0], normal[1]);
    }
    text += "\n";
  }
  return text;
}

std::string predictions_csv(const std::vector<GatheredTarget>& targets, const Dataset& dataset) {
  std::vector<std::string> ids, splits;
  for (const auto& [rows, split] : {std::pair{&dataset.test, "test"}, std::pair{&dataset.unlabelled, "unlabelled"}}) {
    for (const std::int64_t row : *rows) {
      ids.push_back(dataset.id(row));
      splits.emplace_back(split);
    }
  }
  std::vector<TargetProbs> probs;
  for (const GatheredTarget& gathered : targets) {
    const torch::Tensor rows = joined(gathered.test, gathered.unlabelled);
    const torch::Tensor normal = joined(gathered.test_normal, gathered.unlabelled_normal);
    if (rows.defined()) probs.push_back({gathered.oof.target, gathered.oof.classes, rows, normal});
  }
  return format_predictions(ids, splits, probs);
}

}  // namespace pleat
