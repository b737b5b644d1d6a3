#include "run/epoch_file.h"

#include <cerrno>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "base/files.h"
#include "base/log.h"
#include "run/run_paths.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

// The whole lines of epochs before `epoch`, which must follow each other. The first is that of epoch 1, or of a later
// one after a trunk.
std::string lines_before(const fs::path& file, std::int64_t epoch) {
  std::string kept;
  if (!file_exists(file)) return kept;
  std::istringstream lines(read_file(file));
  std::optional<std::int64_t> before;
  for (std::string line; std::getline(lines, line);) {
    const Json json = parse_json_or_null(line);
    const Json number = json.is_object() ? json.value("epoch", Json()) : Json();
    if (!number.is_number_integer() || (before && number != *before + 1) || number >= epoch) break;
    before = number.get<std::int64_t>();
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
