// Combinations of config values that cannot work, or of which one has no effect (run_config.h).
#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include "base/error.h"
#include "run/run_config.h"

namespace pleat {
namespace {

template <class Items, class Name>
void check_distinct(const char* what, const Items& items, Name name_of) {
  std::set<std::string> seen;
  for (const auto& item : items) {
    if (!seen.insert(name_of(item)).second)
      throw UsageError("{} '{}' is given twice; choose different names", what, name_of(item));
  }
}

void check_target_name(const char* what, const std::string& name) {
  check_folder_name(what, name);
  for (const char* file : {"oof.h5", "ensemble.json", "pseudo_labels.csv"}) {  // files in the same folder
    if (name == file) throw UsageError("{} '{}' is a reserved file name; choose another", what, name);
  }
}

void check_target_names(const RunConfig& config) {
  for (const TargetConfig& target : config.targets) check_target_name("targets: name", target.name);
  check_distinct("targets: name", config.targets, [](const TargetConfig& target) { return target.name; });
  const std::string& joint = config.joint.name;
  if (joint.empty() && !config.joint.of.empty()) {
    throw UsageError("joint.of names {} targets to combine, but joint.name is missing; set it, or leave joint.of out",
                     config.joint.of.size());
  }
  if (joint.empty()) return;
  check_target_name("joint.name", joint);
  for (const TargetConfig& target : config.targets) {
    if (target.name == joint)
      throw UsageError("joint.name '{}' is already the name of a target; choose another", joint);
  }
}

// A second copy of a model adds nothing to the ensemble: the id is only a name, and no random number depends on it.
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
  if (data.rest != "leave_out" && !data.limit)
    throw UsageError("data.rest ({}) is about the train rows beyond data.limit; set that too, or leave rest out",
                     data.rest);
  if (data.mean.size() != data.std.size()) {
    throw UsageError("data.mean has {} values and data.std {}; give both, one value per channel, or neither",
                     data.mean.size(), data.std.size());
  }
  if (data.limit && !config.folds.file.empty()) {
    throw UsageError(
        "data.limit ({}) cannot be combined with folds.file ({}), whose plan decides which rows are used; leave one of "
        "them out",
        *data.limit, config.folds.file);
  }
}

void check_targets_as(const RunConfig& config) {
  const std::string& as = config.targets_as;
  for (const TargetConfig& target : config.targets) {
    if (target.weight == 1.0 || as == "heads") continue;
    throw UsageError(
        "target {}: weight ({}) is a share of the loss of one network with several heads; set targets_as: heads too, "
        "or leave weight out",
        target.name, target.weight);
  }
  if (as == "separate") return;
  if (config.targets.size() < 2)
    throw UsageError("targets_as: {} needs two or more targets, but there is one; leave it out", as);
  if (as != "joint") return;
  if (!config.joint.of.empty() && config.joint.of.size() != config.targets.size()) {
    throw UsageError(
        "joint.of names {} of the {} targets, but with targets_as: joint one network is trained on all of them; leave "
        "joint.of out, or remove the other targets",
        config.joint.of.size(), config.targets.size());
  }
  for (const TargetConfig& target : config.targets) {
    if (target.bins == 0 && !target.regress) continue;
    throw UsageError(
        "targets_as: joint trains on classes, so target {} cannot be trained as {}; leave that out, or use "
        "targets_as: separate or heads",
        target.name, target.regress ? "a number (regress)" : "bins");
  }
}

// Refuses options that affect no target of the run.
void check_loss(const RunConfig& config) {
  const LossConfig& loss = config.train.loss;
  if (loss.class_weights != "none" && config.train.sampling != "shuffle") {
    throw UsageError(
        "train.loss.class_weights ({}) and train.sampling ({}) both correct for unequal classes, so together they "
        "correct twice; leave one of them out",
        loss.class_weights, config.train.sampling);
  }
  const bool all_numbers = std::all_of(config.targets.begin(), config.targets.end(),
                                       [](const TargetConfig& target) { return target.regress; });
  if (!all_numbers) return;
  const auto refuse = [](const char* option) {
    throw UsageError(
        "{} only applies to classes and bins, but every target is trained as a number (regress); leave it out", option);
  };
  if (loss.focal > 0) refuse("train.loss.focal");
  if (loss.f1 > 0) refuse("train.loss.f1");
  if (config.train.label_smoothing > 0) refuse("train.label_smoothing");
}

void check_epochs(const TrainConfig& train) {
  if (train.freeze_epochs >= train.epochs) {
    throw UsageError(
        "train.freeze_epochs ({}) must be less than train.epochs ({}), or only the last layer is trained; lower it",
        train.freeze_epochs, train.epochs);
  }
  if (train.patience > 0 && train.keep != "best") {
    throw UsageError(
        "train.patience ({}) needs the rows that train.keep: best sets aside; set that too, or leave patience out",
        train.patience);
  }
}

// Refuses options that have no effect.
void check_short_training(const RunConfig& config) {
  const TrainConfig& train = config.train;
  if (train.last_batch > 0 && train.last_batch <= train.batch) {
    throw UsageError(
        "train.last_batch ({}) must be above train.batch ({}), from which batches grow; raise it, or leave "
        "it out",
        train.last_batch, train.batch);
  }
  if (train.last_batch > 0 && train.epochs < 2)
    throw UsageError(
        "train.last_batch ({}) is reached in the last of several epochs; raise train.epochs, or leave it "
        "out",
        train.last_batch);
  const auto check_flips = [](const AugmentConfig& augment, const char* key) {
    if (augment.alternate_flips && !augment.flip)
      throw UsageError("{}.alternate_flips needs flip: true; set it, or leave alternate_flips out", key);
  };
  check_flips(train.augment, "train.augment");
  if (config.rounds.augment) check_flips(*config.rounds.augment, "rounds.augment");
  if (train.norm_momentum == TrainConfig().norm_momentum) return;
  for (const ModelConfig& model : config.models) {
    if (!model.script.empty())
      throw UsageError("train.norm_momentum cannot change the layers of model '{}', which is a script; leave it out",
                       model.id);
  }
}

void check_parts(const RunConfig& config) {
  const std::int64_t parts = config.train.micro_batches, shards = config.cluster.shards;
  if (parts > config.train.batch) {
    throw UsageError("train.micro_batches ({}) is more than train.batch ({}); lower it, or raise train.batch", parts,
                     config.train.batch);
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

// Finds mistakes that need no data; plan_rounds finds the others.
void check_rounds(const RunConfig& config) {
  const RoundsConfig& rounds = config.rounds;
  const auto check_target = [&](const char* key, const std::string& name) {
    const auto is_it = [&](const TargetConfig& target) { return target.name == name; };
    if (std::none_of(config.targets.begin(), config.targets.end(), is_it))
      throw UsageError("rounds.{} names '{}', which is not one of the targets; use a target's name", key, name);
    if (config.data.group.empty())
      throw UsageError("rounds.{} ({}) needs groups; set data.group to the column of the persons", key, name);
  };
  for (const std::string& name : rounds.constant_in_group) check_target("constant_in_group", name);
  check_distinct("rounds.constant_in_group", rounds.constant_in_group, [](const std::string& name) { return name; });
  for (const auto& [name, places] : rounds.composition) {
    check_target("composition", name);
    if (rounds.constant(name))
      throw UsageError("target {} is in rounds.constant_in_group and in rounds.composition; leave it out of one", name);
  }
  if (rounds.temperature != 1.0 && rounds.labels != "soft")
    throw UsageError("rounds.temperature ({}) applies to soft labels; set rounds.labels: soft too, or leave it out",
                     rounds.temperature);
}

void check_labels(const RunConfig& config) {
  const LabelsConfig& labels = config.train.labels;
  if (!labels.automatic()) return;
  if (labels.drop == labels.relabel)
    throw UsageError(
        "train.labels has drop: auto and relabel: auto; a suspect label is dropped or changed, so leave one out");
  if (config.folds.k < 3)
    throw UsageError("train.labels: auto needs at least 3 folds; raise folds.k ({})", config.folds.k);
  if (labels.relabel != kAutoLabels) return;
  for (const TargetConfig& target : config.targets) {
    if (target.edges.empty()) continue;
    throw UsageError(
        "train.labels.relabel: auto suggests classes, but target {} has edges, so its labels are numbers; use drop: "
        "auto",
        target.name);
  }
}

// Finds mistakes that need no data.
void check_trunks(const RunConfig& config) {
  const Auto<double>& trunks = config.folds.trunks;
  if (trunks.value && *trunks.value == 0) return;
  const auto refuse = [](const std::string& why) { throw UsageError("folds.trunks: {}, or leave trunks out", why); };
  if (config.folds.k < 3)
    refuse(
        fmt::format("with {} folds no two networks have rows in common; raise folds.k to 3 or more", config.folds.k));
  if (config.train.epochs < 2) refuse("a trunk takes one epoch or more; raise train.epochs to 2 or more");
  // Rows that one fold sets aside are training rows of its trunk.
  if (config.train.keep == "best")
    refuse("train.keep: best chooses by rows that the trunk was trained on; use keep: last");
  if (config.predict.temperature)
    refuse("predict.temperature is fitted on rows that the trunk was trained on; leave it out");
  // The judges of a fold saw labels that the other folds of its trunk hold out.
  if (config.train.labels.automatic()) refuse("train.labels: auto judges rows for one fold alone; use a label file");
}

}  // namespace

void complete_and_check(RunConfig& config) {
  if (config.data.crops.empty())
    throw UsageError("data.crops is missing; set it to the crops file that pleat prepare wrote");
  if (config.targets.empty()) throw UsageError("targets is empty; give at least one, as in targets: [{name: label}]");
  if (config.models.empty()) config.models.emplace_back();
  if (config.targets_as == "joint" && config.joint.name.empty()) config.joint.name = "joint";
  for (auto& model : config.models) {
    complete_model(model);  // different names of one network must give the same job
    check_folder_name("models: id", model.id);
  }
  check_target_names(config);
  if (config.train.augment.resized_crop < 1.0) config.train.augment.pad = 0;  // replaces pad
  check_distinct("models: id", config.models, [](const ModelConfig& model) { return model.id; });
  check_targets_as(config);
  check_loss(config);
  check_epochs(config.train);
  check_short_training(config);
  check_no_twins(config.models);
  check_data(config);
  check_parts(config);
  check_rounds(config);
  check_labels(config);
  check_trunks(config);
}

}  // namespace pleat
