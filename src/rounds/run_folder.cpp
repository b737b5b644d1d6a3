#include "rounds/run_folder.h"

#include "base/error.h"
#include "base/log.h"
#include "jobs/job_key.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

// A folder with other people's files in it is not ours to fill.
void refuse_foreign(const fs::path& root) {
  std::error_code error;
  if (!fs::exists(root, error) || fs::is_empty(root, error)) return;
  if (!fs::is_directory(root)) throw DataError("{} is a file; give another folder with --run", root.string());
  for (const auto& entry : fs::directory_iterator(root)) {
    if (entry.path().filename() == "run.lock") continue;  // left by a run that ended before it wrote anything
    throw DataError("{} is not empty and holds no pleat run (no config.yaml, but {}); give another folder with --run",
                    root.string(), entry.path().filename().string());
  }
}

}  // namespace

RunFolder::RunFolder(const RunPaths& paths, RunConfig& config, const std::string& data_hash) : paths_(paths) {
  continued_ = fs::exists(paths.config());
  if (!continued_) refuse_foreign(paths.root);
  make_folder(paths.root);
  lock_ = std::make_unique<FolderLock>(paths.lock());
  if (!continued_) return;

  const auto before = read_fields<RunConfig>(read_config(paths.config()));
  if (config.train.precision == "auto") config.train.precision = before.train.precision;
  const std::vector<std::string> differences = differing_fields(identity_of(before), identity_of(config));
  if (!differences.empty()) {
    throw UsageError(
        "{} was made with other settings, so it cannot be continued with these ({}); give another folder with --run, "
        "or the "
        "settings as they were",
        paths.root.string(), fmt::join(differences, "; "));
  }
  const Json run = Json::parse(read_file(paths.run()), nullptr, /*allow_exceptions=*/false);
  if (run.is_discarded() || !run.contains("data"))
    throw DataError("{} is damaged; give another folder with --run", paths.run().string());
  const std::string hash_before = run["data"].value("hash", "");
  if (hash_before != data_hash) {
    throw DataError(
        "{} was made from other data: the crops hash was {:.12} and that of {} is {:.12}; give another folder with "
        "--run, or "
        "the crops as they were",
        paths.root.string(), hash_before, config.data.crops, data_hash);
  }
}

void RunFolder::record(const RunConfig& config, const Json& run_facts) const {
  write_file(paths_.run(), run_facts.dump(2) + "\n");
  // Last: a folder counts as a run once it has its config, and then run.json is there too.
  if (!continued_) write_file(paths_.config(), to_yaml(from_json(to_json(config))));
}

}  // namespace pleat
