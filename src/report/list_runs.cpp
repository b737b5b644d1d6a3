#include "report/list_runs.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/run_log.h"
#include "base/text_width.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "report/json_values.h"
#include "report/run_state.h"
#include "report/sweep_view.h"
#include "run/memory_check.h"
#include "run/run_paths.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

// "macro_f1 class 0.2243, test 0.2342": of the last target, which is the joint one if there is one.
std::string score_of(const fs::path& run) {
  const fs::path file = RunPaths{run}.summary();
  if (!file_exists(file)) return "";
  const Json summary = parse_json_or_null(read_file(file));
  if (!summary.is_object() || !summary.value("targets", Json()).is_object() || summary["targets"].empty())
    return "damaged";
  const std::string name = summary.value("score", "");
  const auto target = std::prev(summary["targets"].end());
  const auto value = [&](const char* rows) {
    const auto found = number_in(part_of(target.value(), rows), name.c_str());
    return found ? decimals(found, 4) : "";
  };
  const std::string test = value("test");
  return fmt::format("{} {} {}{}", name, shown(target.key(), 40), value("oof"), test.empty() ? "" : ", test " + test);
}

std::string score_of(const RunFolderState& found) try {
  if (found.kind != FolderKind::kSweep) return score_of(found.folder);
  const auto sweep = find_sweep(found.folder);
  if (!sweep || sweep->best.empty()) return "";
  return fmt::format("{} ({})", score_of(sweep->best_run()), shown(sweep->best, 40));
} catch (const std::exception&) {  // an Error, or of the JSON library
  return "damaged";
}

// Networks that are done, over all rounds or cells.
std::size_t networks_in(const fs::path& folder) {
  std::size_t count = 0;
  std::error_code failed;
  auto entry = fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied, failed);
  for (; !failed && entry != fs::recursive_directory_iterator(); entry.increment(failed))
    count += entry->path().filename() == kDoneFile;
  return count;
}

// Time of the last change of its log.
std::string changed_at(const fs::path& folder) {
  std::error_code failed;
  for (const fs::path& file : {RunPaths{folder}.log(), RunPaths{folder}.summary(), folder}) {
    const auto time = fs::last_write_time(file, failed);
    if (failed) continue;
    const auto seconds = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::file_clock::to_sys(time));
    return fmt::format("{:%Y-%m-%d %H:%M}", fmt::localtime(std::chrono::system_clock::to_time_t(seconds)));
  }
  return "";
}

using Line = std::vector<std::string>;

std::string table_of(const std::vector<Line>& lines) {
  std::vector<std::size_t> widths(lines.front().size());
  for (const Line& line : lines)
    for (std::size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], text_width(line[c]));
  std::string text;
  for (const Line& line : lines) {
    std::string row;
    for (std::size_t c = 0; c < line.size(); ++c) row += padded(line[c], widths[c]) + (c + 1 < line.size() ? "  " : "");
    row.erase(row.find_last_not_of(' ') + 1);
    text += row + "\n";
  }
  return text;
}

}  // namespace

void list_runs(const fs::path& folder) {
  const std::vector<RunFolderState> found = folders_at(folder);
  if (found.empty()) {
    print_result(fmt::format("no run in {}\n", shown(folder.string())));
    return;
  }
  std::vector<Line> lines{{"name", "kind", "state", "networks", "disk", "changed", "OOF score"}};
  std::uint64_t bytes = 0;
  for (const RunFolderState& each : found) {
    const std::uint64_t size = size_of_folder(each.folder);
    bytes += size;
    const fs::path name = each.folder == folder ? each.folder : each.folder.lexically_relative(folder);
    lines.push_back({shown(name.string(), 80), name_of(each.kind), name_of(each.state),
                     grouped(networks_in(each.folder)), memory_text(double(size)), changed_at(each.folder),
                     score_of(each)});
  }
  print_result(table_of(lines) + fmt::format("{}, {} in all\n", counted(std::int64_t(found.size()), "folder"),
                                             memory_text(double(bytes))));
}

}  // namespace pleat
