#include "base/ranks.h"

#include <gmock/gmock.h>

#include <barrier>
#include <thread>

namespace pleat {
namespace {

// Runs `body` as each of `size` ranks, which are threads.
void as_ranks(int size, const std::function<void(const Ranks&)>& body) {
  std::barrier<> barrier(size);
  std::vector<std::string> texts(static_cast<std::size_t>(size));
  std::vector<std::jthread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      body({.rank = rank,
            .size = size,
            .barrier = [&] { barrier.arrive_and_wait(); },
            .all_gather =
                [&, rank](const std::string& mine) {
                  texts[static_cast<std::size_t>(rank)] = mine;
                  barrier.arrive_and_wait();
                  auto all = texts;
                  barrier.arrive_and_wait();
                  return all;
                }});
    });
  }
}

std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return fmt::format("{} {}{}", static_cast<int>(error.code()), error.what(), error.on_all_ranks() ? " on all" : "");
  }
  return "none";
}

TEST(Ranks, BroadcastGivesRankZerosValueToAll) {
  for (const int size : {1, 3}) {
    as_ranks(size, [&](const Ranks& ranks) {
      const auto value = broadcast<std::vector<std::string>>(ranks, [&] {
        EXPECT_EQ(ranks.rank, 0);
        return std::vector<std::string>{"a", "b\n"};
      });
      EXPECT_EQ(value, (std::vector<std::string>{"a", "b\n"}));
    });
  }
}

TEST(Ranks, BroadcastThrowsRankZerosErrorOnAll) {
  as_ranks(3, [&](const Ranks& ranks) {
    const std::string error = error_of([&] { broadcast<int>(ranks, []() -> int { throw DataError("no\nrows"); }); });
    EXPECT_EQ(error, "3 no\nrows on all");
  });
}

TEST(Ranks, TogetherThrowsTheErrorOfTheLowestRank) {
  as_ranks(3, [&](const Ranks& ranks) {
    const std::string error = error_of([&] {
      together(ranks, [&] {
        if (ranks.rank > 0) throw UsageError("rank {}", ranks.rank);
      });
    });
    EXPECT_EQ(error, "2 rank 1 on all");
  });
}

TEST(Ranks, GatherGivesEveryRanksValueByRank) {
  as_ranks(3,
           [&](const Ranks& ranks) { EXPECT_THAT(gather(ranks, ranks.rank * 1.5), testing::ElementsAre(0, 1.5, 3)); });
}

TEST(Ranks, WorkOnRankZeroRunsThereAlone) {
  std::atomic<int> runs = 0;
  as_ranks(3, [&](const Ranks& ranks) { on_rank_0(ranks, [&] { ++runs; }); });
  EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace pleat
