#include "kernels/excitation.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "kernels/mbconv_loops.h"

namespace pleat {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

template <class T>
struct Images {
  explicit Images(const Tensor& x) : count(x.size(0)), pixels(x.size(2) * x.size(3)), channels(x.size(1)), tensor(x) {}
  Rows<T> operator[](std::int64_t i) const {
    return {static_cast<const T*>(tensor.const_data_ptr()) + i * pixels * channels, pixels, channels};
  }
  T* to_write(std::int64_t i) const { return static_cast<T*>(tensor.mutable_data_ptr()) + i * pixels * channels; }
  std::int64_t count, pixels, channels;
  const Tensor& tensor;
};

// One thread handles a whole image, so the number of threads does not change a sum.
template <class Work>
void for_each_image(std::int64_t count, const Work& work) {
  at::parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) work(i);
  });
}

Tensor in_rows(const Tensor& gradient, at::ScalarType type) {
  return gradient.to(type).contiguous(at::MemoryFormat::ChannelsLast);
}

// Returns x and the means over its pixels. Backward combines both gradients in one pass.
class Means : public Function<Means> {
 public:
  static variable_list forward(AutogradContext*, const Tensor& x) { return {x, x.mean({2, 3})}; }

  static variable_list backward(AutogradContext*, variable_list gradients) {
    const auto type = gradients[0].scalar_type();
    const Tensor of_same = in_rows(gradients[0], type), of_x = at::empty_like(of_same);
    const double pixels = static_cast<double>(of_x.size(2) * of_x.size(3));
    const Tensor add = gradients[1].to(at::kFloat).div(pixels).contiguous();
    type == at::kBFloat16 ? sum<Bf16>(of_same, add, of_x) : sum<float>(of_same, add, of_x);
    return {of_x};
  }

 private:
  template <class T>
  static void sum(const Tensor& of_same, const Tensor& add, const Tensor& of_x) {
    const Images<T> in(of_same), out(of_x);
    for_each_image(in.count, [&](std::int64_t i) {
      add_to_channels(in[i], add.const_data_ptr<float>() + i * in.channels, out.to_write(i));
    });
  }
};

// x * factors
class Scale : public Function<Scale> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& factors) {
    context->save_for_backward({x, factors});
    return x * factors.unsqueeze(-1).unsqueeze(-1);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const auto type = saved[0].scalar_type();
    const Tensor of_y = in_rows(gradients[0], type), of_x = at::empty_like(saved[0]);
    const Tensor factors = saved[1].to(at::kFloat).contiguous(), sums = at::zeros(factors.sizes(), at::kFloat);
    type == at::kBFloat16 ? back<Bf16>(of_y, saved[0], factors, sums, of_x)
                          : back<float>(of_y, saved[0], factors, sums, of_x);
    return {of_x, sums.to(type)};
  }

 private:
  template <class T>
  static void back(const Tensor& of_y, const Tensor& x, const Tensor& factors, const Tensor& sums, const Tensor& of_x) {
    const Images<T> gradient(of_y), in(x), out(of_x);
    for_each_image(in.count, [&](std::int64_t i) {
      scale_channels_gradient(gradient[i], in[i].data, factors.const_data_ptr<float>() + i * in.channels,
                              sums.mutable_data_ptr<float>() + i * in.channels, out.to_write(i));
    });
  }
};

bool fits(const Tensor& x) {
  const bool type = x.scalar_type() == at::kBFloat16 || x.scalar_type() == at::kFloat;
  return at::GradMode::is_enabled() && x.requires_grad() && x.is_cpu() && type &&
         x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

}  // namespace

Tensor excite(const Tensor& x, const std::function<Tensor(const Tensor&)>& gate) {
  if (!fits(x)) return x * gate(x.mean({2, 3})).unsqueeze(-1).unsqueeze(-1);
  const variable_list both = Means::apply(x);
  return Scale::apply(both[0], gate(both[1]).to(x.scalar_type()));
}

}  // namespace pleat
