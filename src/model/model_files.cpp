#include "model/model_files.h"

#include "base/error.h"
#include "base/files.h"
#include "model/script_origin.h"

namespace pleat {
namespace {

std::string hash_of(const std::string& path) { return path.empty() ? "" : sha256(read_file(path)); }

void require_same(const std::string& path, const std::string& hash) {
  if (hash.empty() || hash_of(path) == hash) return;
  throw DataError("{} was changed during the run; restore it, or start a new run with --run", path);
}

}  // namespace

ModelFiles hash_files(const ModelConfig& config) {
  ModelFiles files{.weights = hash_of(config.weights)};
  if (config.script.empty()) return files;
  const std::string script = read_file(config.script);
  files.script = sha256(script);
  if (!script.starts_with("PK")) return files;  // no archive: make_scripted refuses it
  const ScriptOrigin origin = read_script_origin(script, config.script);
  files.mean = origin.mean;
  files.std = origin.std;
  return files;
}

void require_unchanged(const ModelConfig& config, const ModelFiles& files) {
  require_same(config.script, files.script);
  require_same(config.weights, files.weights);
}

}  // namespace pleat
