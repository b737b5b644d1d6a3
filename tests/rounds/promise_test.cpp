#include "rounds/promise.h"

#include <gmock/gmock.h>

namespace pleat {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

RunConfig fixed_threads() {
  RunConfig config;
  config.cluster.threads.value = 1;
  return config;
}
const ComputedBy kHere{.build = "b1", .device = "cpu", .cpu = "AVX512, bf16"};

Json run_json(const RunConfig& config, const ComputedBy& by) {
  return {{"computed_by", to_json(by)}, {"promise", promise(config, by, nullptr)}};
}

TEST(Promise, OfOneStartDependsOnThreadsShardsAndDevice) {
  RunConfig config = fixed_threads();
  EXPECT_THAT(promise(config, kHere, nullptr), StartsWith("byte-identical for any number of ranks"));
  config.cluster.shards = 2;
  EXPECT_THAT(promise(config, kHere, nullptr), StartsWith("byte-identical for the same cluster.shards"));
  config.cluster.exact = true;
  EXPECT_THAT(promise(config, kHere, nullptr), StartsWith("byte-identical for any number of ranks"));
  EXPECT_THAT(promise(RunConfig{}, kHere, nullptr), StartsWith("none: cluster.threads"));
  ComputedBy other = kHere;
  other.device = "cuda";
  EXPECT_THAT(promise(config, other, nullptr), StartsWith("none: on CUDA"));
  other = kHere;
  other.cpu = "AVX2, no bf16 and AVX512, bf16";
  EXPECT_THAT(promise(config, other, nullptr), HasSubstr("different kinds"));
}

TEST(Promise, EndsForGoodOnceAStartComputedOtherwise) {
  const RunConfig config = fixed_threads();
  const Json first = run_json(config, kHere);
  EXPECT_THAT(promise(config, kHere, first), StartsWith("byte-identical"));
  ComputedBy other = kHere;
  other.threads = 4;
  const std::string broken = promise(config, other, first);
  EXPECT_EQ(broken, "none: begun with threads 1 and continued with 4");
  EXPECT_EQ(promise(config, kHere, {{"computed_by", to_json(kHere)}, {"promise", broken}}), broken);
}

TEST(Promise, ExactModeMayChangeItsShards) {
  RunConfig config = fixed_threads();
  config.cluster.exact = true;
  ComputedBy two = kHere;
  two.shards = 2;
  EXPECT_THAT(promise(config, two, run_json(config, kHere)), StartsWith("byte-identical"));
  config.cluster.exact = false;
  EXPECT_THAT(promise(config, two, run_json(config, kHere)), HasSubstr("shards 1 and continued with 2"));
}

}  // namespace
}  // namespace pleat
