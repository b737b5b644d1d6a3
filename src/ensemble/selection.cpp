#include "ensemble/selection.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "ensemble/blend.h"
#include "ensemble/greedy.h"

namespace pleat {
namespace {

std::vector<RowList> rows_by_fold(const SelectionRequest& request) {
  std::vector<RowList> folds(std::size_t(request.k));
  for (std::size_t row = 0; row < request.fold_of.size(); ++row)
    folds[std::size_t(request.fold_of[row])].push_back(static_cast<std::int64_t>(row));
  std::erase_if(folds, [](const RowList& rows) { return rows.empty(); });
  return folds;
}

RowList joined(const std::vector<RowList>& folds) {
  RowList rows;
  for (const RowList& fold : folds) rows.insert(rows.end(), fold.begin(), fold.end());
  std::sort(rows.begin(), rows.end());
  return rows;
}

torch::Tensor rows_of(const torch::Tensor& table, const RowList& rows) {
  return table.index_select(0, at::tensor(rows, at::kLong));
}

std::vector<double> only(std::size_t candidate, std::size_t candidates) {
  std::vector<double> weights(candidates);
  weights[candidate] = 1;
  return weights;
}

std::size_t best_candidate(const Candidates& candidates, const RowList& rows, const std::string& score_name) {
  std::size_t best = 0;
  std::optional<Scores> best_scores;
  for (std::size_t m = 0; m < candidates.probs.size(); ++m) {
    const Scores scores = score(rows_of(candidates.probs[m], rows), rows_of(candidates.labels, rows));
    const auto rank = [&](const Scores& s) { return std::pair(score_by_name(s, score_name), -s.log_loss); };
    if (!best_scores || rank(scores) > rank(*best_scores)) best = m, best_scores = scores;
  }
  return best;
}

// Groups the folds into at most four parts, for choosing the stack's penalty.
std::vector<RowList> parts_of(const std::vector<RowList>& folds) {
  std::vector<RowList> parts(std::min<std::size_t>(folds.size(), 4));
  for (std::size_t f = 0; f < folds.size(); ++f)
    parts[f % parts.size()].insert(parts[f % parts.size()].end(), folds[f].begin(), folds[f].end());
  return parts;
}

// Halves a single fold, since choosing the penalty needs two parts. Groups may be cut: that only weakens the penalty.
std::vector<RowList> at_least_two(std::vector<RowList> folds) {
  if (folds.size() > 1) return folds;
  const auto middle = folds.front().begin() + static_cast<std::ptrdiff_t>(folds.front().size() / 2);
  return {RowList(folds.front().begin(), middle), RowList(middle, folds.front().end())};
}

// Fits the method on the rows of these folds.
Blend fit(const std::string& method, const Candidates& candidates, const std::vector<RowList>& folds,
          const std::string& score_name) {
  const std::size_t count = candidates.probs.size();
  if (method == "greedy")
    return {method, weights_of_picks(greedy_picks(candidates, joined(folds), score_name), count), std::nullopt};
  if (method == "best") return {method, only(best_candidate(candidates, joined(folds), score_name), count), {}};
  Blend blend{method, std::vector<double>(count, 1.0 / static_cast<double>(count)), std::nullopt};
  if (method == "stack") blend.stack = fit_stack_with_penalty(candidates, parts_of(at_least_two(folds)));
  return blend;
}

// The method fitted on all folds, and its cross-fitted table.
struct Fitted {
  Blend blend;
  torch::Tensor in_sample, cross_fitted;
  MethodScores scores;
};

Fitted cross_fit(const std::string& method, const Candidates& candidates, const std::vector<RowList>& folds,
                 const std::string& score_name) {
  Fitted fitted{.blend = fit(method, candidates, folds, score_name)};
  fitted.in_sample = apply_blend(fitted.blend, candidates.probs);
  fitted.cross_fitted = fitted.in_sample;
  if (method != "mean" && folds.size() > 1) {
    fitted.cross_fitted = at::empty_like(fitted.in_sample);
    for (std::size_t k = 0; k < folds.size(); ++k) {
      std::vector<RowList> others = folds;
      others.erase(others.begin() + static_cast<std::ptrdiff_t>(k));
      const Blend blend = fit(method, candidates, others, score_name);
      std::vector<torch::Tensor> held_out;
      for (const torch::Tensor& table : candidates.probs) held_out.push_back(rows_of(table, folds[k]));
      fitted.cross_fitted.index_copy_(0, at::tensor(folds[k], at::kLong), apply_blend(blend, held_out));
    }
  }
  fitted.scores = {method, score(fitted.in_sample, candidates.labels), score(fitted.cross_fitted, candidates.labels)};
  return fitted;
}

std::vector<std::string> methods_to_try(const Candidates& candidates, const std::string& asked) {
  const auto count = static_cast<std::int64_t>(candidates.probs.size());
  if (count == 1) return {"mean"};
  if (asked != "auto") return {asked};
  std::vector<std::string> methods{"mean", "best", "greedy"};
  if (count * candidates.classes() * candidates.classes() <= kMostStackWeights) methods.emplace_back("stack");
  return methods;
}

}  // namespace

torch::Tensor apply_blend(const Blend& blend, const std::vector<torch::Tensor>& tables) {
  if (!blend.stack) return weighted_mean(tables, blend.weights);
  RowList rows(std::size_t(tables.front().size(0)));
  std::iota(rows.begin(), rows.end(), 0);
  return stack_probs(*blend.stack, log_features(tables, rows));
}

torch::Tensor blend_normals(const Blend& blend, const std::vector<torch::Tensor>& normals) {
  for (std::size_t m = 0; m < normals.size(); ++m) {
    if (blend.weights[m] > 0 && !normals[m].defined()) return {};
  }
  return mix_normals(normals, blend.weights).contiguous();
}

Selection select_blend(const Candidates& candidates, const SelectionRequest& request) {
  require_well_formed(candidates);
  const std::vector<RowList> folds = rows_by_fold(request);
  const auto rank = [&](const Scores& s) { return std::pair(score_by_name(s, request.score), -s.log_loss); };
  double least = -std::numeric_limits<double>::infinity();
  for (const torch::Tensor& table : candidates.probs)
    least = std::max(least, score_by_name(score(table, candidates.labels), request.score));
  Selection selection;
  std::optional<Scores> best;
  for (const std::string& method : methods_to_try(candidates, request.method)) {
    Fitted fitted = cross_fit(method, candidates, folds, request.score);
    selection.tried.push_back(fitted.scores);
    const bool loses = score_by_name(fitted.scores.in_sample, request.score) < least && request.method == "auto";
    if (loses || (best && rank(fitted.scores.cross_fitted) <= rank(*best))) continue;
    best = fitted.scores.cross_fitted;
    selection.blend = std::move(fitted.blend);
    selection.in_sample = fitted.in_sample, selection.cross_fitted = fitted.cross_fitted;
  }
  return selection;
}

Json to_json(const Blend& blend) {
  Json json{{"method", blend.method}, {"weights", blend.weights}};
  if (!blend.stack) return json;
  const torch::Tensor coefficients = blend.stack->coefficients.contiguous(), intercepts = blend.stack->intercepts;
  Json rows = Json::array();
  for (std::int64_t c = 0; c < coefficients.size(0); ++c) {
    const double* row = coefficients.const_data_ptr<double>() + c * coefficients.size(1);
    rows.push_back(std::vector<double>(row, row + coefficients.size(1)));
  }
  const double* first = intercepts.const_data_ptr<double>();
  json["stack"] = {{"penalty", blend.stack->penalty},
                   {"least_probability", kLeastLogProb},
                   {"intercepts", std::vector<double>(first, first + intercepts.numel())},
                   {"coefficients", rows}};
  return json;
}

Blend blend_from_json(const Json& json, std::size_t candidates, std::int64_t classes, const std::string& source) {
  try {
    Blend blend{.method = json.at("method"), .weights = json.at("weights").get<std::vector<double>>()};
    const double sum = std::accumulate(blend.weights.begin(), blend.weights.end(), 0.0);
    if (blend.weights.size() != candidates || !(std::abs(sum - 1) < 1e-6))
      throw DataError("{}: {} weights with the sum {} for {} candidates", source, blend.weights.size(), sum,
                      candidates);
    const bool known = blend.method == "mean" || blend.method == "best" || blend.method == "greedy";
    if (json.contains("stack") != (blend.method == "stack") || (!known && blend.method != "stack"))
      throw DataError("{}: the method '{}' does not fit the rest", source, blend.method);
    if (std::any_of(blend.weights.begin(), blend.weights.end(), [](double weight) { return !(weight >= 0); }))
      throw DataError("{}: a weight is negative", source);
    if (!json.contains("stack")) return blend;
    const Json& stack = json.at("stack");
    StackModel& model = blend.stack.emplace();
    model.penalty = stack.at("penalty");
    model.intercepts = at::tensor(stack.at("intercepts").get<std::vector<double>>(), at::kDouble);
    std::vector<double> flat;
    for (const Json& row : stack.at("coefficients")) {
      const auto values = row.get<std::vector<double>>();
      flat.insert(flat.end(), values.begin(), values.end());
    }
    const auto features = static_cast<std::int64_t>(candidates) * classes;
    if (model.intercepts.numel() != classes || static_cast<std::int64_t>(flat.size()) != classes * features)
      throw DataError("{}: the stack's coefficients do not fit {} candidates of {} classes", source, candidates,
                      classes);
    model.coefficients = at::tensor(flat, at::kDouble).reshape({classes, features});
    return blend;
  } catch (const Json::exception& error) {
    throw DataError("{} is damaged: {}", source, error.what());
  }
}

}  // namespace pleat
