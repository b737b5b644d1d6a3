#include "rounds/summary.h"

#include "base/wording.h"

namespace pleat {
namespace {

Json to_json(const Scores& scores, const std::string& name) {
  Json json = to_json(scores);
  json["score"] = score_by_name(scores, name);
  return json;
}

Json by_fold(const std::vector<Scores>& scores, const std::string& name) {
  Json folds = Json::array();
  for (std::size_t i = 0; i < scores.size(); ++i) {
    Json fold{{"fold", i}};
    fold.update(to_json(scores[i], name));
    folds.push_back(fold);
  }
  return folds;
}

Json to_json(const NumberScores& scores) {
  return {{"mae", scores.mae}, {"rmse", scores.rmse}, {"within_deviation", scores.within}};
}

Json to_json(const std::optional<Interval>& interval) {
  if (!interval) return nullptr;
  return {{"value", interval->value}, {"low", interval->low}, {"high", interval->high}};
}

std::string number_row(std::size_t width, const char* name, const NumberScores& scores) {
  return fmt::format("  {:<{}} mean absolute error {:.3g}, RMS error {:.3g}; {:.0f} % within one deviation\n", name,
                     width, scores.mae, scores.rmse, 100 * scores.within);
}

std::string table_row(std::size_t width, const std::string& name, const Scores& scores, const std::string& note = "") {
  return fmt::format("  {:<{}} {:>9.4f} {:>9.4f} {:>9.4f}{}\n", name, width, scores.accuracy, scores.macro_f1,
                     scores.log_loss, note.empty() ? "" : "   " + note);
}

Scores mean_of(const std::vector<Scores>& all) {
  Scores mean;
  for (const Scores& each : all) {
    mean.accuracy += each.accuracy / static_cast<double>(all.size());
    mean.macro_f1 += each.macro_f1 / static_cast<double>(all.size());
    mean.log_loss += each.log_loss / static_cast<double>(all.size());
  }
  return mean;
}

// For comparison with the ensemble: the mean score of single folds' networks.
std::string one_fold_row(std::size_t width, const std::vector<Scores>& folds, const std::string& score_name) {
  const Scores mean = mean_of(folds);
  return table_row(width, "test, one fold", mean,
                   fmt::format("{} {:.4f} ± {:.4f} over {} folds alone", score_name, shown_score(mean, score_name),
                               spread_of(folds, score_name), folds.size()));
}

// The ensemble's method and weights, and its score beside that of the same method fitted on all rows.
Json describe_ensemble(const TargetScores& target, const std::string& score_name) {
  Json json{{"in_sample", to_json(target.in_sample, score_name)}, {"cross_fitted", to_json(target.oof, score_name)}};
  if (target.blend.method.empty()) return json;
  json["method"] = target.blend.method;
  for (std::size_t m = 0; m < target.models.size(); ++m) json["weights"][target.models[m].id] = target.blend.weights[m];
  return json;
}

// "greedy (r18 0.75, b4 0.25), 0.9034 in sample".
std::string ensemble_note(const TargetScores& target, const std::string& score_name) {
  const Blend& blend = target.blend;
  std::string weights;
  for (std::size_t m = 0; m < target.models.size() && !blend.stack && blend.method != "mean"; ++m) {
    if (m < blend.weights.size() && blend.weights[m] > 0)
      weights += fmt::format("{}{} {:.2f}", weights.empty() ? "" : ", ", target.models[m].id, blend.weights[m]);
  }
  const std::string method = blend.method.empty() ? "" : fmt::format("; {}", blend.method);
  return fmt::format("{}{}, {:.4f} in sample", method, weights.empty() ? "" : fmt::format(" ({})", weights),
                     shown_score(target.in_sample, score_name));
}

// Adds a note if the two macro F1 scores cover different classes.
std::string against_oof(const TargetScores& target, const std::string& score_name) {
  const double oof = shown_score(target.oof, score_name), test = shown_score(*target.test, score_name);
  const std::string text = fmt::format("{} {:.4f}, {:+.4f} against OOF", score_name, test, test - oof);
  if (score_name != "macro_f1" || target.oof_alone + target.test_alone == 0) return text;
  return text + fmt::format(" (classes only in OOF: {}, only in test: {})", target.oof_alone, target.test_alone);
}

Json describe_targets(const std::vector<TargetScores>& targets, const std::string& score_name) {
  Json all = Json::object();
  for (const TargetScores& target : targets) {
    Json oof = to_json(target.oof, score_name);
    oof["score_spread"] = target.spread;
    Json models = Json::object();
    for (const ModelScores& model : target.models) {
      models[model.id] = to_json(model.oof, score_name);
      models[model.id]["test"] = model.test ? to_json(*model.test, score_name) : Json(nullptr);
      if (model.test) models[model.id]["test"]["folds"] = by_fold(model.test_folds, score_name);
    }
    Json test = target.test ? to_json(*target.test, score_name) : Json(nullptr);
    if (target.oof_number) oof["number"] = to_json(*target.oof_number);
    if (target.test_number) test["number"] = to_json(*target.test_number);
    all[target.target] = {{"oof", oof},
                          {"test", test},
                          {"folds", by_fold(target.folds, score_name)},
                          {"models", models},
                          {"ensemble", describe_ensemble(target, score_name)},
                          {"leak_meter", to_json(target.leak)}};
  }
  return all;
}

Json describe_round(const RoundSummary& round, bool several, const std::string& score_name) {
  Json json{{"round", round.round}, {"jobs", round.jobs}, {"done_before", round.done_before}, {"failed", round.failed}};
  if (!several || round.targets.empty()) return json;
  json["score"] = round.score;
  for (const TargetScores& target : round.targets) {
    json["targets"][target.target] = {{"oof", to_json(target.oof, score_name)},
                                      {"test", target.test ? to_json(*target.test, score_name) : Json(nullptr)},
                                      {"leak_meter", to_json(target.leak)}};
  }
  return json;
}

}  // namespace

Json summarise(const std::vector<RoundSummary>& rounds, int result, const std::string& score_name,
               const RunTotals& totals, const std::vector<std::string>& notes) {
  Json all = Json::array();
  for (const RoundSummary& round : rounds) all.push_back(describe_round(round, rounds.size() > 1, score_name));
  return {{"score", score_name},
          {"targets", describe_targets(rounds[std::size_t(result)].targets, score_name)},
          {"wall_seconds", totals.wall_seconds},
          {"train_images_per_second", totals.train_images_per_second},
          {"ranks", totals.ranks},
          {"threads", totals.threads},
          {"device", totals.device},
          {"precision", totals.precision},
          {"promise", totals.promise},
          {"result_round", result},
          {"notes", notes},
          {"rounds", all}};
}

namespace {

std::string table_of(const TargetScores& target, const std::string& score_name) {
  std::string text;
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
                    fmt::format("{} {:.4f} ± {:.4f} over folds{}", score_name, oof, target.spread,
                                several ? ensemble_note(target, score_name) : ""));
  if (target.oof_number) text += number_row(width, "OOF number", *target.oof_number);
  for (const ModelScores& model : target.models) {
    if (several && model.test) text += table_row(width, "test " + model.id, *model.test);
  }
  if (target.test) text += table_row(width, "held-out test", *target.test, against_oof(target, score_name));
  if (target.test && !several) text += one_fold_row(width, target.models.front().test_folds, score_name);
  if (target.test_number) text += number_row(width, "test number", *target.test_number);
  return text;
}

// "+0.012 [-0.004, 0.030]".
std::string leak_text(const TargetScores& target) {
  return target.leak ? fmt::format("{:+.3f} [{:.3f}, {:.3f}]", target.leak->value, target.leak->low, target.leak->high)
                     : "";
}

// One line a round: the scores of all its targets, and the leak meter of the last one.
std::string rounds_table(const std::vector<RoundSummary>& rounds, int result, const std::string& score_name) {
  if (rounds.front().targets.empty()) return "";
  std::string text = fmt::format("\n{:<16}", "rounds");
  for (const TargetScores& target : rounds.front().targets) text += fmt::format(" {:>17.17}", target.target);
  const bool tested = rounds.front().targets.back().leak.has_value();
  text += tested ? fmt::format(" {:>24}\n", "leak meter") : "\n";
  for (const RoundSummary& round : rounds) {
    text += fmt::format("  {:<14}", fmt::format("round {}", round.round));
    for (const TargetScores& target : round.targets) {
      const std::string test = target.test ? fmt::format(" / {:.4f}", shown_score(*target.test, score_name)) : "";
      text += fmt::format(" {:>17}", fmt::format("{:.4f}{}", shown_score(target.oof, score_name), test));
    }
    if (tested && !round.targets.empty()) text += fmt::format(" {:>24}", leak_text(round.targets.back()));
    text += round.round == result ? "   the result\n" : round.failed > 0 ? "   failed jobs\n" : "\n";
  }
  text += fmt::format("  {}: OOF{}\n", score_name, tested ? ", then held-out test" : "");
  if (!tested) return text;
  return text +
         fmt::format("  leak meter: OOF less held-out score of {}, both by one fold's models, with its 95 % interval\n",
                     rounds.front().targets.back().target);
}

}  // namespace

