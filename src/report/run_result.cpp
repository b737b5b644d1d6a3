#include "report/run_result.h"

#include <algorithm>
#include <system_error>

#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"
#include "run/run_paths.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

bool is_run(const fs::path& folder) {
  const RunPaths paths{folder};
  return file_exists(paths.config()) || file_exists(paths.summary());
}

std::vector<fs::path> runs_in(const fs::path& folder) {
  std::vector<fs::path> runs;
  std::error_code failed;
  for (auto entry = fs::directory_iterator(folder, failed); !failed && entry != fs::directory_iterator();
       entry.increment(failed)) {
    if (entry->is_directory(failed) && is_run(entry->path())) runs.push_back(entry->path());
  }
  if (failed) throw DataError("cannot list {}: {}", shown(folder.string()), failed.message());
  std::sort(runs.begin(), runs.end());
  return runs;
}

Json read_summary(const RunPaths& paths) {
  if (!file_exists(paths.root)) {
    throw DataError("{} holds no finished run: there is no such folder; correct the path", shown(paths.root.string()));
  }
  if (!file_exists(paths.summary())) {
    throw DataError("{} holds no finished run ({} is missing); run pleat train to its end first",
                    shown(paths.root.string()), paths.summary().filename().string());
  }
  Json summary = parse_json_or_null(read_file(paths.summary()));
  if (!summary.is_object() || !summary.contains("targets") || !summary["targets"].is_object() ||
      !summary.value("score", Json()).is_string()) {
    throw DataError("{} is damaged; run pleat train again in that folder", shown(paths.summary().string()));
  }
  return summary;
}

int result_round_of(const Json& summary, const RunPaths& paths) {
  const Json round = summary.value("result_round", Json(0));  // early versions did not write it
  if (!round.is_number_integer() || round.get<std::int64_t>() < 0)
    throw DataError("{} is damaged; run pleat train again in that folder", shown(paths.summary().string()));
  return round.get<int>();
}

}  // namespace

int read_result_round(const fs::path& folder) {
  const RunPaths paths{folder};
  return result_round_of(read_summary(paths), paths);
}

std::vector<fs::path> runs_at(const fs::path& path) {
  const fs::path given = path.has_filename() ? path : path.parent_path();  // runs/a/
  if (!file_exists(given)) throw DataError("no such folder: {}; give the folder of a run", shown(given.string()));
  const bool is_sweep = file_exists(given / "sweep.json");
  if (!is_sweep && is_run(given)) return {given};
  std::vector<fs::path> runs = runs_in(is_sweep ? given / "trials" : given);
  if (runs.empty()) {
    throw DataError("{} is neither a run nor a folder of runs (no config.yaml in it or in its folders)",
                    shown(given.string()));
  }
  return runs;
}

RunResult read_result(const fs::path& folder) {
  const RunPaths paths{folder};
  RunResult result{.folder = folder, .name = folder.filename().string(), .summary = read_summary(paths)};
  result.round = result_round_of(result.summary, paths);
  const fs::path oof = paths.oof(result.round);
  if (!file_exists(oof))
    throw DataError("{} has no out-of-fold table; its jobs failed (see failures.json)", shown(folder.string()));
  result.oof = read_oof(oof);
  return result;
}

}  // namespace pleat
