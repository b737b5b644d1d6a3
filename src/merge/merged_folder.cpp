#include "merge/merged_folder.h"

#include "base/error.h"
#include "base/fields.h"
#include "inference/export_folder.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

bool is_merged(const fs::path& folder) {
  const fs::path file = RunPaths{folder}.ensemble(0);
  if (!file_exists(file)) return false;
  const Json json = parse_json_or_null(read_file(file));
  return json.is_object() && json.contains("runs");
}

void require_replaceable_folder(const fs::path& out) {
  std::error_code error;
  const fs::file_status status = fs::status(out, error);
  if (status.type() == fs::file_type::not_found) return;
  if (status.type() == fs::file_type::none) throw_file_error("look for", out, error.value());
  if (!fs::is_directory(status)) throw DataError("--out {} is a file; give a folder", out.string());
  if (fs::is_empty(out, error) || is_merged(out)) return;
  if (error) throw_file_error("list folder", out, error.value());
  throw DataError("--out {} is not empty and holds no earlier ensemble of runs; give another folder", out.string());
}

void remove_folder(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) throw_file_error("remove", folder, error.value());
}

void move_folder(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) throw_file_error("move", from, error.value());
}

}  // namespace

MergedFolder::MergedFolder(const fs::path& out, const std::vector<fs::path>& runs) : out_(resolved_path(out)) {
  for (const fs::path& run : runs) {
    refuse_inside(out, run);
    if (lies_inside(run, out))
      throw UsageError("{} is inside --out {}; give a folder elsewhere", run.string(), out.string());
  }
  require_replaceable_folder(out_);
  const std::string name = out_.filename().string();
  aside_ = out_.parent_path() / ("." + name + ".partial");
  earlier_ = out_.parent_path() / ("." + name + ".earlier");
  make_folder(out_.parent_path());
  lock_ = std::make_unique<FolderLock>(out_.parent_path() / ("." + name + ".lock"),
                                       LockOptions{out.string(), "give another folder with --out", /*temporary=*/true});
  remove_folder(aside_);
  make_folder(aside_);
}

MergedFolder::~MergedFolder() {
  std::error_code ignored;
  fs::remove_all(aside_, ignored);
}

void MergedFolder::add(const fs::path& from, const fs::path& name) {
  const fs::path to = aside_ / name;
  make_folder(to.parent_path());
  std::error_code error;
  fs::create_hard_link(from, to, error);
  if (!error) return;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (error) throw_file_error("copy", from, error.value());
}

void MergedFolder::publish() {
  remove_folder(earlier_);
  if (fs::exists(out_)) move_folder(out_, earlier_);
  fault_point("publish_ensemble");
  move_folder(aside_, out_);
  remove_folder(earlier_);
}

}  // namespace pleat
