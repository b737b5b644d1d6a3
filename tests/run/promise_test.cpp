#include "run/promise.h"

#include <gmock/gmock.h>

#include "run/run_record.h"

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

RunRecord record_of(const RunConfig& config, const ComputedBy& by) {
  return {.computed_by = by, .promise = promise(config, by, nullptr)};
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
  const RunRecord first = record_of(config, kHere);
  EXPECT_THAT(promise(config, kHere, &first), StartsWith("byte-identical"));
  ComputedBy other = kHere;
  other.threads = 4;
  const std::string broken = promise(config, other, &first);
  EXPECT_EQ(broken, "none: started with threads 1 and resumed with 4");
  const RunRecord second{.computed_by = kHere, .promise = broken};
  EXPECT_EQ(promise(config, kHere, &second), broken);
}

TEST(Promise, ExactModeMayChangeItsShards) {
  RunConfig config = fixed_threads();
  config.cluster.exact = true;
  ComputedBy two = kHere;
  two.shards = 2;
  RunRecord one = record_of(config, kHere);
  EXPECT_THAT(promise(config, two, &one), StartsWith("byte-identical"));
  config.cluster.exact = false;
  one = record_of(config, kHere);
  EXPECT_THAT(promise(config, two, &one), HasSubstr("shards 1 and resumed with 2"));
}

}  // namespace
}  // namespace pleat
