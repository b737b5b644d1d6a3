#include "rounds/summary.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/tensor.h>

#include "data/sample_table.h"

namespace pleat {
namespace {

Json to_json(const Scores& scores, const std::string& name) {
  return {{"accuracy", scores.accuracy},
          {"macro_f1", scores.macro_f1},
          {"log_loss", scores.log_loss},
          {"score", score_by_name(scores, name)}};
}

Json to_json(const NumberScores& scores) {
  return {{"mae", scores.mae}, {"rmse", scores.rmse}, {"within_deviation", scores.within}};
}

std::string number_row(std::size_t width, const char* name, const NumberScores& scores) {
  return fmt::format("  {:<{}} off by {:.3g} (mean), {:.3g} (root of squares); {:.0f} % within one deviation\n", name,
                     width, scores.mae, scores.rmse, 100 * scores.within);
}

std::string table_row(std::size_t width, const std::string& name, const Scores& scores, const std::string& note = "") {
  return fmt::format("  {:<{}} {:>9.4f} {:>9.4f} {:>9.4f}{}\n", name, width, scores.accuracy, scores.macro_f1,
                     scores.log_loss, note.empty() ? "" : "   " + note);
}

std::string duration(double seconds) {
  const auto whole = static_cast<long>(seconds + 0.5);
  return whole < 60 ? fmt::format("{:.1f} s", seconds) : fmt::format("{} min {:02} s", whole / 60, whole % 60);
}

// Of the held-out rows that have a label; none if there are none.
std::optional<Scores> score_test(const torch::Tensor& probs, int target, const Dataset& dataset) {
  if (!probs.defined()) return std::nullopt;
  std::vector<std::int64_t> labels;
  for (const std::int64_t row : dataset.test)
    labels.push_back(dataset.labels[std::size_t(target)].classes[std::size_t(row)]);
  const torch::Tensor all = at::tensor(labels, at::kLong), labelled = at::nonzero(all >= 0).squeeze(1);
  if (labelled.numel() == 0) return std::nullopt;
  return score(probs.index_select(0, labelled), all.index_select(0, labelled));
}

}  // namespace

TargetScores score_target(const GatheredTarget& gathered, const Dataset& dataset, const FoldPlan& plan,
                          const std::string& score_name) {
  const OofTable& oof = gathered.oof;
  TargetScores scores{.target = oof.target, .oof = score(oof.ensemble, oof.labels)};
  const torch::Tensor fold_of = at::tensor(plan.fold_of.front(), at::kInt);
  std::vector<double> fold_scores;
  for (int fold = 0; fold < plan.k; ++fold) {
    const torch::Tensor rows = at::nonzero(fold_of == fold).squeeze(1);
    scores.folds.push_back(score(oof.ensemble.index_select(0, rows), oof.labels.index_select(0, rows)));
    fold_scores.push_back(score_by_name(scores.folds.back(), score_name));
  }
  scores.spread = spread(fold_scores);
  scores.test = score_test(gathered.test, gathered.target, dataset);
  for (std::size_t m = 0; m < oof.models.size(); ++m) {
    scores.models.push_back({.id = oof.models[m].id,
                             .oof = score(oof.models[m].probs, oof.labels),
                             .test = score_test(gathered.model_test[m], gathered.target, dataset)});
  }
  if (oof.normal.defined()) scores.oof_number = score_numbers(oof.normal, oof.numbers);
  if (gathered.test_normal.defined()) {
    const torch::Tensor numbers = numbers_of(dataset, gathered.target, dataset.test);
    const torch::Tensor known = at::nonzero(at::isfinite(numbers)).squeeze(1);
    if (known.numel() > 0)
      scores.test_number = score_numbers(gathered.test_normal.index_select(0, known), numbers.index_select(0, known));
  }
  return scores;
}

Json summarise(const std::vector<TargetScores>& targets, const std::string& score_name, const RunFacts& facts) {
  Json all = Json::object();
  for (const TargetScores& target : targets) {
    Json oof = to_json(target.oof, score_name);
    oof["score_spread"] = target.spread;
    Json folds = Json::array(), models = Json::object();
    for (std::size_t i = 0; i < target.folds.size(); ++i) {
      Json fold{{"fold", i}};
      fold.update(to_json(target.folds[i], score_name));
      folds.push_back(fold);
    }
    for (const ModelScores& model : target.models) {
      models[model.id] = to_json(model.oof, score_name);
      models[model.id]["test"] = model.test ? to_json(*model.test, score_name) : Json(nullptr);
    }
    Json test = target.test ? to_json(*target.test, score_name) : Json(nullptr);
    if (target.oof_number) oof["number"] = to_json(*target.oof_number);
    if (target.test_number) test["number"] = to_json(*target.test_number);
    all[target.target] = {{"oof", oof}, {"test", test}, {"folds", folds}, {"models", models}};
  }
  return {
      {"score", score_name},
      {"targets", all},
      {"wall_seconds", facts.wall_seconds},
      {"train_images_per_second", facts.train_images_per_second},
      {"ranks", facts.ranks},
      {"threads", facts.threads},
      {"device", facts.device},
      {"precision", facts.precision},
      {"promise", facts.promise},
      {"rounds", {{{"round", 0}, {"jobs", facts.jobs}, {"done_before", facts.done_before}, {"failed", facts.failed}}}}};
}

std::string final_table(const std::vector<TargetScores>& targets, const std::string& score_name,
                        const RunFacts& facts) {
  std::string text;
  for (const TargetScores& target : targets) {
    std::size_t width = std::max<std::size_t>(14, target.target.size());
    for (const ModelScores& model : target.models) width = std::max(width, model.id.size() + 5);
    text += fmt::format("\n{:<{}} {:>9} {:>9} {:>9}\n", target.target, width + 2, "accuracy", "macro_f1", "log_loss");
    for (std::size_t i = 0; i < target.folds.size(); ++i)
      text += table_row(width, fmt::format("fold {}", i), target.folds[i]);
    const bool several = target.models.size() > 1;
    for (const ModelScores& model : target.models) {
      if (several) text += table_row(width, "OOF " + model.id, model.oof);
    }
    const double oof = shown_score(target.oof, score_name);
    text += table_row(width, "OOF ensemble", target.oof,
                      fmt::format("{} {:.4f} ± {:.4f} over folds", score_name, oof, target.spread));
    if (target.oof_number) text += number_row(width, "OOF number", *target.oof_number);
    for (const ModelScores& model : target.models) {
      if (several && model.test) text += table_row(width, "test " + model.id, *model.test);
    }
    if (target.test) {
      const double test = shown_score(*target.test, score_name);
      text += table_row(width, "held-out test", *target.test,
                        fmt::format("{} {:.4f}, {:+.4f} against OOF", score_name, test, test - oof));
    }
    if (target.test_number) text += number_row(width, "test number", *target.test_number);
  }
  const std::string before = facts.done_before ? fmt::format(" ({} were done before)", facts.done_before) : "";
  text += fmt::format("\n{} jobs{}, {} rank{} x {} thread{}, {}, {}", facts.jobs, before, facts.ranks,
                      facts.ranks == 1 ? "" : "s", facts.threads, facts.threads == 1 ? "" : "s", facts.device,
                      facts.precision);
  if (facts.train_images_per_second > 0)
    text += fmt::format(", {:.0f} training images/s", facts.train_images_per_second);
  return text + fmt::format(", {} in all\n", duration(facts.wall_seconds));
}

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
