// The cluster section of the config: ranks, devices and threads. docs/config.md is generated from it.
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
  std::string stage;
  static constexpr auto fields() {
    return std::tuple{
        field("shards", &ClusterConfig::shards, between(1, 4096), runtime, "ranks that share one fold, data-parallel"),
        field("exact", &ClusterConfig::exact, any(), identity,
              "sum gradients over a fixed binary tree: byte-identical results for any number of shards that divides "
              "train.micro_batches"),
        field("device", &ClusterConfig::device, one_of("auto", "cpu", "cuda"), runtime,
              "auto: CUDA if every rank has a device of its own, else CPU"),
        field("threads", &ClusterConfig::threads, between(1, 1024), runtime,
              "compute threads per rank; auto: the host's cores divided by its ranks, for speed; a fixed number: "
              "results are byte-identical for any number of ranks"),
        field(
            "fast_conv", &ClusterConfig::fast_conv, any(), runtime,
            "on CPU, use the fastest measured implementation for each pass of each convolution (conv_plan.json in the "
            "run folder); false: always oneDNN"),
        field("stage", &ClusterConfig::stage, any(), runtime,
              "folder on a disk of each node: the crops are copied there once per node, checked, and read from there; "
              "the copy stays for later runs")};
  }
};

}  // namespace pleat
