// Rounds of pseudo-labels (rounds). docs/config.md is generated from this file.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "data/augment.h"
#include "ensemble/admit.h"

namespace pleat {

struct RoundsConfig {
  std::int64_t count = 1;
  std::string teacher = "own_fold";
  AdmitConfig admit;
  std::string labels = "hard";
  double temperature = 1.0;
  WeightConfig weight;
  std::vector<std::string> constant_in_group;
  std::map<std::string, std::map<std::string, std::int64_t>> composition;
  std::string start = "fresh";
  std::optional<AugmentConfig> augment;
  std::int64_t epochs = 0;
  std::int64_t parts = 1;
  std::string stop = "not_better";
  bool use_test = false;

  /// True if the target is equal for all rows of a group.
  bool constant(const std::string& target) const {
    return std::find(constant_in_group.begin(), constant_in_group.end(), target) != constant_in_group.end();
  }
  static constexpr auto fields() {
    return std::tuple{
        field("count", &RoundsConfig::count, between(1, 100), runtime,
              "number of rounds; each after the first also trains on pseudo-labels that the round before gave to the "
              "unlabelled rows; rounds: 3 is short for this"),
        field("teacher", &RoundsConfig::teacher, one_of("own_fold", "shared"), identity,
              "the models that label the rows for a fold's students. own_fold: that fold's models, which never saw its "
              "labels; shared: the whole ensemble, which leaks the held-out labels and flatters the OOF score"),
        field("admit", &RoundsConfig::admit, any(), identity, "which pseudo-labels to train on"),
        field("labels", &RoundsConfig::labels, one_of("hard", "soft"), identity,
              "hard: the most probable class; soft: the probabilities of all classes"),
        field("temperature", &RoundsConfig::temperature, between(0.01, 100), identity,
              "with labels: soft, temperature of these probabilities; below 1: sharper"),
        field("weight", &RoundsConfig::weight, any(), identity, "weight of pseudo-labelled rows in the loss"),
        field("constant_in_group", &RoundsConfig::constant_in_group, any(), identity,
              "targets that are equal for all rows of a group (data.group): their predictions are pooled over the "
              "group, and a labelled row of the group decides"),
        field("composition", &RoundsConfig::composition, any(), identity,
              "for a target, the number of rows of each class in every group, as in {mask: {wear: 5, incorrect: 1, "
              "normal: 1}}: the labels are the most probable assignment of the group's rows"),
        field("start", &RoundsConfig::start, one_of("fresh", "warm"), identity,
              "initial weights of a student. fresh: as in the first round; warm: those of the model before it"),
        field("augment", &RoundsConfig::augment, any(), identity,
              "random changes to pseudo-labelled images, in place of train.augment; its mixup and cutmix mix all of a "
              "student's images; null: as train.augment"),
        field("epochs", &RoundsConfig::epochs, between(0, 100000), identity,
              "passes over the training rows in rounds after the first; 0: as train.epochs"),
        field("parts", &RoundsConfig::parts, between(1, 100), identity,
              "cut the groups of unlabelled rows into this many parts and train as many students; each predicts the "
              "part whose pseudo-labels it was not taught; 1: predictions of unlabelled rows lean on their own "
              "pseudo-labels"),
        field("stop", &RoundsConfig::stop, one_of("not_better", "never"), identity,
              "not_better: a round whose OOF score is not better ends the rounds, and the round before is the result; "
              "never: the last round is the result"),
        field("use_test", &RoundsConfig::use_test, any(), identity,
              "label the test rows too; their own labels are never read for it")};
  }
};

}  // namespace pleat
