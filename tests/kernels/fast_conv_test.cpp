#include "kernels/fast_conv.h"

#include <ATen/Parallel.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/randn.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "kernels/conv_plan.h"

namespace pleat {
namespace {

struct Case {
  const char* name;
  ConvShape shape;
  std::int64_t images = 3;
};

// in, out, height, width, kernel, stride, pad, groups
ConvShape dense(std::int64_t in, std::int64_t out, std::int64_t h, std::int64_t w, std::int64_t kernel,
                std::int64_t stride, std::int64_t pad, std::int64_t groups = 1) {
  return {.in_channels = in,
          .out_channels = out,
          .height = h,
          .width = w,
          .kernel_h = kernel,
          .kernel_w = kernel,
          .stride_h = stride,
          .stride_w = stride,
          .pad_h = pad,
          .pad_w = pad,
          .groups = groups};
}
ConvShape depthwise(std::int64_t c, std::int64_t h, std::int64_t w, std::int64_t kernel, std::int64_t stride,
                    std::int64_t pad) {
  return dense(c, c, h, w, kernel, stride, pad, c);
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"plain", dense(8, 16, 6, 6, 3, 1, 1)},
      {"no padding", dense(5, 7, 6, 9, 3, 1, 0)},
      {"one pixel left", dense(16, 16, 2, 2, 3, 2, 1)},
      {"map smaller than the kernel", dense(4, 6, 1, 2, 5, 1, 2)},
      {"stride does not divide", dense(6, 4, 7, 5, 3, 2, 1)},
      {"1x1", dense(12, 20, 5, 3, 1, 1, 0)},
      {"1x1, stride 2", dense(12, 20, 5, 4, 1, 2, 0)},
      {"1x1 with padding", dense(3, 2, 4, 4, 1, 1, 1)},
      {"stem", dense(3, 8, 17, 16, 7, 2, 3)},
      {"stride beyond the kernel", dense(4, 4, 9, 9, 2, 3, 0)},
      {"one channel", dense(1, 4, 6, 6, 3, 1, 1)},
      {"kernel, stride and padding differ by side",
       {.in_channels = 4,
        .out_channels = 6,
        .height = 8,
        .width = 9,
        .kernel_h = 3,
        .kernel_w = 5,
        .stride_h = 2,
        .stride_w = 1,
        .pad_h = 0,
        .pad_w = 2}},
      {"more patches than fit at once", dense(64, 2, 32, 32, 3, 1, 1), 30},
      {"one pixel", dense(6, 5, 1, 1, 3, 1, 1)},
      {"2x2", dense(8, 12, 2, 2, 3, 1, 1)},
      {"2x2 without padding on one side",
       {.in_channels = 3,
        .out_channels = 4,
        .height = 2,
        .width = 3,
        .kernel_h = 3,
        .kernel_w = 5,
        .pad_h = 1,
        .pad_w = 1}},
      {"map that the kernel does not span", dense(4, 4, 1, 6, 7, 2, 3)},
      {"depthwise 3x3", depthwise(32, 6, 6, 3, 1, 1)},
      {"depthwise, part of a block", depthwise(5, 6, 7, 3, 1, 1)},
      {"depthwise, blocks and a part", depthwise(72, 8, 8, 5, 1, 2)},
      {"depthwise 3x3 stride 2", depthwise(40, 9, 8, 3, 2, 1)},
      {"depthwise 5x5 stride 2", depthwise(33, 7, 7, 5, 2, 2)},
      {"depthwise 7x7 on 2x2", depthwise(64, 2, 2, 7, 1, 3)},
      {"depthwise even kernel", depthwise(16, 6, 6, 4, 2, 1)},
      {"depthwise, sides differ",
       {.in_channels = 8,
        .out_channels = 8,
        .height = 6,
        .width = 10,
        .kernel_h = 5,
        .kernel_w = 3,
        .stride_h = 1,
        .stride_w = 2,
        .pad_h = 1,
        .pad_w = 0,
        .groups = 8}},
  };
  return all;
}

torch::Tensor random_like(std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w, bool bf16) {
  return at::randn({n, c, h, w}).to(bf16 ? at::kBFloat16 : at::kFloat).contiguous(at::MemoryFormat::ChannelsLast);
}

struct Operands {
  torch::Tensor x, weight, gy;
  Operands(const ConvShape& s, std::int64_t images)
      : x(random_like(images, s.in_channels, s.height, s.width, s.bf16)),
        weight(random_like(s.out_channels, s.in_channels / s.groups, s.kernel_h, s.kernel_w, s.bf16)),
        gy(random_like(images, s.out_channels, s.out_h(), s.out_w(), s.bf16)) {}
};

