#include "report/compare_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/run_log.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "report/board_text.h"
#include "report/compare_page.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

constexpr const char* kJsonStart = "{\n \"experiments\"";

struct Found {
  std::vector<RunResult> runs;
  std::vector<std::pair<std::string, std::string>> apart;  // run, reason
};

// A run that is named itself must be readable; of a folder of runs, those that are not are listed.
Found read_all(const std::vector<fs::path>& paths) {
  Found found;
  std::vector<fs::path> seen;
  for (const fs::path& path : paths) {
    const std::vector<fs::path> runs = runs_at(path);
    const bool named = runs.size() == 1 && lies_inside(path, runs.front());
    for (const fs::path& run : runs) {
      const fs::path real = resolved_path(run);
      if (std::find(seen.begin(), seen.end(), real) != seen.end()) continue;
      seen.push_back(real);
      try {
        found.runs.push_back(read_result(run));
      } catch (const DataError& error) {
        if (named) throw;
        found.apart.emplace_back(run.string(), error.what());
      }
    }
  }
  return found;
}

// The folders' names; of folders with the same name, their paths.
std::vector<std::string> names_of(const std::vector<RunResult>& runs) {
  std::map<std::string, int> count;
  for (const RunResult& run : runs) ++count[run.name];
  std::vector<std::string> names;
  for (const RunResult& run : runs) names.push_back(shown(count[run.name] == 1 ? run.name : run.folder.string(), 80));
  return names;
}

const Experiment& largest(const std::vector<Experiment>& experiments) {
  return *std::max_element(experiments.begin(), experiments.end(),
                           [](const Experiment& a, const Experiment& b) { return a.runs.size() < b.runs.size(); });
}

std::string apart_text(const Found& found) {
  if (found.apart.empty()) return "";
  std::string text = "\nnot compared:\n";
  for (const auto& [run, reason] : found.apart) text += fmt::format("  {}: {}\n", run, reason);
  return text;
}

void write_json(const fs::path& path, const Found& found, const std::vector<Experiment>& experiments,
                const std::vector<std::string>& names) {
  Json all{{"experiments", Json::array()}, {"apart", Json::array()}};
  for (const Experiment& experiment : experiments) {
    if (experiment.runs.size() > 1) all["experiments"].push_back(board_json(experiment, found.runs, names));
  }
  for (const auto& [run, reason] : found.apart) all["apart"].push_back({{"run", run}, {"reason", reason}});
  write_file(path, all.dump(1) + "\n");
}

void require_two(const Found& found) {
  if (found.runs.size() >= 2) return;
  throw DataError(
      "{}; give two or more finished runs on the same folds{}",
      found.runs.empty() ? "there is no finished run to compare" : "there is only one finished run to compare",
      found.apart.empty() ? ""
                          : fmt::format("; {} cannot be read: {}", counted(std::int64_t(found.apart.size()), "run"),
                                        found.apart.front().second));
}

// Moves the runs that no other run can be compared with to `apart`, with the difference from the largest experiment.
void set_apart(const std::vector<Experiment>& experiments, const std::vector<std::string>& names, Found& found) {
  const std::size_t main = largest(experiments).runs.front();
  for (const Experiment& experiment : experiments) {
    if (experiment.runs.size() > 1) continue;
    const std::size_t run = experiment.runs.front();
    found.apart.emplace_back(
        names[run], fmt::format("{} than {}", incomparable(found.runs[main].oof, found.runs[run].oof), names[main]));
  }
}

}  // namespace

void compare_runs(const CompareRequest& request) {
  if (!request.html.empty()) require_replaceable(request.html, kPageStart, "page of pleat report", {}, "--html");
  if (!request.json.empty()) require_replaceable(request.json, kJsonStart, "a comparison", {}, "--json");
  Found found = read_all(request.paths);
  require_two(found);
  const std::vector<std::string> names = names_of(found.runs);
  const std::vector<Experiment> experiments =
      make_boards(found.runs, {.score = request.score,
                               .resamples = request.resamples,
                               .all_pairs = request.all_pairs || !request.json.empty()});
  const auto several = std::count_if(experiments.begin(), experiments.end(),
                                     [](const Experiment& each) { return each.runs.size() > 1; });
  if (several == 0) {
    throw DataError(
        "no two of the {} have the same rows, groups, folds and labels; train one on the folds of the other: "
        "--set folds.file=RUN/folds.csv",
        counted(std::int64_t(found.runs.size()), "run"));
  }
  set_apart(experiments, names, found);
  std::string text;
  int number = 0;
  for (const Experiment& experiment : experiments) {
    const bool pairs = request.all_pairs || experiment.runs.size() == 2;
    if (experiment.runs.size() > 1)
      text += board_text(experiment, found.runs, names, {.number = several > 1 ? ++number : 0, .pairs = pairs});
  }
  print_result(text + apart_text(found));
  if (!request.html.empty())
    write_file(request.html, render_html(compare_page(experiments, found.runs, names, found.apart)));
  if (!request.json.empty()) write_json(request.json, found, experiments, names);
}

}  // namespace pleat
