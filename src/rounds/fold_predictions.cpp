#include "rounds/fold_predictions.h"

#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <unordered_map>

#include "base/error.h"
#include "base/files.h"
#include "ensemble/blend.h"
#include "run/finished_job.h"

namespace pleat {
namespace {

torch::Tensor probs_of(const torch::Tensor& logits) { return at::softmax(logits.to(at::kDouble), 1); }

// Means over networks of which each predicts some of the rows.
class RowMeans {
 public:
  explicit RowMeans(const std::vector<std::int64_t>& rows) : rows_(rows), counts_(at::zeros({count()}, at::kDouble)) {
    for (std::size_t i = 0; i < rows.size(); ++i) position_of_.emplace(rows[i], static_cast<std::int64_t>(i));
  }

  // values: [n, width] float64 of the crop rows `rows`
  void add(const torch::Tensor& rows, const torch::Tensor& values, const std::string& source) {
    if (!sums_.defined()) sums_ = at::zeros({count(), values.size(1)}, at::kDouble);
    std::vector<std::int64_t> places;
    for (std::int64_t i = 0; i < rows.numel(); ++i) {
      const auto found = position_of_.find(rows.const_data_ptr<std::int64_t>()[i]);
      if (found == position_of_.end())
        throw DataError("{} predicts crop row {}, which is not among the run's rows; delete it and run again", source,
                        rows.const_data_ptr<std::int64_t>()[i]);
      places.push_back(found->second);
    }
    const torch::Tensor where = at::tensor(places, at::kLong);
    sums_.index_add_(0, where, values);
    counts_.index_add_(0, where, at::ones({where.numel()}, at::kDouble));
  }

  torch::Tensor means(const std::string& source) const {
    if (!sums_.defined()) return {};
    if ((counts_ == 0).any().item<bool>()) throw DataError("{} leaves rows without a prediction; run again", source);
    return sums_ / counts_.unsqueeze(1);
  }

 private:
  std::int64_t count() const { return static_cast<std::int64_t>(rows_.size()); }

  const std::vector<std::int64_t>& rows_;
  std::unordered_map<std::int64_t, std::int64_t> position_of_;
  torch::Tensor sums_, counts_;
};

// Mean and standard deviation as mean and mean square, which can be averaged, and back.
torch::Tensor moments_of(const torch::Tensor& normal) {
  const torch::Tensor mean = normal.select(1, 0), deviation = normal.select(1, 1);
  return at::stack({mean, deviation * deviation + mean * mean}, 1);
}
torch::Tensor normal_of(const torch::Tensor& moments) {
  if (!moments.defined()) return {};
  const torch::Tensor mean = moments.select(1, 0);
  return at::stack({mean, (moments.select(1, 1) - mean * mean).clamp_min(0).sqrt()}, 1);
}

FoldPredictions of_one(const JobPredictions& made) {
  const auto probs = [](const torch::Tensor& logits) { return logits.defined() ? probs_of(logits) : torch::Tensor(); };
  return {.held_out_rows = made.held_out_rows,
          .held_out_logits = made.held_out_logits,
          .test = probs(made.test_logits),
          .unlabelled = probs(made.unlabelled_logits),
          .held_out_normal = made.held_out_normal,
          .test_normal = made.test_normal,
          .unlabelled_normal = made.unlabelled_normal};
}

FoldPredictions mean_of(const std::vector<JobPredictions>& parts, const Dataset& dataset, const std::string& source) {
  FoldPredictions mean{.held_out_rows = parts.front().held_out_rows};
  std::vector<torch::Tensor> held_out, held_out_normals;
  RowMeans test(dataset.test), unlabelled(dataset.unlabelled), test_moments(dataset.test),
      unlabelled_moments(dataset.unlabelled);
  for (const JobPredictions& part : parts) {
    held_out.push_back(probs_of(part.held_out_logits));
    if (part.held_out_normal.defined()) held_out_normals.push_back(part.held_out_normal);
    if (part.test_logits.defined()) test.add(part.test_rows, probs_of(part.test_logits), source);
    if (part.unlabelled_logits.defined())
      unlabelled.add(part.unlabelled_rows, probs_of(part.unlabelled_logits), source);
    if (part.test_normal.defined()) test_moments.add(part.test_rows, moments_of(part.test_normal), source);
    if (part.unlabelled_normal.defined())
      unlabelled_moments.add(part.unlabelled_rows, moments_of(part.unlabelled_normal), source);
  }
  mean.held_out_logits = mean_probs(held_out).log();
  if (!held_out_normals.empty()) mean.held_out_normal = mix_normals(held_out_normals);
  mean.test = test.means(source), mean.unlabelled = unlabelled.means(source);
  mean.test_normal = normal_of(test_moments.means(source));
  mean.unlabelled_normal = normal_of(unlabelled_moments.means(source));
  return mean;
}

}  // namespace

std::vector<int> parts_of(const RunConfig& config, int round) {
  if (round == 0 || config.rounds.parts == 1) return {-1};
  std::vector<int> parts;
  for (int part = 0; part < config.rounds.parts; ++part) parts.push_back(part);
  return parts;
}

FoldPredictions read_fold(const RoundSource& source, const Unit& unit, int target, const std::string& model,
                          FoldId fold) {
  const std::string head = head_name(unit, source.dataset.targets.targets[std::size_t(target)]);
  std::vector<JobPredictions> made;
  std::string file;
  for (const int part : parts_of(source.config, source.round)) {
    file = (source.paths.fold(source.round, unit.name, model, fold, part) / kPredictionsFile).string();
    made.push_back(parse_predictions(read_file(file), head, file));
  }
  return made.size() == 1 ? of_one(made.front()) : mean_of(made, source.dataset, file);
}

}  // namespace pleat
