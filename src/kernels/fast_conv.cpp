#include "kernels/fast_conv.h"

#include <ATen/ops/convolution_backward_compositeexplicitautograd_dispatch.h>
#include <ATen/ops/convolution_compositeexplicitautograd_dispatch.h>
#include <torch/library.h>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <tuple>

#include "kernels/conv_dense.h"
#include "kernels/conv_depthwise.h"
#include "kernels/conv_product.h"

namespace pleat {
namespace {

using at::IntArrayRef;
using torch::Tensor;
using Gradients = std::tuple<Tensor, Tensor, Tensor>;

// The arguments of aten::convolution that are not tensors.
struct Arguments {
  IntArrayRef stride, padding, dilation;
  bool transposed;
  IntArrayRef output_padding;
  std::int64_t groups;
};

Tensor library_forward(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias, const Arguments& a) {
  return at::compositeexplicitautograd::convolution(x, weight, bias, a.stride, a.padding, a.dilation, a.transposed,
                                                    a.output_padding, a.groups);
}

Gradients library_backward(const Tensor& gy, const Tensor& x, const Tensor& weight, at::OptionalIntArrayRef bias_sizes,
                           const Arguments& a, std::array<bool, 3> wanted) {
  return at::compositeexplicitautograd::convolution_backward(gy, x, weight, bias_sizes, a.stride, a.padding, a.dilation,
                                                             a.transposed, a.output_padding, a.groups, wanted);
}

// At most one of the two is set, by the thread that computes.
std::atomic<const ConvPlan*> active_plan{nullptr};
std::atomic<std::set<ConvShape>*> active_record{nullptr};

// A list of one number applies to both sides.
std::int64_t along(IntArrayRef values, std::size_t side) { return values.size() == 1 ? values[0] : values[side]; }

std::optional<ConvShape> shape_of(const Tensor& x, const Tensor& weight, const Arguments& a) {
  const bool plain = x.dim() == 4 && weight.dim() == 4 && !a.transposed;
  if (!plain || along(a.dilation, 0) != 1 || along(a.dilation, 1) != 1 || x.numel() == 0 ||
      x.scalar_type() != weight.scalar_type() || !x.is_contiguous(at::MemoryFormat::ChannelsLast))
    return std::nullopt;
  if (x.scalar_type() != at::kFloat && x.scalar_type() != at::kBFloat16) return std::nullopt;
  const ConvShape shape{.in_channels = x.size(1),
                        .out_channels = weight.size(0),
                        .height = x.size(2),
                        .width = x.size(3),
                        .kernel_h = weight.size(2),
                        .kernel_w = weight.size(3),
                        .stride_h = along(a.stride, 0),
                        .stride_w = along(a.stride, 1),
                        .pad_h = along(a.padding, 0),
                        .pad_w = along(a.padding, 1),
                        .groups = a.groups,
                        .bf16 = x.scalar_type() == at::kBFloat16};
  const bool fits = weight.size(1) * a.groups == x.size(1) && shape.height + 2 * shape.pad_h >= shape.kernel_h &&
                    shape.width + 2 * shape.pad_w >= shape.kernel_w;
  return fits ? std::optional(shape) : std::nullopt;  // the library reports the error
}

ConvWays ways_for(const std::optional<ConvShape>& shape) {
  if (!shape) return {};
  if (auto* record = active_record.load()) record->insert(*shape);
  const ConvPlan* plan = active_plan.load();
  if (plan == nullptr) return {};
  const auto found = plan->find(*shape);
  return found == plan->end() ? ConvWays{} : found->second;
}

Tensor convolution(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias, IntArrayRef stride,
                   IntArrayRef padding, IntArrayRef dilation, bool transposed, IntArrayRef output_padding,
                   std::int64_t groups) {
  const Arguments arguments{stride, padding, dilation, transposed, output_padding, groups};
  const auto shape = shape_of(x, weight, arguments);
  const ConvWay way = ways_for(shape)[ConvPass::kForward];
  if (way == ConvWay::kLibrary) return library_forward(x, weight, bias, arguments);
  const Tensor y = compute_pass(ConvPass::kForward, way, *shape, {}, x, weight);
  return bias && bias->defined() ? y.add(bias->view({1, -1, 1, 1})) : y;
}

Gradients convolution_backward(const Tensor& gy, const Tensor& x, const Tensor& weight,
                               at::OptionalIntArrayRef bias_sizes, IntArrayRef stride, IntArrayRef padding,
                               IntArrayRef dilation, bool transposed, IntArrayRef output_padding, std::int64_t groups,
                               std::array<bool, 3> wanted) {
  const Arguments arguments{stride, padding, dilation, transposed, output_padding, groups};
  const auto shape = shape_of(x, weight, arguments);
  const ConvWays ways = ways_for(shape);
  Gradients made;
  if (ways == ConvWays{}) return library_backward(gy, x, weight, bias_sizes, arguments, wanted);
  const Tensor gradient = gy.contiguous(at::MemoryFormat::ChannelsLast);
  std::array<bool, 3> left = wanted;
  const auto by_plan = [&](int index, ConvPass pass, Tensor& out) {
    if (!wanted[std::size_t(index)] || ways[pass] == ConvWay::kLibrary) return;
    out = compute_pass(pass, ways[pass], *shape, gradient, x, weight);
    left[std::size_t(index)] = false;
  };
  by_plan(0, ConvPass::kDataGradient, std::get<0>(made));
  by_plan(1, ConvPass::kWeightGradient, std::get<1>(made));
  if (!left[0] && !left[1] && !left[2]) return made;
  Gradients rest = library_backward(gradient, x, weight, bias_sizes, arguments, left);
  if (left[0]) std::get<0>(made) = std::get<0>(rest);
  if (left[1]) std::get<1>(made) = std::get<1>(rest);
  if (left[2]) std::get<2>(made) = std::get<2>(rest);
  return made;
}

// The override of aten::convolution. Destroying it restores LibTorch's own kernels.
std::unique_ptr<torch::Library> registration;

void begin_override() {
  if (registration) throw std::logic_error("convolutions are overridden already");
  registration =
      std::make_unique<torch::Library>(torch::Library::IMPL, "aten", c10::DispatchKey::CPU, __FILE__, __LINE__);
  registration->impl("convolution", TORCH_FN(convolution));
  registration->impl("convolution_backward", TORCH_FN(convolution_backward));
}

Tensor library_pass(ConvPass pass, const ConvShape& s, const Tensor& gy, const Tensor& x, const Tensor& weight) {
  const std::array stride{s.stride_h, s.stride_w}, padding{s.pad_h, s.pad_w};
  constexpr std::array<std::int64_t, 2> kOnes{1, 1}, kZeros{0, 0};
  const Arguments arguments{stride, padding, kOnes, false, kZeros, s.groups};
  if (pass == ConvPass::kForward) return library_forward(x, weight, std::nullopt, arguments);
  const bool data = pass == ConvPass::kDataGradient;
  const Gradients made = library_backward(gy, x, weight, std::nullopt, arguments, {data, !data, false});
  return data ? std::get<0>(made) : std::get<1>(made);
}

template <class Forward, class Data, class Weight>
Tensor pass_by(ConvPass pass, const ConvShape& s, const Tensor& gy, const Tensor& x, const Tensor& weight,
               const Forward& forward, const Data& data_gradient, const Weight& weight_gradient) {
  if (pass == ConvPass::kForward) return forward(s, x, weight);
  return pass == ConvPass::kDataGradient ? data_gradient(s, gy, weight) : weight_gradient(s, gy, x);
}

}  // namespace

bool can_compute(ConvWay way, const ConvShape& shape) {
  switch (way) {
    case ConvWay::kLibrary:
      return true;
    case ConvWay::kProduct:
      return shape.groups == 1;
    case ConvWay::kDense:
      return is_dense(shape);
    case ConvWay::kLoops:
      return shape.depthwise();
  }
  return false;
}

Tensor compute_pass(ConvPass pass, ConvWay way, const ConvShape& s, const Tensor& gy, const Tensor& x,
                    const Tensor& weight) {
  switch (way) {
    case ConvWay::kLibrary:
      return library_pass(pass, s, gy, x, weight);
    case ConvWay::kProduct:
      return pass_by(pass, s, gy, x, weight, product_forward, product_data_gradient, product_weight_gradient);
    case ConvWay::kDense:
      return pass_by(pass, s, gy, x, weight, dense_forward, dense_data_gradient, dense_weight_gradient);
    case ConvWay::kLoops:
      return pass_by(pass, s, gy, x, weight, depthwise_forward, depthwise_data_gradient, depthwise_weight_gradient);
  }
  return {};
}

FastConv::FastConv(const ConvPlan& plan) {
  if (plan.empty()) return;
  begin_override();
  active_plan = &plan;
  active_ = true;
}

FastConv::~FastConv() {
  if (!active_) return;
  active_plan = nullptr;
  registration.reset();
}

ConvRecorder::ConvRecorder() {
  begin_override();
  active_record = &shapes_;
}

ConvRecorder::~ConvRecorder() {
  active_record = nullptr;
  registration.reset();
}

}  // namespace pleat
