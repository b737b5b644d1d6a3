// Figures of a training epoch, as a line of metrics.jsonl and as messages to rank 0.
#pragma once

#include <cstdint>
#include <optional>
#include <tuple>

#include "base/fields.h"

namespace pleat {

struct EpochReport {
  std::int64_t epoch = 0;  // from 1
  double loss = 0;         // mean training loss over the epoch's images
  double lr = 0;           // learning rate of the epoch's last step
  std::int64_t images = 0;
  double seconds = 0;
  double waited_seconds = 0;          // part of `seconds`: time spent waiting for batches
  std::optional<double> inner_score;  // with train.keep: best: score on the inner rows; higher is better
  static constexpr auto members() {
    return std::tuple{&EpochReport::epoch,      &EpochReport::loss,    &EpochReport::lr,
                      &EpochReport::images,     &EpochReport::seconds, &EpochReport::waited_seconds,
                      &EpochReport::inner_score};
  }
};

/// Progress of a running job.
struct TrainProgress {
  EpochReport epoch;                 // loss: mean so far
  std::int64_t step = 0, steps = 0;  // steps done in this epoch, and its total
  std::int64_t images_before = 0;    // images that earlier runs of this job trained on
  static constexpr auto members() {
    return std::tuple{&TrainProgress::epoch, &TrainProgress::step, &TrainProgress::steps,
                      &TrainProgress::images_before};
  }
};

Json to_json(const EpochReport& report);
/// Throws Json::exception for a missing key or another type.
EpochReport epoch_report_from_json(const Json& json);

}  // namespace pleat
