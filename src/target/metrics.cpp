#include "target/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <stdexcept>

#include "base/error.h"

namespace pleat {
namespace {

// Rounding may put a probability this far outside of [0, 1]; more is an error.
constexpr double kRounding = 1e-6;

struct Checked {
  torch::Tensor probs;   // [N, C] contiguous float64
  torch::Tensor labels;  // [N] contiguous int64
  double epsilon = 0;    // of the probabilities' original type
  std::int64_t rows = 0, classes = 0;

  std::span<const double> row(std::int64_t i) const {
    return {probs.const_data_ptr<double>() + i * classes, static_cast<std::size_t>(classes)};
  }
  std::int64_t label(std::int64_t i) const { return labels.const_data_ptr<std::int64_t>()[i]; }
};

void check_values(const Checked& checked) {
  for (std::int64_t i = 0; i < checked.rows; ++i) {
    for (const double p : checked.row(i)) {
      if (!(p >= -kRounding && p <= 1 + kRounding)) {
        throw DataError("row {} has the probability {}; scores need finite values in [0, 1]", i, p);
      }
    }
    if (checked.label(i) < 0 || checked.label(i) >= checked.classes) {
      throw DataError("row {} has label {}; with {} classes labels are 0 to {}", i, checked.label(i), checked.classes,
                      checked.classes - 1);
    }
  }
}

Checked check(const torch::Tensor& probs, const torch::Tensor& labels) {
  if (probs.dim() != 2 || probs.size(1) == 0 || labels.dim() != 1 || labels.size(0) != probs.size(0)) {
    throw std::invalid_argument("scores need probabilities [N, C] and labels [N]");
  }
  if (probs.scalar_type() != torch::kFloat32 && probs.scalar_type() != torch::kFloat64) {
    throw std::invalid_argument("scores need probabilities in float32 or float64");
  }
  if (probs.size(0) == 0) throw DataError("there are no rows to score; a score needs at least one labelled row");
  Checked checked;
  checked.probs = probs.detach().to(torch::kCPU, torch::kFloat64).contiguous();
  checked.labels = labels.to(torch::kCPU, torch::kInt64).contiguous();
  checked.epsilon = probs.scalar_type() == torch::kFloat32 ? std::numeric_limits<float>::epsilon()
                                                           : std::numeric_limits<double>::epsilon();
  checked.rows = probs.size(0);
  checked.classes = probs.size(1);
  check_values(checked);
  return checked;
}

// The first of the largest, like numpy's argmax; torch's argmax does not define ties.
std::int64_t predicted(std::span<const double> row) { return std::max_element(row.begin(), row.end()) - row.begin(); }

torch::Tensor confusion_of(const Checked& checked) {
  torch::Tensor counts = torch::zeros({checked.classes, checked.classes}, torch::kInt64);
  auto* cell = counts.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < checked.rows; ++i) {
    ++cell[checked.label(i) * checked.classes + predicted(checked.row(i))];
  }
  return counts;
}

double macro_f1_of(const torch::Tensor& confusion) {
  const auto cell = confusion.accessor<std::int64_t, 2>();
  std::vector<ClassCounts> classes(static_cast<std::size_t>(confusion.size(0)));
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const auto own = static_cast<std::int64_t>(c);
    classes[c].hit = cell[own][own];
    for (std::int64_t other = 0; other < confusion.size(0); ++other) {
      classes[c].labelled += cell[own][other];
      classes[c].guessed += cell[other][own];
    }
  }
  return macro_f1(classes);
}

// Clips at the epsilon of the original type and does not renormalise, like scikit-learn since 1.5. Sums in float64 for
// every type.
double log_loss_of(const Checked& checked) {
  double sum = 0;
  for (std::int64_t i = 0; i < checked.rows; ++i) {
    const double p = checked.row(i)[static_cast<std::size_t>(checked.label(i))];
    sum -= std::log(std::clamp(p, checked.epsilon, 1 - checked.epsilon));
  }
  return sum / static_cast<double>(checked.rows);
}

}  // namespace

double macro_f1(const std::vector<ClassCounts>& classes) {
  double sum = 0;
  int occurring = 0;
  for (const ClassCounts& each : classes) {
    if (each.labelled + each.guessed == 0) continue;
    sum += 2.0 * static_cast<double>(each.hit) / static_cast<double>(each.labelled + each.guessed);
    ++occurring;
  }
  return sum / occurring;
}

Json to_json(const Scores& scores) {
  return {{"accuracy", scores.accuracy}, {"macro_f1", scores.macro_f1}, {"log_loss", scores.log_loss}};
}

Scores score(const torch::Tensor& probs, const torch::Tensor& labels) {
  const Checked checked = check(probs, labels);
  const torch::Tensor counts = confusion_of(checked);
  return {.accuracy = static_cast<double>(counts.trace().item<std::int64_t>()) / static_cast<double>(checked.rows),
          .macro_f1 = macro_f1_of(counts),
          .log_loss = log_loss_of(checked)};
}

NumberScores score_numbers(const torch::Tensor& normal, const torch::Tensor& numbers) {
  if (numbers.numel() == 0) throw DataError("there are no numbers to score");
  const torch::Tensor off = (normal.select(1, 0) - numbers).abs();
  return {.mae = off.mean().item<double>(),
          .rmse = (off * off).mean().sqrt().item<double>(),
          .within = (off <= normal.select(1, 1)).to(at::kDouble).mean().item<double>()};
}

torch::Tensor confusion(const torch::Tensor& probs, const torch::Tensor& labels) {
  return confusion_of(check(probs, labels));
}

double score_by_name(const Scores& scores, const std::string& name) {
  if (name == "accuracy") return scores.accuracy;
  if (name == "macro_f1") return scores.macro_f1;
  if (name == "log_loss") return -scores.log_loss;
  throw UsageError("score '{}' is not known; it is one of accuracy, macro_f1, log_loss", name);
}

double shown_score(const Scores& scores, const std::string& name) {
  const double score = score_by_name(scores, name);
  return name == "log_loss" ? -score : score;
}

double spread(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  double mean = 0;
  for (const double value : values) mean += value;
  mean /= static_cast<double>(values.size());
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

}  // namespace pleat
