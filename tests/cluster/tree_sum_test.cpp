#include "cluster/tree_sum.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "cluster/flat_tensors.h"

namespace pleat {
namespace {

TEST(TreeSum, AddsInTheOrderOfABinaryTree) {
  const std::vector<float> leaves{1e8f, 1, -1e8f, 1, 3, 1e-8f, 7, 0.1f};
  TreeSum tree;
  for (float leaf : leaves) tree.add(torch::full({1}, leaf));
  const auto a = [&](int i) { return leaves[static_cast<std::size_t>(i)]; };
  const float expected = ((a(0) + a(1)) + (a(2) + a(3))) + ((a(4) + a(5)) + (a(6) + a(7)));
  EXPECT_EQ(tree.take().item<float>(), expected);
}

TEST(TreeSum, OfOneLeafIsTheLeafAndCanBeUsedAgain) {
  TreeSum tree;
  tree.add(torch::full({1}, 3.f));
  EXPECT_EQ(tree.take().item<float>(), 3.f);
  tree.add(torch::full({1}, 4.f));
  EXPECT_EQ(tree.take().item<float>(), 4.f);
}

TEST(TreeSum, RefusesACountThatIsNoPowerOfTwo) {
  TreeSum tree;
  EXPECT_THROW(tree.take(), std::logic_error);
  for (int i = 0; i < 3; ++i) tree.add(torch::ones({1}));
  EXPECT_THROW(tree.take(), std::logic_error);
}

TEST(FlatTensors, ViewsKeepShapesAndStridesAndStartAligned) {
  const auto image = torch::arange(2 * 3 * 4 * 5).to(torch::kFloat).view({2, 3, 4, 5});
  const std::vector<torch::Tensor> like{image.contiguous(torch::MemoryFormat::ChannelsLast), torch::ones({}),
                                        torch::ones({7}), image.transpose(0, 3)};
  const FlatTensors places(like, torch::kFloat32);
  const torch::Tensor flat = places.make();
  const auto views = places.views(flat);
  ASSERT_EQ(views.size(), like.size());
  for (std::size_t i = 0; i < like.size(); ++i) {
    EXPECT_EQ(views[i].sizes(), like[i].sizes());
    EXPECT_EQ(views[i].strides(), like[i].strides());
    EXPECT_EQ(views[i].storage_offset() % 16, 0);
    views[i].copy_(like[i]);
  }
  for (std::size_t i = 0; i < like.size(); ++i) EXPECT_TRUE(torch::equal(views[i], like[i])) << i;
}

TEST(FlatTensors, GiveStridedViewsAPlaceOfTheirOwn) {
  const auto columns = torch::arange(12).to(torch::kFloat).view({3, 4}).slice(1, 0, 4, 2);
  const FlatTensors places({columns}, torch::kFloat32);
  const torch::Tensor flat = places.make();
  places.views(flat)[0].copy_(columns);
  EXPECT_TRUE(torch::equal(places.views(flat)[0], columns));
}

}  // namespace
}  // namespace pleat
