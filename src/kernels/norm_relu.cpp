#include "kernels/norm_relu.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "kernels/mbconv_loops.h"

namespace pleat {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Applied to the sum of BatchNorm and shortcut.
enum class Activation { kNone, kRelu, kSilu };

template <class T>
const T* data(const Tensor& tensor) {
  return tensor.defined() ? static_cast<const T*>(tensor.const_data_ptr()) : nullptr;
}
template <class T>
T* mutable_data(const Tensor& tensor) {
  return tensor.defined() ? static_cast<T*>(tensor.mutable_data_ptr()) : nullptr;
}
template <class T>
T* from_row(T* data, std::int64_t row, std::int64_t channels) {
  return data != nullptr ? data + row * channels : nullptr;
}

std::int64_t row_count(const Tensor& x) { return x.size(0) * x.size(2) * x.size(3); }

// Divides rows into chunks; calls work(chunk, first row, rows). The chunks depend only on the number of rows, so sums
// over them do not depend on the number of threads.
struct Chunks {
  explicit Chunks(std::int64_t rows) : rows(rows), size(std::max<std::int64_t>(32, (rows + 63) / 64)) {}
  std::int64_t count() const { return (rows + size - 1) / size; }
  template <class Work>
  void walk(const Work& work) const {
    at::parallel_for(0, count(), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) work(i, i * size, std::min(size, rows - i * size));
    });
  }
  std::int64_t rows, size;
};

// Two sums per channel: a pair for each chunk, and their totals.
class ChannelSums {
 public:
  ChannelSums(std::int64_t chunks, std::int64_t channels)
      : chunks_(chunks), channels_(channels), parts_(static_cast<std::size_t>(2 * chunks * channels), 0.0F) {}
  float* first(std::int64_t chunk) { return parts_.data() + 2 * chunk * channels_; }
  float* second(std::int64_t chunk) { return first(chunk) + channels_; }
  double total(bool second, std::int64_t channel) const {
    double sum = 0;
    for (std::int64_t i = 0; i < chunks_; ++i)
      sum += static_cast<double>(parts_[static_cast<std::size_t>((2 * i + (second ? 1 : 0)) * channels_ + channel)]);
    return sum;
  }

 private:
  std::int64_t chunks_, channels_;
  std::vector<float> parts_;
};

Tensor channel_vector(std::int64_t channels) { return at::empty({channels}, at::kFloat); }

struct Statistics {
  Tensor mean, inverse_deviation;  // [C] float32
};

// Computes the batch's statistics and updates the running ones. Subtracts the first row before summing: otherwise sums
// lose digits where a channel's mean is large compared with its spread.
template <class T>
Statistics take_statistics(const Tensor& x, torch::nn::BatchNorm2dImpl& norm) {
  const std::int64_t channels = x.size(1), rows = row_count(x);
  const Chunks chunks(rows);
  ChannelSums sums(chunks.count(), channels);
  std::vector<float> shift(static_cast<std::size_t>(channels));
  for (std::int64_t c = 0; c < channels; ++c) shift[static_cast<std::size_t>(c)] = widen(data<T>(x)[c]);
  chunks.walk([&](std::int64_t i, std::int64_t first, std::int64_t count) {
    add_moments(Rows<T>{from_row(data<T>(x), first, channels), count, channels}, shift.data(), sums.first(i),
                sums.second(i));
  });
  Statistics batch{channel_vector(channels), channel_vector(channels)};
  float* running_mean = norm.running_mean.data_ptr<float>();
  float* running_var = norm.running_var.data_ptr<float>();
  const double momentum = *norm.options.momentum(), all = static_cast<double>(rows);
  for (std::int64_t c = 0; c < channels; ++c) {
    const double moved = sums.total(false, c) / all;
    const double mean = moved + static_cast<double>(shift[static_cast<std::size_t>(c)]);
    const double measured = sums.total(true, c) / all - moved * moved;
    const double variance = measured < 0.0 ? 0.0 : measured;  // not std::max, which would hide a NaN
    batch.mean.data_ptr<float>()[c] = static_cast<float>(mean);
    batch.inverse_deviation.data_ptr<float>()[c] = static_cast<float>(1.0 / std::sqrt(variance + norm.options.eps()));
    running_mean[c] = static_cast<float>((1.0 - momentum) * static_cast<double>(running_mean[c]) + momentum * mean);
    running_var[c] = static_cast<float>((1.0 - momentum) * static_cast<double>(running_var[c]) +
                                        momentum * variance * all / (all - 1.0));
  }
  norm.num_batches_tracked.add_(1);
  return batch;
}

