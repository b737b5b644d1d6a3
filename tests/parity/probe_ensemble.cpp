#include <torch/types.h>

#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

#include "base/files.h"
#include "ensemble/greedy.h"
#include "ensemble/selection.h"
#include "ensemble/stack.h"
#include "parity_probe.h"

namespace pleat {
namespace {

torch::Tensor take(const std::string& bytes, std::size_t& at, std::vector<std::int64_t> shape, torch::ScalarType type) {
  torch::Tensor tensor = torch::empty(shape, type);
  if (at + tensor.nbytes() > bytes.size()) throw std::invalid_argument("the file is shorter than it says");
  std::memcpy(tensor.data_ptr(), bytes.data() + at, tensor.nbytes());
  at += tensor.nbytes();
  return tensor;
}

// The file: M tables [N, C] float64, labels [N] int64, folds [N] int64.
struct Problem {
  Candidates candidates;
  std::vector<int> fold_of;

  Problem(const std::string& path, std::int64_t count, std::int64_t rows, std::int64_t classes) {
    const std::string bytes = read_file(path);
    std::size_t at = 0;
    for (std::int64_t m = 0; m < count; ++m)
      candidates.probs.push_back(take(bytes, at, {rows, classes}, torch::kFloat64));
    candidates.labels = take(bytes, at, {rows}, torch::kInt64);
    const torch::Tensor folds = take(bytes, at, {rows}, torch::kInt64);
    for (std::int64_t i = 0; i < rows; ++i) fold_of.push_back(static_cast<int>(folds[i].item<std::int64_t>()));
  }
};

}  // namespace

void probe_ensemble(const Arguments& arguments) {
  if (arguments.size() < 6) throw std::invalid_argument("expected FILE M N C greedy|stack|select SCORE|PENALTY|METHOD");
  const std::int64_t classes = std::stoll(arguments[3]);
  const Problem problem(arguments[0], std::stoll(arguments[1]), std::stoll(arguments[2]), classes);
  const std::string& what = arguments[4];
  RowList rows(std::size_t(problem.candidates.rows()));
  std::iota(rows.begin(), rows.end(), 0);
  nlohmann::json result;
  if (what == "greedy") {
    result = greedy_picks(problem.candidates, rows, arguments[5]);
  } else if (what == "stack") {
    const torch::Tensor features = log_features(problem.candidates.probs, rows);
    const StackModel model = fit_stack(features, problem.candidates.labels, classes, std::stod(arguments[5]));
    const torch::Tensor probs = stack_probs(model, features).contiguous();
    result = std::vector<double>(probs.const_data_ptr<double>(), probs.const_data_ptr<double>() + probs.numel());
  } else {
    const int k = 1 + *std::max_element(problem.fold_of.begin(), problem.fold_of.end());
    const Selection selection = select_blend(problem.candidates, {arguments[5], "macro_f1", problem.fold_of, k});
    result = {{"method", selection.blend.method}, {"weights", selection.blend.weights}};
    for (const MethodScores& tried : selection.tried)
      result["tried"][tried.method] = {tried.in_sample.macro_f1, tried.cross_fitted.macro_f1};
  }
  std::puts(result.dump().c_str());
}

}  // namespace pleat
