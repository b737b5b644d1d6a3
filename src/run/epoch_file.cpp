#include "run/epoch_file.h"

#include <cerrno>
#include <fstream>
#include <sstream>
#include <string>

#include "base/files.h"
#include "base/log.h"
#include "run/run_paths.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

// The whole lines of epochs before `epoch`, which must follow each other from the first one.
std::string lines_before(const fs::path& file, std::int64_t epoch) {
  std::string kept;
  if (!file_exists(file)) return kept;
  std::istringstream lines(read_file(file));
  std::int64_t expected = 1;
  for (std::string line; expected < epoch && std::getline(lines, line); ++expected) {
    const Json json = parse_json_or_null(line);
    if (!json.is_object() || json.value("epoch", Json()) != expected) break;
    kept += line + "\n";
  }
  return kept;
}

}  // namespace

void record_epoch(const fs::path& folder, const EpochReport& epoch) try {
  const fs::path file = folder / kMetricsFile;
  make_folder(folder);
  const std::string before = lines_before(file, epoch.epoch), line = to_json(epoch).dump() + "\n";
  std::error_code none;
  const bool append = !before.empty() && fs::file_size(file, none) == before.size();
  // No fsync: rank 0 writes this for every job of a cluster. A lost line costs nothing.
  std::ofstream out(file, std::ios::binary | (append ? std::ios::app : std::ios::trunc));
  if (!(out << (append ? line : before + line) << std::flush)) throw_file_error("write", file, errno);
} catch (const Error& error) {
  spdlog::warn("{}; training continues", error.what());
}

}  // namespace pleat
