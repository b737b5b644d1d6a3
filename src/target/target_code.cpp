#include "target/target_code.h"

#include <ATen/ops/erf.h>
#include <ATen/ops/log.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <numeric>

#include "base/error.h"

namespace pleat {
namespace {

// Lower limit of probabilities, so that their logarithms are finite.
constexpr double kLeastProbability = 1e-12;
constexpr double kLeastLogDeviation = -4.0, kMostLogDeviation = 3.0;

// Returns the numbers at which bins end. Each cut lies where neighbours in `sorted` differ, as near to an even share as
// possible, with enough such places left for the other bins.
std::vector<double> even_cuts(const std::vector<double>& sorted, int bins, const Target& target,
                              const std::string& who) {
  std::vector<std::size_t> places;
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i - 1] < sorted[i]) places.push_back(i);
  }
  const auto wanted = static_cast<std::size_t>(bins) - 1;
  if (places.size() < wanted) {
    throw DataError(
        "target {}, {}: {} bins need {} different numbers in column {}, but its {} training rows have {}; "
        "lower bins",
        target.name, who, bins, bins, target.column, sorted.size(), places.size() + 1);
  }
  std::vector<double> cuts;
  std::size_t next = 0;
  for (std::size_t bin = 1; bin <= wanted; ++bin) {
    const auto even = static_cast<double>(sorted.size() * bin) / static_cast<double>(bins);
    const std::size_t last = places.size() - (wanted - bin) - 1;
    std::size_t best = next;
    for (std::size_t i = next; i <= last; ++i) {
      if (std::abs(static_cast<double>(places[i]) - even) < std::abs(static_cast<double>(places[best]) - even))
        best = i;
    }
    const double below = sorted[places[best] - 1], above = sorted[places[best]];
    const double middle = std::midpoint(below, above);
    cuts.push_back(middle > below ? middle : above);  // the middle of adjacent doubles is one of them
    next = best + 1;
  }
  return cuts;
}

void fit_bins(const Target& target, const std::vector<double>& numbers, const std::string& who, TargetCode& code) {
  std::vector<double> sorted = numbers;
  std::sort(sorted.begin(), sorted.end());
  code.cuts = even_cuts(sorted, target.bins, target, who);
  code.shares.assign(std::size_t(target.bins), std::vector<double>(target.classes.size(), 0.0));
  std::vector<double> rows(std::size_t(target.bins), 0.0);
  for (const double number : numbers) {
    const auto bin = static_cast<std::size_t>(code.bin_of(number));
    code.shares[bin][std::size_t(class_by(target.train_edges, number))] += 1;
    rows[bin] += 1;
  }
  for (std::size_t bin = 0; bin < rows.size(); ++bin) {
    for (double& share : code.shares[bin]) share /= rows[bin];  // no bin is empty: each cut lies between two numbers
  }
}

void fit_number(const Target& target, const std::vector<double>& numbers, const std::string& who, TargetCode& code) {
  double sum = 0, squares = 0;
  for (const double number : numbers) sum += number;
  code.mean = sum / static_cast<double>(numbers.size());
  for (const double number : numbers) squares += (number - code.mean) * (number - code.mean);
  code.deviation = std::sqrt(squares / static_cast<double>(numbers.size()));
  code.edges = target.train_edges;
  if (code.deviation > 0) return;
  throw DataError(
      "target {}, {}: all {} training rows have the number {} in column {}, so there is nothing to learn; leave "
      "regress out",
      target.name, who, numbers.size(), code.mean, target.column);
}

torch::Tensor as_logits(const torch::Tensor& probs) {
  return at::log(probs.clamp_min(kLeastProbability)).to(at::kFloat);
}

torch::Tensor fold_bins(const TargetCode& code, const torch::Tensor& outputs) {
  std::vector<double> shares;
  for (const auto& bin : code.shares) shares.insert(shares.end(), bin.begin(), bin.end());
  const torch::Tensor table = at::tensor(shares, at::kDouble).reshape({code.outputs, code.classes});
  return as_logits(at::softmax(outputs.to(at::kCPU, at::kDouble), 1).matmul(table));
}

// The probabilities of a normal distribution between the edges.
torch::Tensor cut_normal(const TargetCode& code, const torch::Tensor& outputs) {
  const auto [mean, deviation] = predicted_number(code, outputs);
  std::vector<torch::Tensor> below{at::zeros_like(mean)};  // probability below each edge
  for (const double edge : code.edges)
    below.push_back((at::erf((edge - mean) / (deviation * std::numbers::sqrt2)) + 1) / 2);
  below.push_back(at::ones_like(mean));
  std::vector<torch::Tensor> within;
  for (std::size_t c = 1; c < below.size(); ++c) within.push_back(below[c] - below[c - 1]);
  return as_logits(at::stack(within, 1));
}