std::string scores_table(const std::vector<RoundSummary>& rounds, int result, const std::string& score_name,
                         const std::vector<std::string>& notes) {
  std::string text;
  for (const TargetScores& target : rounds[std::size_t(result)].targets) text += table_of(target, score_name);
  if (rounds.size() > 1) text += rounds_table(rounds, result, score_name);
  for (const std::string& note : notes) text += fmt::format("  note: {}\n", note);
  return text;
}

std::string final_table(const std::vector<RoundSummary>& rounds, int result, const std::string& score_name,
                        const RunTotals& totals, const std::vector<std::string>& notes) {
  int jobs = 0, done_before = 0;
  for (const RoundSummary& round : rounds) jobs += round.jobs, done_before += round.done_before;
  const std::string before = done_before ? fmt::format(" ({} were done before)", done_before) : "";
  std::string text = scores_table(rounds, result, score_name, notes);
  text += fmt::format("\n{}{}, {} x {}, {}, {}", counted(jobs, "job"), before, counted(totals.ranks, "rank"),
                      counted(totals.threads, "thread"), totals.device, totals.precision);
  if (totals.train_images_per_second > 0)
    text += fmt::format(", {:.0f} training images/s", totals.train_images_per_second);
  return text + fmt::format(", {} in all\n", duration_text(totals.wall_seconds));
}

}  // namespace pleat
