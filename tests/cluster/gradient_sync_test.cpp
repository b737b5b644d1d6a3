#include "cluster/gradient_sync.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "mpi/small_net.h"

namespace pleat {
namespace {

GradientSync alone(SmallNet& net, int parts, bool exact = false) {
  return GradientSync(net.parameters(), net.buffers(), {.micro_batches = parts, .exact = exact});
}

void one_step(SmallNet& net, GradientSync& sync, const Batch& batch, int parts) {
  sync.begin_step();
  for (int part = 0; part < parts; ++part) {
    sync.begin_part();
    sync.backward(part_loss(net, batch.part(part, parts), batch.size()));
  }
  sync.end_step();
}

class OneShard : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { at::set_num_threads(1); }
};
INSTANTIATE_TEST_SUITE_P(MicroBatches, OneShard, testing::Values(1, 2, 4), testing::PrintToStringParamName());

TEST_P(OneShard, SumsWhatEachPartAloneGives) {
  const int parts = GetParam();
  const Batch batch(0, 16);
  SmallNet net;
  GradientSync sync = alone(net, parts);
  one_step(net, sync, batch, parts);

  SmallNet expected;
  std::vector<torch::Tensor> statistics(4);
  for (int part = 0; part < parts; ++part) {
    SmallNet one;  // starts from the same weights and statistics
    part_loss(one, batch.part(part, parts), batch.size()).backward();
    for (std::size_t i = 0; i < expected.parameters().size(); ++i) {
      torch::Tensor& sum = expected.parameters()[i].mutable_grad();
      sum = sum.defined() ? sum + one.parameters()[i].grad() : one.parameters()[i].grad().clone();
    }
    const std::vector<torch::Tensor> made{one.norm->running_mean, one.norm->running_var, one.last_norm->running_mean,
                                          one.last_norm->running_var};
    for (std::size_t i = 0; i < made.size(); ++i) {
      statistics[i] = statistics[i].defined() ? statistics[i] + made[i] / parts : made[i] / parts;
    }
  }
  for (std::size_t i = 0; i < expected.parameters().size(); ++i) {
    EXPECT_TRUE(torch::allclose(net.parameters()[i].grad(), expected.parameters()[i].grad(), 1e-5, 1e-7)) << i;
  }
  EXPECT_TRUE(torch::allclose(net.norm->running_mean, statistics[0]));
  EXPECT_TRUE(torch::allclose(net.norm->running_var, statistics[1]));
  EXPECT_TRUE(torch::allclose(net.last_norm->running_mean, statistics[2]));
  EXPECT_TRUE(torch::allclose(net.last_norm->running_var, statistics[3]));
  EXPECT_EQ(net.norm->num_batches_tracked.item<int64_t>(), 1);
  EXPECT_TRUE(torch::equal(net.mask, expected.mask)) << "a constant buffer moved";
}

TEST_P(OneShard, ExactTakesTheSameStepsUpToRounding) {
  SmallNet plain, exact;
  GradientSync plain_sync = alone(plain, GetParam()), exact_sync = alone(exact, GetParam(), true);
  train(plain, plain_sync, GetParam(), 20);
  train(exact, exact_sync, GetParam(), 20);
  EXPECT_LT(largest_difference(plain, exact), 1e-4);
}

TEST_P(OneShard, GivesTheSameBytesAgain) {
  for (const bool exact : {false, true}) {
    SmallNet a, b;
    GradientSync sync_a = alone(a, GetParam(), exact), sync_b = alone(b, GetParam(), exact);
    train(a, sync_a, GetParam(), 5);
    train(b, sync_b, GetParam(), 5);
    EXPECT_EQ(sha256(bytes(a)), sha256(bytes(b)));
  }
}

TEST(GradientSync, OfOnePartIsPlainTrainingToTheBit) {
  SmallNet plain, synced;
  const Batch batch(0, 16);
  GradientSync sync = alone(synced, 1);
  one_step(synced, sync, batch, 1);
  part_loss(plain, batch, batch.size()).backward();
  for (std::size_t i = 0; i < plain.parameters().size(); ++i) {
    EXPECT_TRUE(torch::equal(plain.parameters()[i].grad(), synced.parameters()[i].grad())) << i;
  }
  EXPECT_EQ(bytes(plain), bytes(synced));
}

TEST(GradientSync, KeepsTheMemoryOrderOfChannelsLastParameters) {
  for (const bool exact : {false, true}) {
    SmallNet net;
    net.first->weight.set_data(net.first->weight.contiguous(torch::MemoryFormat::ChannelsLast));
    GradientSync sync = alone(net, 2, exact);
    one_step(net, sync, Batch(0, 16), 2);
    EXPECT_EQ(net.first->weight.grad().strides(), net.first->weight.strides()) << "exact: " << exact;
  }
}

TEST(GradientSync, EmptyPartsAddNothingAndDoNotDiluteStatistics) {
  for (const bool exact : {false, true}) {
    SmallNet whole, split;
    GradientSync one = alone(whole, 1), four = alone(split, 4, exact);
    const Batch batch(0, 4);
    one_step(whole, one, batch, 1);
    four.begin_step();
    for (int part = 0; part < 4; ++part) {
      four.begin_part();
      four.backward(part == 0 ? part_loss(split, batch, batch.size()) : torch::Tensor());
    }
    four.end_step();
    for (std::size_t i = 0; i < whole.parameters().size(); ++i) {
      EXPECT_TRUE(torch::equal(whole.parameters()[i].grad(), split.parameters()[i].grad())) << i;
    }
    EXPECT_LT(largest_difference(whole, split), 1e-6);
    EXPECT_EQ(split.norm->num_batches_tracked.item<int64_t>(), 1);
  }
}

TEST(GradientSync, LeavesADefinedGradientWhereTheLossDoesNotReach) {
  for (const bool exact : {false, true}) {
    SmallNet net;
    std::vector<torch::Tensor> parameters = net.parameters();
    parameters.push_back(torch::ones({3}, torch::requires_grad()));
    GradientSync sync(parameters, net.buffers(), {.micro_batches = 2, .exact = exact});
    one_step(net, sync, Batch(0, 16), 2);
    ASSERT_TRUE(parameters.back().grad().defined());
    EXPECT_EQ(parameters.back().grad().abs().sum().item<float>(), 0);
  }
}

TEST(GradientSync, RefusesWhatCannotBeShared) {
  SmallNet net;
  EXPECT_THROW(alone(net, 0), UsageError);
  EXPECT_THROW(alone(net, 3, true), UsageError);
  EXPECT_THROW(GradientSync({}, {}, {}), UsageError);
  EXPECT_NO_THROW(alone(net, 3));
}

TEST(GradientSync, NoticesStepsOutOfOrder) {
  SmallNet net;
  GradientSync sync = alone(net, 2);
  sync.begin_step();
  EXPECT_THROW(sync.backward({}), std::logic_error);
  sync.begin_part();
  EXPECT_THROW(sync.begin_part(), std::logic_error);
  EXPECT_THROW(sync.end_step(), std::logic_error);
}

TEST(GradientSync, AloneAgreesWithItself) {
  SmallNet net;
  GradientSync sync = alone(net, 1);
  EXPECT_TRUE(sync.all_agree(true));
  EXPECT_FALSE(sync.all_agree(false));
  EXPECT_EQ(sync.first_part(), 0);
  EXPECT_EQ(sync.part_count(), 1);
  EXPECT_EQ(sync.shards(), 1);
}

}  // namespace
}  // namespace pleat