Teaching teaching_from(const std::string& name) {
  if (name == "classes") return Teaching::kClasses;
  if (name == "bins") return Teaching::kBins;
  if (name == "number") return Teaching::kNumber;
  throw std::invalid_argument("taught_as is '" + name + "'");
}

void check_code(const TargetCode& code) {
  const auto bins = static_cast<std::size_t>(code.outputs), classes = static_cast<std::size_t>(code.classes);
  const bool fits = code.teaching == Teaching::kClasses ? code.outputs == code.classes
                    : code.teaching == Teaching::kBins
                        ? code.shares.size() == bins && code.cuts.size() + 1 == bins &&
                              std::all_of(code.shares.begin(), code.shares.end(),
                                          [&](const auto& bin) { return bin.size() == classes; })
                        : code.outputs == 2 && code.edges.size() + 1 == classes && code.deviation > 0;
  if (!fits || code.classes < 2 || !(code.temperature > 0))
    throw std::invalid_argument("its parts do not fit each other");
}

}  // namespace

TargetCode fit_code(const Target& target, const std::vector<double>& numbers, const std::string& who) {
  TargetCode code{.teaching = target.teaching(), .classes = target.size(), .outputs = target.outputs()};
  if (code.teaching == Teaching::kBins) fit_bins(target, numbers, who, code);
  if (code.teaching == Teaching::kNumber) fit_number(target, numbers, who, code);
  return code;
}

torch::Tensor class_logits(const TargetCode& code, const torch::Tensor& outputs) {
  torch::Tensor logits;
  switch (code.teaching) {
    case Teaching::kBins:
      logits = fold_bins(code, outputs);
      break;
    case Teaching::kNumber:
      logits = cut_normal(code, outputs);
      break;
    default:
      logits = outputs.to(at::kCPU, at::kFloat);
  }
  return code.temperature == 1 ? logits : logits / code.temperature;
}

torch::Tensor log_deviation(const torch::Tensor& output) {
  constexpr double kMiddle = (kLeastLogDeviation + kMostLogDeviation) / 2;
  constexpr double kHalf = (kMostLogDeviation - kLeastLogDeviation) / 2;
  return at::tanh((output - kMiddle) / kHalf) * kHalf + kMiddle;
}

std::pair<torch::Tensor, torch::Tensor> predicted_number(const TargetCode& code, const torch::Tensor& outputs) {
  const torch::Tensor values = outputs.to(at::kCPU, at::kDouble);
  return {values.select(1, 0) * code.deviation + code.mean, log_deviation(values.select(1, 1)).exp() * code.deviation};
}

Json to_json(const TargetCode& code) {
  Json json;
  switch (code.teaching) {
    case Teaching::kBins:
      json = {{"taught_as", "bins"}, {"cuts", code.cuts}, {"class_shares", code.shares}};
      break;
    case Teaching::kNumber:
      json = {{"taught_as", "number"},
              {"mean", code.mean},
              {"deviation", code.deviation},
              {"edges", code.edges},
              {"log_deviation", {kLeastLogDeviation, kMostLogDeviation}}};
      break;
    default:
      json = {{"taught_as", "classes"}, {"classes", code.classes}};
  }
  if (code.temperature != 1) json["temperature"] = code.temperature;
  return json;
}

TargetCode code_from_json(const Json& json, const std::string& source) {
  try {
    TargetCode code{.teaching = teaching_from(json.at("taught_as"))};
    if (code.teaching == Teaching::kClasses) {
      code.classes = code.outputs = json.at("classes");
    } else if (code.teaching == Teaching::kBins) {
      code.cuts = json.at("cuts").get<std::vector<double>>();
      code.shares = json.at("class_shares").get<std::vector<std::vector<double>>>();
      code.outputs = static_cast<int>(code.shares.size());
      code.classes = code.shares.empty() ? 0 : static_cast<int>(code.shares.front().size());
    } else {
      code.mean = json.at("mean");
      code.deviation = json.at("deviation");
      code.edges = json.at("edges").get<std::vector<double>>();
      code.outputs = 2;
      code.classes = static_cast<int>(code.edges.size()) + 1;
    }
    code.temperature = json.value("temperature", 1.0);
    check_code(code);
    return code;
  } catch (const std::exception& error) {
    throw DataError("{}: cannot read the code of its targets ({}); run pleat train again in that run folder", source,
                    error.what());
  }
}

}  // namespace pleat
