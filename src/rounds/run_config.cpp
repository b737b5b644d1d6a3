#include "rounds/run_config.h"

#include <bit>
#include <map>
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
  constexpr std::size_t kLongest = 100;  // characters; file systems take 255 bytes, and other names follow
  if (name.size() > kLongest) throw UsageError("{} '{:.40}…' is longer than {} characters", what, name, kLongest);
}

template <class Items, class Name>
void check_distinct(const char* what, const Items& items, Name name_of) {
  std::set<std::string> seen;
  for (const auto& item : items) {
    if (!seen.insert(name_of(item)).second)
      throw UsageError("{} '{}' is there twice; give each its own", what, name_of(item));
  }
}

// An ensemble of a model and its copy is that model: the id is only a name, and nothing else of a model is random.
void check_no_twins(const std::vector<ModelConfig>& models) {
  std::map<std::string, std::string> id_of;
  for (const ModelConfig& model : models) {
    Json options = to_json(model);
    options.erase("id");
    const auto [first, is_new] = id_of.emplace(options.dump(), model.id);
    if (is_new) continue;
    throw UsageError(
        "models '{}' and '{}' have the same network and options, so they would be the same model twice; change one, or "
        "leave it out",
        first->second, model.id);
  }
}

void check_data(const RunConfig& config) {
  const DataConfig& data = config.data;
  if (data.mean.size() != data.std.size()) {
    throw UsageError("data.mean has {} values and data.std {}; give both, one value per channel, or neither",
                     data.mean.size(), data.std.size());
  }
  if (data.limit && !config.folds.file.empty()) {
    throw UsageError(
        "data.limit ({}) does not go with folds.file ({}): exactly the rows of that plan take part; leave one of them "
        "out",
        *data.limit, config.folds.file);
  }
}

void check_parts(const RunConfig& config) {
  const std::int64_t parts = config.train.micro_batches, shards = config.cluster.shards;
  if (parts > config.train.batch) {
    throw UsageError("train.micro_batches ({}) is more than train.batch ({})", parts, config.train.batch);
  }
  if (parts % shards != 0) {
    throw UsageError(
        "train.micro_batches ({}) must be a multiple of cluster.shards ({}), so that the shards share the parts evenly",
        parts, shards);
  }
  if (config.cluster.exact && !std::has_single_bit(static_cast<std::uint64_t>(parts))) {
    throw UsageError(
        "train.micro_batches ({}) must be a power of two with cluster.exact, which sums over a binary tree of the "
        "parts",
        parts);
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
  if (config.targets.empty()) throw UsageError("targets is empty; give at least one, as in targets: [{name: label}]");
  if (config.models.empty()) config.models.emplace_back();
  for (auto& model : config.models) {
    complete_model(model);  // two names of one network must not be two jobs
    check_folder_name("models: id", model.id);
  }
  for (const auto& target : config.targets) {
    check_folder_name("targets: name", target.name);
    for (const char* file : {"oof.h5", "ensemble.json", "pseudo_labels.csv"}) {  // their neighbours in a round's folder
      if (target.name == file)
        throw UsageError("targets: name '{}' is that of a file of the round; give another", file);
    }
  }
  if (config.train.augment.resized_crop < 1.0) config.train.augment.pad = 0;  // it takes pad's place
  check_distinct("models: id", config.models, [](const ModelConfig& model) { return model.id; });
  check_distinct("targets: name", config.targets, [](const TargetConfig& target) { return target.name; });
  check_no_twins(config.models);
  check_data(config);
  check_parts(config);
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
