#include "rounds/run_config.h"

#include <set>

#include "base/error.h"

namespace pleat {
namespace {

void check_folder_name(const std::string& what, const std::string& name) {
  constexpr const char* kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  if (name.empty() || name.front() == '.' || name.find_first_not_of(kAllowed) != std::string::npos) {
    throw UsageError("{} '{}' must be of letters, digits, '_', '-' and '.', and not begin with '.'; it names a folder",
                     what, name);
  }
}

template <class Items, class Name>
void check_distinct(const char* what, const Items& items, Name name_of) {
  std::set<std::string> seen;
  for (const auto& item : items) {
    if (!seen.insert(name_of(item)).second)
      throw UsageError("{} '{}' is there twice; give each its own", what, name_of(item));
  }
}

}  // namespace

RunConfig load_run_config(const std::filesystem::path& file, const std::vector<std::string>& assignments) {
  ConfigNode root = read_config(file);
  for (const auto& assignment : assignments) set_in_config(root, assignment);
  auto config = read_fields<RunConfig>(root);
  complete_and_check(config);
  return config;
}

void complete_and_check(RunConfig& config) {
  if (config.data.crops.empty())
    throw UsageError("data.crops is missing; give the crops file that pleat prepare wrote");
  if (config.targets.empty()) throw UsageError("targets is empty; give at least one, as in targets: [{{name: label}}]");
  if (config.models.empty()) config.models.emplace_back();
  for (auto& model : config.models) {
    if (model.id.empty()) model.id = model.name;
    check_folder_name("models: id", model.id);
  }
  for (const auto& target : config.targets) check_folder_name("targets: name", target.name);
  check_distinct("models: id", config.models, [](const ModelConfig& model) { return model.id; });
  check_distinct("targets: name", config.targets, [](const TargetConfig& target) { return target.name; });
  if (config.data.mean.size() != config.data.std.size()) {
    throw UsageError("data.mean has {} values and data.std {}; give both, one value per channel, or neither",
                     config.data.mean.size(), config.data.std.size());
  }
  const auto& train = config.train;
  if (train.micro_batches > train.batch) {
    throw UsageError("train.micro_batches ({}) is more than train.batch ({})", train.micro_batches, train.batch);
  }
  if (train.micro_batches % config.cluster.shards != 0) {
    throw UsageError(
        "train.micro_batches ({}) must be a multiple of cluster.shards ({}), so that the shards share the parts evenly",
        train.micro_batches, config.cluster.shards);
  }
}

std::string config_reference() {
  std::vector<FieldDoc> rows;
  describe_fields<RunConfig>("", rows);
  std::string text =
      "# Config reference\n\nMade by `pleat config --reference`; do not edit by hand. *Identity* fields determine "
      "results: they enter the\n"
      "job key, and a run folder refuses to continue with another value. *Runtime* fields only say where and how "
      "fast.\n\n"
      "| key | default | values | role | meaning |\n| --- | --- | --- | --- | --- |\n";
  for (const auto& row : rows) {
    const bool group = row.default_value.empty();
    text +=
        fmt::format("| `{}` | {} | {} | {} | {} |\n", row.key, group ? "" : "`" + row.default_value + "`", row.bound,
                    group                         ? ""
                    : row.role == Role::kIdentity ? "identity"
                                                  : "runtime",
                    row.doc);
  }
  return text;
}

}  // namespace pleat