// y = x * scale + offset
struct Line {
  std::vector<float> scale, offset;
  Line(const Statistics& batch, const Tensor& weight, const Tensor& bias)
      : scale(static_cast<std::size_t>(weight.numel())), offset(scale.size()) {
    for (std::size_t c = 0; c < scale.size(); ++c) {
      scale[c] = data<float>(weight)[c] * data<float>(batch.inverse_deviation)[c];
      offset[c] = data<float>(bias)[c] - data<float>(batch.mean)[c] * scale[c];
    }
  }
};

template <class T>
Tensor normalise(const Tensor& x, const Line& line, const Tensor& shortcut, Activation activation) {
  const std::int64_t channels = x.size(1);
  const Tensor y = at::empty_like(x);
  Chunks(row_count(x)).walk([&](std::int64_t, std::int64_t first, std::int64_t count) {
    const Rows<T> rows{from_row(data<T>(x), first, channels), count, channels};
    T* out = from_row(mutable_data<T>(y), first, channels);
    if (activation == Activation::kSilu) return silu_rows(rows, line.scale.data(), line.offset.data(), out);
    scale_rows(rows, line.scale.data(), line.offset.data(), from_row(data<T>(shortcut), first, channels),
               activation == Activation::kRelu, out);
  });
  return y;
}

// Saved by forward for backward.
struct Kept {
  Tensor x, y, weight, bias;  // y: only with kRelu
  Statistics batch;
  Activation activation;
  bool shortcut;  // whether a shortcut's gradient is needed
};

struct Gradients {
  Tensor x, weight, bias, shortcut;
};

// Computes the sums over g, the gradient through the activation. Returns the tensor that holds g: a tensor of `result`,
// or `of_y` if no copy was needed. With ReLU, a returned `of_y` is not yet masked by y.
template <class T>
Tensor sum_gradients(const Kept& kept, const Tensor& of_y, const Chunks& chunks, ChannelSums& sums, Gradients& result) {
  const std::int64_t channels = kept.x.size(1);
  const auto in = [&](const Tensor& tensor, std::int64_t row) { return from_row(data<T>(tensor), row, channels); };
  const auto out = [&](const Tensor& tensor, std::int64_t row) {
    return from_row(mutable_data<T>(tensor), row, channels);
  };
  const float* mean = data<float>(kept.batch.mean);
  if (kept.activation == Activation::kSilu) {
    const Line line(kept.batch, kept.weight, kept.bias);
    chunks.walk([&](std::int64_t i, std::int64_t first, std::int64_t count) {
      add_silu_gradient_moments(Rows<T>{in(of_y, first), count, channels}, in(kept.x, first), line.scale.data(),
                                line.offset.data(), mean, sums.first(i), sums.second(i), out(result.x, first));
    });
    return result.x;
  }
  if (kept.shortcut) result.shortcut = kept.y.defined() ? at::empty_like(kept.x) : of_y;
  const Tensor masked = kept.y.defined() ? result.shortcut : Tensor();
  chunks.walk([&](std::int64_t i, std::int64_t first, std::int64_t count) {
    add_gradient_moments(Rows<T>{in(of_y, first), count, channels}, in(kept.x, first), in(kept.y, first), mean,
                         sums.first(i), sums.second(i), out(masked, first));
  });
  return masked.defined() ? masked : of_y;
}

template <class T>
Gradients gradients_of(const Kept& kept, const Tensor& of_y) {
  const Tensor& x = kept.x;
  const std::int64_t channels = x.size(1), rows = row_count(x);
  const Chunks chunks(rows);
  ChannelSums sums(chunks.count(), channels);
  Gradients result{at::empty_like(x), channel_vector(channels), channel_vector(channels), {}};
  const Tensor gradient = sum_gradients<T>(kept, of_y, chunks, sums, result);
  // With s = 1 / deviation and sums over all rows:
  // of_x = weight * s * (g - sum(g) / n - (x - mean) * s^2 * sum(g * (x - mean)) / n)
  std::vector<float> scale(static_cast<std::size_t>(channels)), slope(scale.size()), offset(scale.size());
  for (std::int64_t c = 0; c < channels; ++c) {
    const auto at = static_cast<std::size_t>(c);
    const double inverse = data<float>(kept.batch.inverse_deviation)[c], sum = sums.total(false, c),
                 product = sums.total(true, c), all = static_cast<double>(rows);
    const double factor = data<float>(kept.weight)[c] * inverse, fall = factor * inverse * inverse * product / all;
    scale[at] = static_cast<float>(factor);
    slope[at] = static_cast<float>(-fall);
    offset[at] = static_cast<float>(fall * data<float>(kept.batch.mean)[c] - factor * sum / all);
    mutable_data<float>(result.weight)[c] = static_cast<float>(product * inverse);
    mutable_data<float>(result.bias)[c] = static_cast<float>(sum);
  }
  const Tensor mask = gradient.is_same(of_y) ? kept.y : Tensor();  // a masked gradient does not need y again
  chunks.walk([&](std::int64_t, std::int64_t first, std::int64_t count) {
    scale_gradient(Rows<T>{from_row(data<T>(gradient), first, channels), count, channels},
                   from_row(data<T>(x), first, channels), from_row(data<T>(mask), first, channels), scale.data(),
                   slope.data(), offset.data(), from_row(mutable_data<T>(result.x), first, channels));
  });
  return result;
}

