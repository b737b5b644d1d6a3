#include "inference/label_scores.h"

#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/wording.h"

namespace pleat {
namespace {

constexpr std::size_t kMostNamed = 10;

using Column = std::vector<std::string>;

// The classes of one target by predicted row, -1 for none.
struct Codes {
  std::vector<std::int64_t> classes;
  std::size_t unknown = 0;
  Column unknown_labels;
};

Codes codes_of(const Target& target, const Column& column, const std::vector<std::int64_t>& rows,
               const std::vector<bool>& scored) {
  Codes codes{.classes = std::vector<std::int64_t>(rows.size(), -1)};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string& label = column[std::size_t(rows[i])];
    if (!scored[i] || label.empty()) continue;
    codes.classes[i] = target.encode(label);
    if (codes.classes[i] >= 0) continue;
    ++codes.unknown;
    Column& named = codes.unknown_labels;
    if (named.size() < kMostNamed && std::find(named.begin(), named.end(), label) == named.end())
      named.push_back(label);
  }
  return codes;
}

Codes joint_codes(const JointTarget& joint, const std::vector<std::optional<Codes>>& own, std::size_t rows) {
  Codes codes{.classes = std::vector<std::int64_t>(rows, -1)};
  const auto is_missing = [&](int component) { return !own[std::size_t(component)]; };
  if (std::any_of(joint.of.begin(), joint.of.end(), is_missing)) return codes;
  for (std::size_t i = 0; i < rows; ++i) {
    std::vector<std::int64_t> components;
    for (const int component : joint.of) components.push_back(own[std::size_t(component)]->classes[i]);
    codes.classes[i] = joint_class(joint, components);
  }
  return codes;
}

NumberScores score_normal(const torch::Tensor& normal, const Column& column, const std::vector<std::int64_t>& rows,
                          const torch::Tensor& places) {
  std::vector<double> numbers;
  const auto* first = places.const_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < places.numel(); ++i)
    numbers.push_back(number_of(column[std::size_t(rows[std::size_t(first[i])])]).value());
  return score_numbers(normal.index_select(0, places), at::tensor(numbers, at::kDouble));
}

LabelScores score_codes(const TargetProbs& predicted, const Codes& codes, torch::Tensor& places) {
  std::vector<std::int64_t> known, labels;
  for (std::size_t i = 0; i < codes.classes.size(); ++i) {
    if (codes.classes[i] < 0) continue;
    known.push_back(static_cast<std::int64_t>(i));
    labels.push_back(codes.classes[i]);
  }
  LabelScores scores{.target = predicted.target,
                     .rows = known.size(),
                     .unknown = codes.unknown,
                     .unknown_labels = codes.unknown_labels};
  places = at::tensor(known, at::kLong);
  if (!known.empty()) scores.scores = score(predicted.probs.index_select(0, places), at::tensor(labels, at::kLong));
  return scores;
}

}  // namespace

bool has_labels(const TargetPlan& plan, const SampleTable& table, const std::vector<std::int64_t>& rows) {
  for (std::size_t t = 0; t < plan.own(); ++t) {
    const Column* column = table.find(plan.targets[t].column);
    if (column == nullptr) continue;
    const auto has_label = [&](std::int64_t row) { return !(*column)[std::size_t(row)].empty(); };
    if (std::any_of(rows.begin(), rows.end(), has_label)) return true;
  }
  return false;
}

std::vector<LabelScores> score_labels(const TargetPlan& plan, const SampleTable& table,
                                      const std::vector<std::int64_t>& rows, const std::vector<bool>& scored,
                                      const std::vector<TargetProbs>& predicted) {
  std::vector<std::optional<Codes>> codes(plan.targets.size());
  for (std::size_t t = 0; t < plan.own(); ++t) {
    if (const Column* column = table.find(plan.targets[t].column))
      codes[t] = codes_of(plan.targets[t], *column, rows, scored);
  }
  if (plan.joint) codes.back() = joint_codes(*plan.joint, codes, rows.size());
  std::vector<LabelScores> all;
  for (std::size_t t = 0; t < codes.size(); ++t) {
    if (!codes[t]) continue;
    torch::Tensor places;
    LabelScores scores = score_codes(predicted[t], *codes[t], places);
    if (scores.rows == 0 && scores.unknown == 0) continue;
    if (predicted[t].normal.defined() && scores.rows > 0)
      scores.number = score_normal(predicted[t].normal, table.column(plan.targets[t].column), rows, places);
    all.push_back(std::move(scores));
  }
  return all;
}

std::string scores_json(const std::vector<LabelScores>& all, const std::string& predictions, std::size_t training_rows,
                        const std::string& score_name) {
  Json targets = Json::object();
  for (const LabelScores& each : all) {
    Json& json = targets[each.target] = {{"rows", each.rows}};
    if (each.rows > 0) {
      json.update(to_json(each.scores));
      json["score"] = score_by_name(each.scores, score_name);
    }
    if (each.number)
      json["number"] = {
          {"mae", each.number->mae}, {"rmse", each.number->rmse}, {"within_deviation", each.number->within}};
    json["unknown"] = {{"rows", each.unknown}, {"labels", each.unknown_labels}};
  }
  const Json json{
      {"predictions", predictions}, {"score", score_name}, {"training_rows", training_rows}, {"targets", targets}};
  // A file name need not be UTF-8: other bytes become U+FFFD.
  return json.dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + "\n";
}

std::string scores_table(const std::vector<LabelScores>& all) {
  std::string text;
  for (const LabelScores& each : all) {
    if (each.rows == 0) continue;
    const std::size_t width = std::max<std::size_t>(16, each.target.size());
    text += fmt::format("\n{:<{}} {:>9} {:>9} {:>9}\n", each.target, width, "accuracy", "macro_f1", "log_loss");
    text += fmt::format("  {:<{}} {:>9.4f} {:>9.4f} {:>9.4f}\n", counted(std::int64_t(each.rows), "row"), width - 2,
                        each.scores.accuracy, each.scores.macro_f1, each.scores.log_loss);
    if (each.number) {
      text += fmt::format("  {:<{}} mean absolute error {:.3g}, RMS error {:.3g}; {:.0f} % within one deviation\n",
                          "number", width - 2, each.number->mae, each.number->rmse, 100 * each.number->within);
    }
  }
  return text;
}

}  // namespace pleat
