// Decides which pseudo-labels to believe, and how much they count.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "ensemble/group_evidence.h"

namespace pleat {

struct AdmitConfig {
  double threshold = 0.9;
  bool adaptive = false;
  bool quotas = false;
  double share = 1.0;
  static constexpr auto fields() {
    return std::tuple{
        field("threshold", &AdmitConfig::threshold, between(0, 1), identity,
              "least probability of a pseudo-label's class"),
        field("adaptive", &AdmitConfig::adaptive, any(), identity,
              "instead of threshold: the mean confidence, lowered for each class that is predicted less often "
              "(FreeMatch, Wang et al. 2023)"),
        field("quotas", &AdmitConfig::quotas, any(), identity,
              "at most as large a part of the pseudo-labels for each class as of the fold's labelled training rows"),
        field("share", &AdmitConfig::share, above_zero_to_one(), identity,
              "at most this share of the rows to label, the most confident ones")};
  }
};

struct WeightConfig {
  double factor = 1.0;
  std::string by = "constant";
  static constexpr auto fields() {
    return std::tuple{
        field("factor", &WeightConfig::factor, above(0.0), identity,
              "weight of a pseudo-labelled row in the loss; a labelled row has 1"),
        field("by", &WeightConfig::by, one_of("constant", "confidence"), identity,
              "constant: factor; confidence: less for rows below the mean confidence, by a normal curve (SoftMatch, "
              "Chen et al. 2023)")};
  }
};

struct Admitted {
  std::vector<bool> rows;
  std::int64_t count = 0;
};

/// Admits rows in order of falling confidence, then of their blocks.
///   belief: of all rows to label
///   blocks: rows that are admitted together, as they share their label; those of a block have one confidence
///   class_shares: [C], of the labelled training rows, for quotas
Admitted admit_rows(const Belief& belief, const RowGroups& blocks, const AdmitConfig& config,
                    const std::vector<double>& class_shares);

/// The threshold of each class, by the row's own predictions. Source of `adaptive`: Wang et al. 2023, arXiv:2205.07246,
/// with means over all rows in place of moving averages.
std::vector<double> class_thresholds(const Belief& belief, const AdmitConfig& config);

/// Weight of each admitted row; 0 for others. Source of `confidence`: Chen et al. 2023, arXiv:2301.10921.
std::vector<float> pseudo_weights(const Belief& belief, const Admitted& admitted, const WeightConfig& config);

}  // namespace pleat