class Fused : public torch::autograd::Function<Fused> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const std::optional<Tensor>& add, torch::nn::BatchNorm2dImpl* norm, Activation activation) {
    const Tensor shortcut = add.value_or(Tensor());
    const bool half = x.scalar_type() == at::kBFloat16;
    const Statistics batch = half ? take_statistics<Bf16>(x, *norm) : take_statistics<float>(x, *norm);
    const Line line(batch, weight, bias);
    const Tensor y =
        half ? normalise<Bf16>(x, line, shortcut, activation) : normalise<float>(x, line, shortcut, activation);
    context->save_for_backward(
        {x, activation == Activation::kRelu ? y : Tensor(), weight, bias, batch.mean, batch.inverse_deviation});
    context->saved_data["activation"] = static_cast<std::int64_t>(activation);
    context->saved_data["shortcut"] = shortcut.defined();
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list of_outputs) {
    const variable_list saved = context->get_saved_variables();
    const Kept kept{saved[0],
                    saved[1],
                    saved[2],
                    saved[3],
                    {saved[4], saved[5]},
                    static_cast<Activation>(context->saved_data["activation"].toInt()),
                    context->saved_data["shortcut"].toBool()};
    const auto type = kept.x.scalar_type();
    const Tensor of_y = of_outputs.front().to(type).contiguous(at::MemoryFormat::ChannelsLast);
    const Gradients all = type == at::kBFloat16 ? gradients_of<Bf16>(kept, of_y) : gradients_of<float>(kept, of_y);
    return {all.x, all.weight, all.bias, all.shortcut, {}, {}};
  }
};

Tensor fused(torch::nn::BatchNorm2dImpl& norm, const Tensor& x, const Tensor& shortcut, Activation activation) {
  const std::optional<Tensor> add = shortcut.defined() ? std::optional(shortcut) : std::nullopt;
  return Fused::apply(x, norm.weight, norm.bias, add, &norm, activation);
}

bool walks_rows(const Tensor& tensor) {
  return tensor.dim() == 4 && tensor.is_contiguous(at::MemoryFormat::ChannelsLast);
}

// Whether the fused loops apply. A single row has no variance; torch's operator reports that error.
bool fits(torch::nn::BatchNorm2dImpl& norm, const Tensor& x, const Tensor& shortcut) {
  const bool type = x.scalar_type() == at::kBFloat16 || x.scalar_type() == at::kFloat;
  return norm.is_training() && x.is_cpu() && type && walks_rows(x) && row_count(x) > 1 && norm.options.momentum() &&
         norm.options.track_running_stats() && norm.options.affine() && norm.weight.scalar_type() == at::kFloat &&
         x.size(1) == norm.weight.numel() &&
         (!shortcut.defined() ||
          (walks_rows(shortcut) && shortcut.scalar_type() == x.scalar_type() && shortcut.sizes() == x.sizes()));
}

}  // namespace

torch::Tensor norm_relu(torch::nn::BatchNorm2d& norm, const Tensor& x, const Tensor& shortcut) {
  if (fits(*norm, x, shortcut)) return fused(*norm, x, shortcut, Activation::kRelu);
  // Nothing else uses BatchNorm's result, so the sum and the ReLU work in place.
  Tensor y = norm(x);
  if (shortcut.defined()) y.add_(shortcut);
  return y.relu_();
}

torch::Tensor batch_norm(torch::nn::BatchNorm2d& norm, const Tensor& x, const Tensor& shortcut) {
  if (fits(*norm, x, shortcut)) return fused(*norm, x, shortcut, Activation::kNone);
  Tensor y = norm(x);
  return shortcut.defined() ? y.add_(shortcut) : y;
}

torch::Tensor norm_silu(torch::nn::BatchNorm2d& norm, const Tensor& x) {
  if (fits(*norm, x, {})) return fused(*norm, x, {}, Activation::kSilu);
  Tensor y = norm(x);
  return y.requires_grad() ? torch::silu(y) : torch::silu_(y);  // backward needs SiLU's input
}

}  // namespace pleat
