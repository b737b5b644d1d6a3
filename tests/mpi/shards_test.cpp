#include <gmock/gmock.h>

#include "base/error.h"
#include "cluster/process_group.h"
#include "mpi/mpi_test.h"
#include "mpi/small_net.h"

namespace pleat {
namespace {

/// Splits the ranks into slots of `shards`, each with its own group. Slots of one rank have a null group.
class Slot {
 public:
  explicit Slot(int shards) : comm_(split(session().rank() / shards)) {
    if (shards > 1) group_ = make_process_group(comm_, torch::kCPU);
  }
  ~Slot() {
    group_.reset();
    MPI_Comm_free(&comm_);
  }
  GradientSync sync(SmallNet& net, int parts, bool exact) const {
    return GradientSync(net.parameters(), net.buffers(), {.group = group_, .micro_batches = parts, .exact = exact});
  }

 private:
  MPI_Comm comm_;
  c10::intrusive_ptr<c10d::ProcessGroup> group_;
};

struct Way {
  int shards, parts;
  bool exact;
  int few = 16;  // samples of the third step
};

/// Trains `net` this way. Returns the bytes of its parameters and statistics.
std::string trained(SmallNet& net, const Way& way, int steps = 20) {
  const Slot slot(way.shards);
  GradientSync sync = slot.sync(net, way.parts, way.exact);
  EXPECT_EQ(sync.shards(), way.shards);
  EXPECT_EQ(sync.part_count() * way.shards, way.parts);
  train(net, sync, way.parts, steps, 16, way.few);
  return bytes(net);
}

void expect_same_on_all_ranks(const std::string& state) {
  EXPECT_THAT(session().ranks().all_gather(sha256(state)), testing::Each(sha256(state)));
}

TEST(Shards, TakeTheStepsThatOneShardTakesUpToRounding) {
  const int size = session().size();
  for (const int parts : {size, 2 * size}) {
    SmallNet one, many;
    trained(one, {.shards = 1, .parts = parts});
    expect_same_on_all_ranks(trained(many, {.shards = size, .parts = parts}));
    EXPECT_LT(largest_difference(one, many), 1e-4) << parts << " parts";
    EXPECT_EQ(many.norm->num_batches_tracked.item<int64_t>(), 20);
  }
}

TEST(Shards, GiveTheSameBytesAgain) {
  SmallNet a, b;
  const Way way{.shards = session().size(), .parts = session().size()};
  EXPECT_EQ(sha256(trained(a, way, 5)), sha256(trained(b, way, 5)));
}

TEST(Shards, ShareABatchThatIsTooSmallForAllParts) {
  const int size = session().size();
  SmallNet one, many;
  trained(one, {.shards = 1, .parts = 2 * size, .few = 3});
  expect_same_on_all_ranks(trained(many, {.shards = size, .parts = 2 * size, .few = 3}));
  EXPECT_LT(largest_difference(one, many), 1e-4);
}

TEST(ExactShards, GiveTheSameBytesForAnyNumberOfShards) {
  for (const int few : {16, 5}) {
    SmallNet alone;
    const std::string expected = trained(alone, {.shards = 1, .parts = 4, .exact = true, .few = few});
    expect_same_on_all_ranks(expected);
    for (int shards = 2; shards <= 4 && session().size() % shards == 0; shards *= 2) {
      SmallNet net;
      const std::string got = trained(net, {.shards = shards, .parts = 4, .exact = true, .few = few});
      EXPECT_EQ(sha256(got), sha256(expected)) << shards << " shards";
    }
  }
}

TEST(Shards, StartFromTheFirstOnesWeightsAndStatistics) {
  const Slot slot(session().size());
  SmallNet net;
  torch::NoGradGuard no_grad;
  for (torch::Tensor& tensor : state(net)) tensor.copy_(torch::full_like(tensor, session().rank()));
  GradientSync sync = slot.sync(net, session().size(), false);
  for (torch::Tensor& tensor : state(net)) EXPECT_TRUE((tensor == 0).all().item<bool>());
}

TEST(Shards, AgreeOnAnErrorOfOneAndNobodyHangs) {
  const Slot slot(session().size());
  SmallNet net;
  GradientSync sync = slot.sync(net, session().size(), false);
  for (int failing = 0; failing < session().size(); ++failing) {
    EXPECT_TRUE(sync.all_agree(true));
    bool ok = true;
    try {
      if (session().rank() == failing) throw DataError("a photo is broken");
    } catch (const DataError&) {
      ok = false;
    }
    EXPECT_FALSE(sync.all_agree(ok)) << "rank " << failing << " failed";
  }
  EXPECT_TRUE(sync.all_agree(true));
}

TEST(Shards, GiveAGradientOfZeroWhereTheLossDoesNotReach) {
  const Slot slot(session().size());
  SmallNet net;
  const torch::Tensor unused = net.register_parameter("unused", torch::ones({3}));
  GradientSync sync = slot.sync(net, session().size(), false);
  train(net, sync, session().size(), 3, 16, 3);  // with five shards, one has no samples even in the first step
  ASSERT_TRUE(unused.grad().defined());
  EXPECT_EQ(unused.grad().abs().sum().item<float>(), 0);
  expect_same_on_all_ranks(bytes(net));
}

TEST(Shards, RefuseAnUnevenShare) {
  const Slot slot(session().size());
  SmallNet net;
  if (session().size() == 1) return;
  EXPECT_THROW(slot.sync(net, session().size() + 1, false), UsageError);
}

}  // namespace
}  // namespace pleat
