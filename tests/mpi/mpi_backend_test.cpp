#include "cluster/mpi_backend.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "base/error.h"
#include "cluster/process_group.h"
#include "mpi/mpi_test.h"

namespace pleat {
namespace {

using c10d::ReduceOp;

constexpr std::int64_t kTiny = 7;  // elements per MPI call, so that each collective needs several

struct Case {
  torch::ScalarType type;
  std::int64_t largest_message;
};

class Collectives : public testing::TestWithParam<Case> {
 protected:
  Collectives() : backend(session().world(), GetParam().largest_message) {}

  int rank() const { return backend.getRank(); }
  int size() const { return backend.getSize(); }

  /// Small integers [2, 3, 4, 5], different on every rank. All types hold and sum them exactly.
  torch::Tensor numbers(int rank) const {
    return (torch::arange(120).remainder(7) + rank).view({2, 3, 4, 5}).to(GetParam().type);
  }
  torch::Tensor sum() const {
    torch::Tensor all = numbers(0);
    for (int r = 1; r < size(); ++r) all = all + numbers(r);
    return all;
  }
  /// The values in several memory layouts: contiguous, channels_last, transposed, strided.
  std::vector<torch::Tensor> layouts(const torch::Tensor& values) const {
    torch::Tensor wide = torch::zeros({2, 3, 4, 10}, values.options());
    torch::Tensor strided = wide.slice(3, 0, 10, 2);
    strided.copy_(values);
    return {values.clone(), values.contiguous(torch::MemoryFormat::ChannelsLast).clone(),
            values.transpose(0, 3).contiguous().transpose(0, 3), strided};
  }
  torch::Tensor reduced(torch::Tensor tensor, ReduceOp::RedOpType op) {
    std::vector<torch::Tensor> one{tensor};
    backend.allreduce(one, {.reduceOp = op})->wait();
    return tensor;
  }

