#include <gmock/gmock.h>
#include <torch/torch.h>

#include <chrono>
#include <cstdlib>

#include "cluster/host.h"
#include "cluster/mpi_session.h"
#include "cluster/slot_store.h"
#include "mpi/mpi_test.h"

namespace pleat {
namespace {

TEST(MpiSession, KnowsItsRanksAndTheirHosts) {
  EXPECT_TRUE(session().launched());
  EXPECT_EQ(session().size(), std::atoi(std::getenv("OMPI_COMM_WORLD_SIZE")));
  EXPECT_EQ(session().rank(), std::atoi(std::getenv("OMPI_COMM_WORLD_RANK")));
  EXPECT_EQ(session().hosts().size(), static_cast<std::size_t>(session().size()));
  EXPECT_FALSE(session().hosts()[0].empty());
  int level = 0;
  MPI_Query_thread(&level);
  EXPECT_EQ(level, MPI_THREAD_MULTIPLE);
}

TEST(MpiSession, GathersBytesOfAnyLength) {
  const Ranks ranks = session().ranks();
  // Rank 0 sends nothing. The other texts contain zero bytes and are too long for one piece of shared memory.
  const auto text_of = [](int rank) { return std::string(static_cast<std::size_t>(rank) * 100'000, '\0') + "end"; };
  const auto all = ranks.all_gather(ranks.rank == 0 ? "" : text_of(ranks.rank));
  ASSERT_EQ(all.size(), static_cast<std::size_t>(ranks.size));
  EXPECT_EQ(all[0], "");
  for (int rank = 1; rank < ranks.size; ++rank) EXPECT_EQ(all[static_cast<std::size_t>(rank)], text_of(rank));
}

TEST(MpiSession, BarrierLetsNobodyThroughEarly) {
  const Ranks ranks = session().ranks();
  const auto now = [] { return std::chrono::steady_clock::now().time_since_epoch().count(); };  // one clock per machine
  for (int late = 0; late < ranks.size; ++late) {
    if (ranks.rank == late) torch::randn({300, 300}).mm(torch::randn({300, 300}));  // arrives after the others
    const auto entered = now();
    ranks.barrier();
    const auto left = now();
    for (const std::string& other : ranks.all_gather(std::to_string(entered))) EXPECT_LE(std::stoll(other), left);
  }
}

TEST(SharedCores, AreTheSameForAllRanksOfAHost) {
  const int cores = shared_cores(session().ranks(), session().hosts());
  const auto all = session().ranks().all_gather(std::to_string(cores));
  EXPECT_THAT(all, testing::Each(std::to_string(cores)));
}

TEST(SlotStore, IsSharedByTheRanksOfASlot) {
  MPI_Comm slot = split(session().rank() % 2);
  int rank = 0, size = 0;
  MPI_Comm_rank(slot, &rank);
  MPI_Comm_size(slot, &size);
  {
    const auto store = make_slot_store(slot);
    const std::string key = "rank" + std::to_string(rank);
    store->set(key, std::vector<uint8_t>{static_cast<uint8_t>(session().rank())});
    for (int peer = 0; peer < size; ++peer) {
      const auto value = store->get("rank" + std::to_string(peer));
      EXPECT_EQ(value.at(0), 2 * peer + session().rank() % 2);
    }
    MPI_Barrier(slot);  // the leader must destroy its store last
  }
  MPI_Comm_free(&slot);
}

TEST(SlotStore, TellsReachableFromUnreachable) {
  EXPECT_FALSE(reachable("127.0.0.1", 1, 1));
  EXPECT_FALSE(reachable("no address", 80, 1));
  EXPECT_FALSE(own_addresses().empty());
}

}  // namespace
}  // namespace pleat
