#include "run/last_wave.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>

namespace pleat {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

RunConfig with_threads(std::optional<std::int64_t> threads) {
  RunConfig config;
  config.cluster.threads.value = threads;
  return config;
}

LastWave wave_of(const LayoutRequest& request, const std::vector<int>& to_do,
                 std::optional<std::int64_t> threads = {}) {
  const RankLayout layout = make_layout(request);
  return last_wave(with_threads(threads), layout, layout.ranks[0], to_do);
}

TEST(LastWave, TheJobThatIsLeftOverGetsTheCoresOfTheIdleSlot) {
  const LastWave wave = wave_of({.world_size = 2, .cores_per_rank_host = 2}, {0, 1, 2, 3, 4});
  EXPECT_THAT(wave.jobs, ElementsAre(4));
  EXPECT_EQ(wave.threads, 2);
}

TEST(LastWave, JobsThatFillTheSlotsLeaveNobodyIdle) {
  EXPECT_THAT(wave_of({.world_size = 2, .cores_per_rank_host = 2}, {0, 1, 2, 3}).jobs, IsEmpty());
  EXPECT_THAT(wave_of({.world_size = 1, .cores_per_rank_host = 2}, {0, 1, 2}).jobs, IsEmpty());
  EXPECT_THAT(wave_of({.world_size = 2, .cores_per_rank_host = 2}, {}).jobs, IsEmpty());
}

TEST(LastWave, FewerJobsThanSlotsAreTheLastWaveFromTheStart) {
  const LastWave wave = wave_of({.world_size = 8, .cores_per_rank_host = 16}, {3, 5});
  EXPECT_THAT(wave.jobs, ElementsAre(3, 5));
  EXPECT_EQ(wave.threads, 8);
}

TEST(LastWave, FixedThreadsStayAsTheyAre) {
  EXPECT_THAT(wave_of({.world_size = 2, .cores_per_rank_host = 2, .threads = 1}, {0, 1, 2}, 1).jobs, IsEmpty());
}

TEST(LastWave, JobsThatMayMeetOnOneHostShareItsCores) {
  // Four slots on two hosts of four cores. Two jobs remain, and both may run on this host.
  const LayoutRequest request{.world_size = 4, .hosts = {"a", "a", "b", "b"}, .cores_per_rank_host = 4};
  EXPECT_EQ(wave_of(request, {0, 1}).threads, 2);
  EXPECT_EQ(wave_of(request, {0}).threads, 4);
}

TEST(LastWave, TheShardsOfAJobShareThemToo) {
  EXPECT_EQ(wave_of({.world_size = 4, .shards = 2, .cores_per_rank_host = 8}, {0}).threads, 4);
}

TEST(ThreadCount, EndsWithItself) {
  const int before = at::get_num_threads();
  {
    const ThreadCount threads(before + 1);
    EXPECT_EQ(at::get_num_threads(), before + 1);
  }
  EXPECT_EQ(at::get_num_threads(), before);
}

}  // namespace
}  // namespace pleat
