#include "run/staged_crops.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/stopwatch.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kChunk = std::size_t{8} << 20;  // bytes

fs::path copy_of(const CropFile& crops, const fs::path& folder) {
  return folder / fmt::format("{}-{:.16}.h5", crops.path().stem().string(), crops.hash());
}

// Removes copies that a killed process on this host left unfinished: <copy>.<host>.<process>.copying.
void remove_leftovers(const fs::path& copy) {
  const std::string prefix = copy.filename().string() + "." + machine_name() + ".";
  std::error_code error;
  std::vector<fs::path> dead;
  for (const auto& entry : fs::directory_iterator(copy.parent_path(), error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix) || !name.ends_with(".copying")) continue;
    const int process = std::atoi(name.c_str() + prefix.size());
    if (process > 0 && ::kill(process, 0) != 0 && errno == ESRCH) dead.push_back(entry.path());
  }
  for (const fs::path& each : dead) fs::remove(each, error);
}

void copy_bytes(const fs::path& from, const fs::path& to) {
  std::ifstream source(from, std::ios::binary);
  if (!source) throw_file_error("read", from, errno);
  const int file = ::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) throw_file_error("write", to, errno);
  std::string chunk(kChunk, '\0');
  try {
    for (std::uint64_t offset = 0; source; offset += static_cast<std::uint64_t>(source.gcount())) {
      source.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
      write_at(file, offset, std::string_view(chunk).substr(0, static_cast<std::size_t>(source.gcount())), to);
    }
    if (source.bad()) throw DataError("cannot read {} to its end", from.string());
  } catch (...) {
    ::close(file);
    throw;
  }
  ::close(file);
}

void require_same(const CropFile& copy, const CropFile& crops, bool all_rows) {
  if (copy.hash() != crops.hash())
    throw DataError("{} is not the copy of {} that its name says; remove it", copy.path().string(),
                    crops.path().string());
  for (std::size_t row = 0; all_rows && row < copy.rows(); ++row) {
    if (copy.valid(row)) copy.image(row);  // compares its CRC-32
  }
}

void make_copy(const CropFile& crops, const fs::path& copy) {
  const Clock::time_point start = Clock::now();
  make_folder(copy.parent_path());
  remove_leftovers(copy);
  const fs::path partial = copy.string() + fmt::format(".{}.{}.copying", machine_name(), ::getpid());
  try {
    copy_bytes(crops.path(), partial);
    require_same(CropFile(partial), crops, /*all_rows=*/true);
    publish_file(partial, copy);
  } catch (...) {
    std::error_code ignored;
    fs::remove(partial, ignored);
    throw;
  }
  spdlog::info("copied the crops to {} on {} in {:.1f} s (cluster.stage)", copy.string(), machine_name(),
               seconds_since(start));
}

}  // namespace

CropFile stage_crops(const CropFile& crops, const fs::path& folder, const RankPlace& mine, const Ranks& world) {
  const fs::path copy = copy_of(crops, folder);
  together(world, [&] {
    if (mine.local_rank == 0 && !file_exists(copy)) make_copy(crops, copy);
  });
  std::optional<CropFile> staged;
  together(world, [&] {
    staged.emplace(copy);
    require_same(*staged, crops, /*all_rows=*/false);
  });
  return std::move(*staged);
}

}  // namespace pleat
