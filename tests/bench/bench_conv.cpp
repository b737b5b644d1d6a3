// Times a convolution: prints the milliseconds of every algorithm, one line per pass.
//   bench_conv BATCH THREADS bf16|fp32 CHANNELS OUT SIZE KERNEL STRIDE GROUPS
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "kernels/fast_conv.h"

namespace {

using pleat::ConvPass;
using pleat::ConvShape;
using pleat::ConvWay;

double milliseconds(ConvPass pass, ConvWay way, const ConvShape& s, std::int64_t batch) {
  const auto options = at::TensorOptions().dtype(s.bf16 ? at::kBFloat16 : at::kFloat);
  const auto filled = [&](std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
    return at::empty({n, c, h, w}, options, at::MemoryFormat::ChannelsLast).fill_(0.5);
  };
  const auto x = filled(batch, s.in_channels, s.height, s.width),
             gy = filled(batch, s.out_channels, s.out_h(), s.out_w());
  const auto weight = filled(s.out_channels, s.in_channels / s.groups, s.kernel_h, s.kernel_w);
  double least = 1e9;
  for (int turn = 0; turn < 12; ++turn) {
    const auto start = std::chrono::steady_clock::now();
    pleat::compute_pass(pass, way, s, gy, x, weight);
    const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
    if (turn >= 2) least = std::min(least, taken.count());
  }
  return least;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 10)
    return std::fprintf(stderr, "usage: bench_conv BATCH THREADS bf16|fp32 CHANNELS OUT SIZE KERNEL STRIDE GROUPS\n"),
           2;
  const auto number = [&](int i) { return std::atoll(argv[i]); };
  at::set_num_threads(static_cast<int>(number(2)));
  const torch::NoGradGuard no_grad;
  const ConvShape s{.in_channels = number(4),
                    .out_channels = number(5),
                    .height = number(6),
                    .width = number(6),
                    .kernel_h = number(7),
                    .kernel_w = number(7),
                    .stride_h = number(8),
                    .stride_w = number(8),
                    .pad_h = number(7) / 2,
                    .pad_w = number(7) / 2,
                    .groups = number(9),
                    .bf16 = std::strcmp(argv[3], "bf16") == 0};
  const double operations =
      2e-6 * double(number(1) * s.out_h() * s.out_w() * s.taps() * s.in_channels / s.groups * s.out_channels);
  constexpr const char* kPasses[] = {"forward", "data", "weight"};
  constexpr const char* kWays[] = {"library", "product", "dense", "loops"};
  for (const ConvPass pass : pleat::kConvPasses) {
    std::printf("%4ld->%4ld %3ld k%ld s%ld g%-4ld %-8s", s.in_channels, s.out_channels, s.height, s.kernel_h,
                s.stride_h, s.groups, kPasses[int(pass)]);
    for (const ConvWay way : pleat::kConvWays) {
      if (!pleat::can_compute(way, s)) continue;
      const double ms = milliseconds(pass, way, s, number(1));
      std::printf("  %s %7.3f ms (%4.0f GFLOP/s)", kWays[int(way)], ms, operations / ms);
    }
    std::printf("\n");
  }
}
