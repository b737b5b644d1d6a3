#include "rounds/run_folder.h"

#include <fmt/ranges.h>

#include "base/error.h"
#include "jobs/job_key.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

// What --find-lr or a run that ended within its first writes leaves behind, whole or half: a folder with nothing else
// is still free.
bool is_first_write(const RunPaths& paths, const fs::path& file) {
  const fs::path whole = file.extension() == ".partial" ? file.parent_path() / file.stem() : file;
  return whole == paths.lock() || whole == paths.run() || whole == paths.folds() || whole == paths.config() ||
         whole == paths.conv_plan() || whole == paths.find_lr();
}

// A folder with other people's files in it is not ours to fill.
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

void check_data(const RunPaths& paths, const std::string& crops, const std::string& data_hash) {
  const Json run = Json::parse(read_file(paths.run()), nullptr, /*allow_exceptions=*/false);
  if (!run.is_object() || !run.contains("data") || !run["data"].is_object())
    throw DataError("{} is damaged; give another folder with --run", paths.run().string());
  const std::string hash_before = run["data"].value("hash", "");
  if (hash_before == data_hash) return;
  throw DataError(
      "{} was made from other data: the crops hash was {:.12} and that of {} is {:.12}; give another folder with "
      "--run, or the crops as they were",
      paths.root.string(), hash_before, crops, data_hash);
}

}  // namespace

bool file_exists(const fs::path& path) {
  std::error_code error;
  const bool there = fs::exists(path, error);
  if (error) throw_file_error("look for", path, error.value());
  return there;
}

bool continues_run(const RunPaths& paths, RunConfig& config, const std::string& data_hash) {
  if (!file_exists(paths.config())) {
    refuse_foreign(paths);
    return false;
  }
  const auto before = read_fields<RunConfig>(read_config(paths.config()));
  if (config.train.precision == "auto") config.train.precision = before.train.precision;
  const std::vector<std::string> differences = differing_fields(identity_of(before), identity_of(config));
  if (!differences.empty()) {
    throw UsageError(
        "{} was made with other settings, so it cannot be continued with these ({}); give another folder with --run, "
        "or the settings as they were",
        paths.root.string(), fmt::join(differences, "; "));
  }
  check_data(paths, config.data.crops, data_hash);
  return true;
}

RunFolder::RunFolder(const RunPaths& paths, RunConfig& config, const std::string& data_hash) : paths_(paths) {
  if (!file_exists(paths.config())) refuse_foreign(paths);  // before anything of ours is in it
  make_folder(paths.root);
  lock_ = std::make_unique<FolderLock>(paths.lock());
  continued_ = continues_run(paths, config, data_hash);
}

void RunFolder::record(const RunConfig& config, const Json& run_facts) const {
  write_file(paths_.run(), run_facts.dump(2) + "\n");
  // Last: a folder counts as a run once it has its config, and then run.json is there too.
  if (!continued_) write_file(paths_.config(), to_yaml(from_json(to_json(config))));
}

}  // namespace pleat
