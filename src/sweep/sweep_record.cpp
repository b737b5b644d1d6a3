#include "sweep/sweep_record.h"

#include <fmt/ranges.h>

#include "base/error.h"
#include "jobs/job_key.h"
#include "sweep/cells.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

constexpr int kFormat = 1;

Json::json_pointer pointer_to(const std::string& key) {
  Json::json_pointer pointer;
  for (const std::string& part : key_parts(key)) pointer /= part;
  return pointer;
}

void refuse_foreign(const SweepPaths& paths) {
  if (!file_exists(paths.root)) return;
  std::error_code error;
  if (!fs::is_directory(paths.root, error))
    throw DataError("{} is a file; give another folder with --run", paths.root.string());
  fs::directory_iterator entry(paths.root, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const fs::path file = entry->path();
    if (file == paths.lock() || file.extension() == ".partial") continue;  // left by a sweep that ended at once
    throw DataError("{} is not empty and holds no sweep (no sweep.json, but {}); give another folder with --run",
                    paths.root.string(), file.filename().string());
  }
  if (error) throw_file_error("list folder", paths.root, error.value());
}

SweepRecord read_record(const SweepPaths& paths) {
  const Json json = parse_json_or_null(read_file(paths.sweep()));
  try {
    if (json.at("format") != kFormat)
      throw DataError("{} was written by another version of pleat; give another folder with --run",
                      paths.sweep().string());
    return {.keys = json.at("keys"),
            .config = json.at("config"),
            .data = json.at("data"),
            .precision = json.at("precision"),
            .short_share = json.at("short_share")};
  } catch (const Json::exception& error) {
    throw DataError("{} is damaged ({}); give another folder with --run", paths.sweep().string(), error.what());
  }
}

}  // namespace

SweepRecord record_of(const RunConfig& config, const std::vector<std::string>& keys, const std::string& data_hash) {
  SweepRecord record{.keys = keys,
                     .config = identity_of(config),
                     .data = data_hash,
                     .precision = config.train.precision,
                     .short_share = config.sweep.short_share};
  record.config.erase("rounds");
  record.config["train"].erase("precision");
  for (const std::string& key : keys) {
    if (const Json::json_pointer place = pointer_to(key); record.config.contains(place)) record.config[place] = nullptr;
  }
  return record;
}

std::optional<SweepRecord> find_earlier_sweep(const SweepPaths& paths, const SweepRecord& asked) {
  if (!file_exists(paths.sweep())) {
    refuse_foreign(paths);
    return std::nullopt;
  }
  SweepRecord earlier = read_record(paths);
  const std::string& root = paths.root.string();
  if (earlier.keys != asked.keys)
    throw UsageError(
        "{} is a sweep over {}, not over {}; a sweep can be continued with more values of the same keys, in the same "
        "order; give another folder with --run",
        root, fmt::join(earlier.keys, ", "), fmt::join(asked.keys, ", "));
  std::vector<std::string> differences = differing_fields(earlier.config, asked.config);
  if (asked.precision != "auto" && asked.precision != earlier.precision)
    differences.push_back(fmt::format("train.precision: {} -> {}", earlier.precision, asked.precision));
  if (asked.short_share != earlier.short_share && file_exists(paths.briefs()))
    differences.push_back(fmt::format("sweep.short_share: {} -> {}", earlier.short_share, asked.short_share));
  if (!differences.empty())
    throw UsageError(
        "{} was made with other settings ({}); give another folder with --run, or restore the earlier settings", root,
        fmt::join(differences, "; "));
  if (earlier.data != asked.data)
    throw DataError(
        "{} was made from other data: its crops hash is {:.12}, now it is {:.12}; give another folder with --run, or "
        "the earlier crops file",
        root, earlier.data, asked.data);
  return earlier;
}

std::unique_ptr<FolderLock> take_sweep_folder(const SweepPaths& paths, const SweepRecord& record) {
  if (!file_exists(paths.sweep())) refuse_foreign(paths);
  make_folder(paths.root);
  auto lock = std::make_unique<FolderLock>(paths.lock());
  const Json json{{"format", kFormat},   {"keys", record.keys},           {"config", record.config},
                  {"data", record.data}, {"precision", record.precision}, {"short_share", record.short_share}};
  const std::string text = json.dump(2) + "\n";
  if (!file_exists(paths.sweep()) || read_file(paths.sweep()) != text) write_file(paths.sweep(), text);
  return lock;
}

}  // namespace pleat