// Forward, data gradient, weight gradient in float64, by LibTorch's plain code.
std::array<torch::Tensor, 3> reference(const ConvShape& s, const Operands& of) {
  const torch::Tensor x = of.x.to(at::kDouble).requires_grad_(), weight = of.weight.to(at::kDouble).requires_grad_();
  const torch::Tensor y = at::conv2d(x, weight, {}, {s.stride_h, s.stride_w}, {s.pad_h, s.pad_w}, 1, s.groups);
  y.backward(of.gy.to(at::kDouble));
  return {y.detach(), x.grad(), weight.grad()};
}

// The largest difference, as a share of the largest value.
double difference(const torch::Tensor& made, const torch::Tensor& expected) {
  return ((made.to(at::kDouble) - expected).abs().max() / expected.abs().max().clamp_min(1e-9)).item<double>();
}

TEST(FastConv, EveryWayOfEveryPassAgreesWithFloat64) {
  torch::manual_seed(1);
  for (Case one : cases()) {
    for (const bool bf16 : {false, true}) {
      one.shape.bf16 = bf16;
      const Operands operands(one.shape, one.images);
      const auto expected = reference(one.shape, operands);
      for (const ConvWay way : {ConvWay::kProduct, ConvWay::kDense, ConvWay::kLoops}) {
        if (!can_compute(way, one.shape)) continue;
        for (const ConvPass pass : kConvPasses) {
          SCOPED_TRACE(fmt::format("{}, bf16 {}, way {}, pass {}", one.name, bf16, int(way), int(pass)));
          const torch::NoGradGuard no_grad;
          const torch::Tensor made = compute_pass(pass, way, one.shape, operands.gy, operands.x, operands.weight);
          ASSERT_EQ(made.sizes(), expected[std::size_t(pass)].sizes());
          EXPECT_EQ(made.scalar_type(), operands.x.scalar_type());
          EXPECT_LT(difference(made, expected[std::size_t(pass)]), bf16 ? 1.5e-2 : 1e-5);
        }
      }
    }
  }
}

TEST(FastConv, EachCaseHasAnotherWayThanTheLibrary) {
  for (const Case& one : cases())
    EXPECT_NE(can_compute(ConvWay::kProduct, one.shape), can_compute(ConvWay::kLoops, one.shape)) << one.name;
  EXPECT_TRUE(can_compute(ConvWay::kDense, dense(8, 8, 2, 4, 3, 1, 1)));
  EXPECT_FALSE(can_compute(ConvWay::kDense, dense(8, 8, 3, 3, 3, 1, 1)));
  EXPECT_FALSE(can_compute(ConvWay::kProduct, dense(8, 8, 4, 4, 3, 1, 1, 2)));
  EXPECT_FALSE(can_compute(ConvWay::kLoops, dense(8, 16, 4, 4, 3, 1, 1, 8)));
}

TEST(FastConv, DepthwiseLoopsGiveTheSameBitsOnAnyNumberOfThreads) {
  const ConvShape shape = depthwise(96, 8, 8, 5, 2, 2);
  const Operands operands(shape, 8);
  const torch::NoGradGuard no_grad;
  const int threads = at::get_num_threads();
  for (const ConvPass pass : kConvPasses) {
    const auto on = [&](int count) {
      at::set_num_threads(count);
      return compute_pass(pass, ConvWay::kLoops, shape, operands.gy, operands.x, operands.weight);
    };
    EXPECT_TRUE(torch::equal(on(1), on(3)));
  }
  at::set_num_threads(threads);
}

// Computes all three passes by products, so that an ignored plan would show in the bits.
ConvPlan all_by_product(ConvShape shape) {
  ConvPlan plan;
  for (const bool bf16 : {false, true}) {
    shape.bf16 = bf16;
    for (const ConvPass pass : kConvPasses) plan[shape][pass] = ConvWay::kProduct;
  }
  return plan;
}

torch::Tensor product_of(ConvPass pass, const ConvShape& shape, const Operands& of) {
  return compute_pass(pass, ConvWay::kProduct, shape, of.gy, of.x, of.weight);
}

struct Step {
  torch::Tensor y, gx, gw, gb;
};

Step step(const ConvShape& s, const Operands& of, const torch::Tensor& bias) {
  const torch::Tensor x = of.x.detach().clone().requires_grad_(), weight = of.weight.detach().clone().requires_grad_();
  const torch::Tensor b = bias.defined() ? bias.detach().clone().requires_grad_() : torch::Tensor();
  const torch::Tensor y = at::conv2d(x, weight, b, {s.stride_h, s.stride_w}, {s.pad_h, s.pad_w}, 1, s.groups);
  y.backward(of.gy);
  return {y.detach(), x.grad(), weight.grad(), bias.defined() ? b.grad() : torch::Tensor()};
}

