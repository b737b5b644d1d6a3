#include "run/run_folder.h"

#include <fmt/ranges.h>

#include "base/error.h"
#include "jobs/job_key.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

// Files that --find-lr, or a run that ended within its first writes, leaves behind, whole or partial. A folder with no
// other file is free.
bool is_first_write(const RunPaths& paths, const fs::path& file) {
  const fs::path whole = file.extension() == ".partial" ? file.parent_path() / file.stem() : file;
  return whole == paths.lock() || whole == paths.run() || whole == paths.folds() || whole == paths.config() ||
         whole == paths.conv_plan() || whole == paths.log() || whole == paths.find_lr();
}

void refuse_foreign(const RunPaths& paths) {
  const fs::path& root = paths.root;
  if (!file_exists(root)) return;
  std::error_code error;
  if (!fs::is_directory(root, error)) throw DataError("{} is a file; give another folder with --run", root.string());
  fs::directory_iterator entry(root, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (is_first_write(paths, entry->path())) continue;
    throw DataError("{} is not empty and holds no pleat run (no config.yaml, but {}); give another folder with --run",
                    root.string(), entry->path().filename().string());
  }
  if (error) throw_file_error("list folder", root, error.value());
}

void check_identity(const RunPaths& paths, const RunConfig& earlier, RunConfig now) {
  if (now.train.precision == "auto") now.train.precision = earlier.train.precision;
  if (!file_exists(paths.round(1))) now.rounds = earlier.rounds;  // no result depends on them yet
  const std::vector<std::string> differences = differing_fields(identity_of(earlier), identity_of(now));
  if (differences.empty()) return;
  throw UsageError(
      "{} was made with other settings ({}); give another folder with --run, or restore the earlier settings",
      paths.root.string(), fmt::join(differences, "; "));
}

void check_data(const RunPaths& paths, const RunRecord& earlier, const std::string& crops,
                const std::string& data_hash) {
  if (earlier.data.hash == data_hash) return;
  throw DataError(
      "{} was made from other data: its crops hash is {:.12}, that of {} is {:.12}; give another folder with --run, or "
      "the earlier crops file",
      paths.root.string(), earlier.data.hash, crops, data_hash);
}

}  // namespace

std::optional<EarlierRun> find_earlier_run(const RunPaths& paths, const RunConfig& config,
                                           const std::string& data_hash) {
  if (!file_exists(paths.config())) {
    refuse_foreign(paths);
    return std::nullopt;
  }
  EarlierRun earlier{.config = read_fields<RunConfig>(read_config(paths.config()))};
  check_identity(paths, earlier.config, config);
  earlier.record = read_run_record(paths);
  check_data(paths, earlier.record, config.data.crops, data_hash);
  return earlier;
}

RunFolder::RunFolder(const RunPaths& paths, const RunConfig& config, const std::string& data_hash) : paths_(paths) {
  if (!file_exists(paths.config())) refuse_foreign(paths);  // before the lock file is in it
  make_folder(paths.root);
  lock_ = std::make_unique<FolderLock>(paths.lock());
  resumed_ = find_earlier_run(paths, config, data_hash).has_value();
}

void RunFolder::record(const RunConfig& config, const RunRecord& record) const {
  write_file(paths_.run(), to_json(record).dump(2) + "\n");
  // config.yaml last: with it the folder counts as a run, and run.json must exist by then. A resumed run may have other
  // runtime keys.
  const std::string text = to_yaml(from_json(to_json(config)));
  if (!resumed_ || read_file(paths_.config()) != text) write_file(paths_.config(), text);
}

}  // namespace pleat
