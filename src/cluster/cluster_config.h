// How a run is spread over ranks and devices; see docs/config.md, which is made from here.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include "base/fields.h"

namespace pleat {

struct ClusterConfig {
  std::int64_t shards = 1;
  bool exact = false;
  std::string device = "auto";
  Auto<std::int64_t> threads;
  bool fast_conv = true;
  static constexpr auto fields() {
    return std::tuple{
        field("shards", &ClusterConfig::shards, between(1, 4096), runtime, "ranks that share one fold, data-parallel"),
        field("exact", &ClusterConfig::exact, any(), identity,
              "sum gradients over a fixed binary tree: the same bits for any number of shards that divides "
              "train.micro_batches"),
        field("device", &ClusterConfig::device, one_of("auto", "cpu", "cuda"), runtime,
              "auto: CUDA where there is a device for every rank of the host, else CPU"),
        field("threads", &ClusterConfig::threads, between(1, 1024), runtime,
              "compute threads of each rank; auto: cores / ranks of the host, for speed; a fixed number makes results "
              "byte-identical for any number of ranks"),
        field(
            "fast_conv", &ClusterConfig::fast_conv, any(), runtime,
            "on CPU, compute each pass of each convolution by the way that was measured to be fastest (conv_plan.json "
            "in the run folder); false: always by oneDNN")};
  }
};

}  // namespace pleat