  MpiBackend backend;
};

std::string name_of(const testing::TestParamInfo<Case>& info) {
  return std::string(torch::toString(info.param.type)) + (info.param.largest_message == kTiny ? "InPieces" : "");
}
INSTANTIATE_TEST_SUITE_P(Types, Collectives,
                         testing::Values(Case{torch::kFloat, 1 << 28}, Case{torch::kFloat, kTiny},
                                         Case{torch::kDouble, kTiny}, Case{torch::kBFloat16, 1 << 28},
                                         Case{torch::kBFloat16, kTiny}, Case{torch::kHalf, kTiny},
                                         Case{torch::kLong, 1 << 28}, Case{torch::kLong, kTiny},
                                         Case{torch::kInt, kTiny}, Case{torch::kByte, kTiny}),
                         name_of);

TEST_P(Collectives, AllReduceSumsEveryLayout) {
  for (torch::Tensor& tensor : layouts(numbers(rank()))) {
    const auto strides = tensor.strides().vec();
    EXPECT_TRUE(torch::equal(reduced(tensor, ReduceOp::SUM), sum())) << "strides " << tensor.strides();
    EXPECT_EQ(tensor.strides().vec(), strides);
  }
}

TEST_P(Collectives, AllReduceFindsMaximumAndMinimum) {
  for (torch::Tensor& tensor : layouts(numbers(rank()))) {
    EXPECT_TRUE(torch::equal(reduced(tensor.clone(), ReduceOp::MAX), numbers(size() - 1)));
    EXPECT_TRUE(torch::equal(reduced(tensor, ReduceOp::MIN), numbers(0)));
  }
}

TEST_P(Collectives, AllReduceAveragesFloatsAndRefusesIntegers) {
  torch::Tensor tensor = numbers(rank());
  if (tensor.is_floating_point()) {
    const auto expected = (sum().to(torch::kFloat) / size()).to(GetParam().type);
    EXPECT_TRUE(torch::allclose(reduced(tensor, ReduceOp::AVG), expected));
  } else {
    EXPECT_THROW(reduced(tensor, ReduceOp::AVG), ClusterError);
  }
}

TEST_P(Collectives, BroadcastGivesEveryLayoutOfAnyRoot) {
  for (int root = 0; root < size(); ++root) {
    for (torch::Tensor& tensor : layouts(numbers(rank()))) {
      std::vector<torch::Tensor> one{tensor};
      backend.broadcast(one, {.rootRank = root})->wait();
      EXPECT_TRUE(torch::equal(tensor, numbers(root))) << "root " << root << ", strides " << tensor.strides();
    }
  }
}

TEST_P(Collectives, AllGatherGivesEveryRanksTensor) {
  for (torch::Tensor& tensor : layouts(numbers(rank()))) {
    std::vector<torch::Tensor> inputs{tensor};
    std::vector<std::vector<torch::Tensor>> outputs(1);
    for (int r = 0; r < size(); ++r) outputs[0].push_back(layouts(torch::zeros_like(numbers(0)))[std::size_t(r) % 4]);
    backend.allgather(outputs, inputs)->wait();
    for (int r = 0; r < size(); ++r) EXPECT_TRUE(torch::equal(outputs[0][std::size_t(r)], numbers(r))) << r;
  }
}

TEST_P(Collectives, AllGatherIntoOneTensorKeepsTheOrderOfRanks) {
  torch::Tensor input = numbers(rank()).flatten();
  torch::Tensor output = torch::zeros({size() * input.numel()}, input.options());
  backend._allgather_base(output, input)->wait();
  for (int r = 0; r < size(); ++r)
    EXPECT_TRUE(torch::equal(output.chunk(size())[std::size_t(r)], numbers(r).flatten()));
}

TEST(MpiBackend, TakesAnyNumberOfWorksAtOnceAndDoesThemInOrder) {
  MpiBackend backend(session().world());
  std::vector<torch::Tensor> tensors;
  std::vector<c10::intrusive_ptr<c10d::Work>> works;
  for (int i = 0; i < 200; ++i) {
    tensors.push_back(torch::full({i % 5 * 1000}, i));
    std::vector<torch::Tensor> one{tensors.back()};
    works.push_back(backend.allreduce(one));
  }
  works.push_back(backend.barrier());
  for (auto& work : works) work->wait();
  for (int i = 0; i < 200; ++i) EXPECT_TRUE((tensors[std::size_t(i)] == i * backend.getSize()).all().item<bool>()) << i;
  EXPECT_TRUE(works.back()->isSuccess());
}

TEST(MpiBackend, SumsALargeTensor) {
  MpiBackend backend(session().world());
  torch::Tensor tensor = torch::ones({12'000'000});
  std::vector<torch::Tensor> one{tensor};
  backend.allreduce(one)->wait();
  EXPECT_TRUE((tensor == backend.getSize()).all().item<bool>());
}

TEST(MpiBackend, ThrowsAFailureWhereItIsWaitedForAndInAllLaterWorks) {
  MpiBackend backend(session().world());
  std::vector<torch::Tensor> odd{torch::zeros({2}, torch::kComplexFloat)}, fine{torch::zeros({2})};
  const auto failed = backend.allreduce(odd);
  EXPECT_THROW(failed->wait(), ClusterError);
  EXPECT_TRUE(failed->isCompleted());
  EXPECT_FALSE(failed->isSuccess());
  EXPECT_NE(failed->exception(), nullptr);
  EXPECT_THROW(backend.allreduce(fine)->wait(), ClusterError);
  EXPECT_THROW(backend.allreduce(fine)->getFuture()->waitAndThrow(), ClusterError);
}

TEST(MpiBackend, TurnsAnErrorOfMpiIntoAnException) {
  MpiBackend backend(session().world());
  std::vector<torch::Tensor> one{torch::zeros({2})};
  EXPECT_THROW(backend.broadcast(one, {.rootRank = 1000})->wait(), ClusterError);
}

TEST(MpiBackend, RefusesUnfitOutputsBeforeAnythingIsSent) {
  MpiBackend backend(session().world());
  std::vector<torch::Tensor> inputs{torch::zeros({2})};
  std::vector<std::vector<torch::Tensor>> few{{}}, none;
  EXPECT_THROW(backend.allgather(few, inputs), ClusterError);
  EXPECT_THROW(backend.allgather(none, inputs), ClusterError);
  torch::Tensor small = torch::zeros({1});
  EXPECT_THROW(backend._allgather_base(small, inputs[0]), ClusterError);
}

TEST(ProcessGroup, OnCpuGoesOverMpi) {
  const auto group = make_process_group(session().world(), torch::kCPU);
  EXPECT_EQ(group->getSize(), session().size());
  EXPECT_EQ(group->getRank(), session().rank());
  std::vector<torch::Tensor> one{torch::ones({3})};
  group->allreduce(one)->wait();
  EXPECT_EQ(one[0].sum().item<float>(), 3.f * static_cast<float>(session().size()));
  group->barrier()->wait();
}

TEST(ProcessGroup, OnADeviceThatIsNotThereFailsOnEveryRank) {
  EXPECT_THROW(make_process_group(session().world(), torch::Device(torch::kCUDA, 100)), ClusterError);
}

}  // namespace
}  // namespace pleat