TEST(FastConv, AutogradGoesThroughThePlanAndBackToTheLibraryAfterIt) {
  torch::manual_seed(2);
  const ConvShape shape = dense(32, 48, 5, 5, 3, 1, 1);
  const Operands operands(shape, 4);
  const torch::Tensor bias = at::randn({48});
  const ConvPlan plan = all_by_product(shape);
  const Step library = step(shape, operands, bias);
  Step fast;
  {
    const FastConv conv(plan);
    fast = step(shape, operands, bias);
  }
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(torch::equal(fast.y, product_of(ConvPass::kForward, shape, operands).add(bias.view({1, -1, 1, 1}))));
  EXPECT_TRUE(torch::equal(fast.gx, product_of(ConvPass::kDataGradient, shape, operands)));
  EXPECT_TRUE(torch::equal(fast.gw, product_of(ConvPass::kWeightGradient, shape, operands)));
  EXPECT_LT(difference(fast.y, library.y.to(at::kDouble)), 1e-5);
  EXPECT_LT(difference(fast.gb, library.gb.to(at::kDouble)), 1e-5);
  const Step after = [&] {
    const torch::AutoGradMode grad(true);
    return step(shape, operands, bias);
  }();
  EXPECT_TRUE(torch::equal(after.y, library.y));
  EXPECT_TRUE(torch::equal(after.gw, library.gw));
}

TEST(FastConv, WhatItHasNoCodeForIsTheLibraryS) {
  const ConvPlan plan = all_by_product(dense(8, 8, 6, 6, 3, 1, 1));
  const torch::Tensor x = at::randn({2, 8, 6, 6}), weight = at::randn({8, 8, 3, 3});
  const torch::Tensor nhwc = x.contiguous(at::MemoryFormat::ChannelsLast);
  const auto dilated = [&] { return at::conv2d(nhwc, weight, {}, 1, 1, 2); };
  const auto contiguous = [&] { return at::conv2d(x, weight, {}, 1, 1); };
  const auto doubles = [&] { return at::conv2d(nhwc.to(at::kDouble), weight.to(at::kDouble), {}, 1, 1); };
  const auto transposed = [&] { return at::conv_transpose2d(nhwc, weight, {}, 1, 1); };
  const torch::Tensor expected[] = {dilated(), contiguous(), doubles(), transposed()};
  const FastConv conv(plan);
  const torch::Tensor made[] = {dilated(), contiguous(), doubles(), transposed()};
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(torch::equal(made[i], expected[i])) << i;
}

TEST(FastConv, AWrongWeightIsRefusedAsWithoutIt) {
  const ConvPlan plan = all_by_product(dense(8, 8, 6, 6, 3, 1, 1));
  const FastConv conv(plan);
  const torch::Tensor x = at::randn({2, 8, 6, 6}).contiguous(at::MemoryFormat::ChannelsLast);
  EXPECT_THROW(at::conv2d(x, at::randn({8, 7, 3, 3}), {}, 1, 1), c10::Error);
}

TEST(ConvPlan, ARecorderNotesEachShapeOnce) {
  ConvRecorder recorder;
  const ConvShape shape = dense(4, 6, 5, 5, 3, 2, 1);
  step(shape, Operands(shape, 2), {});
  step(shape, Operands(shape, 3), {});
  EXPECT_EQ(recorder.shapes(), std::set<ConvShape>{shape});
}

TEST(ConvPlan, IsTheSameAfterTheWayThroughAFile) {
  ConvPlan plan = all_by_product(dense(8, 8, 6, 6, 3, 1, 1));
  plan[depthwise(16, 4, 4, 5, 2, 2)][ConvPass::kWeightGradient] = ConvWay::kLoops;
  EXPECT_EQ(plan_from_json(Json::parse(to_json(plan).dump()), "plan"), plan);
}

TEST(ConvPlan, AFileThatCannotBeIsRefusedByName) {
  Json no_way = to_json(all_by_product(dense(8, 8, 6, 6, 3, 1, 1)));
  no_way[0]["forward"] = "loops";
  Json missing = no_way;
  missing[0].erase("size");
  for (const Json& bad : {no_way, missing, Json{{{"channels", 3}}}, Json::array({1})}) {
    try {
      plan_from_json(bad, "conv_plan.json");
      FAIL() << bad.dump();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kData);
      EXPECT_NE(std::string(error.what()).find("conv_plan.json"), std::string::npos);
    }
  }
}

TEST(ConvPlan, AMeasuredPlanNamesOnlyWaysThatThereAre) {
  const std::set<ConvShape> shapes{dense(64, 64, 2, 2, 3, 1, 1), depthwise(64, 8, 8, 5, 2, 2),
                                   dense(8, 8, 4, 4, 3, 1, 1, 2)};
  for (const auto& [shape, ways] : measure_plan(shapes, 4)) {
    EXPECT_TRUE(shapes.contains(shape));
    for (const ConvPass pass : kConvPasses) EXPECT_TRUE(can_compute(ways[pass], shape));
  }
}

}  // namespace
}  // namespace pleat
