// A small network with BatchNorm, batches that depend only on the step, and a training loop with GradientSync. One
// shard and many shards must get the same result.
#pragma once

#include <torch/torch.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/files.h"
#include "cluster/gradient_sync.h"

namespace pleat {

struct SmallNet : torch::nn::Module {
  SmallNet() {
    torch::manual_seed(7);
    first = register_module("first", torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 8, 3).padding(1).bias(false)));
    norm = register_module("norm", torch::nn::BatchNorm2d(8));
    second = register_module("second", torch::nn::Conv2d(torch::nn::Conv2dOptions(8, 16, 3).stride(2)));
    last_norm = register_module("last_norm", torch::nn::BatchNorm2d(16));
    head = register_module("head", torch::nn::Linear(16, 4));
    mask = register_buffer("mask", torch::tensor({0.f, -INFINITY, 0.3f}));  // a constant that training must not change
  }

  torch::Tensor forward(torch::Tensor x) {
    x = torch::relu(norm(first(x)));
    x = torch::relu(last_norm(second(x)));
    return head(x.mean({2, 3}));
  }

  torch::nn::Conv2d first{nullptr}, second{nullptr};
  torch::nn::BatchNorm2d norm{nullptr}, last_norm{nullptr};
  torch::nn::Linear head{nullptr};
  torch::Tensor mask;
};

struct Batch {
  torch::Tensor images, labels;

  Batch(int step, int samples) {
    torch::manual_seed(1000 + step);
    images = torch::randn({samples, 3, 8, 8});
    labels = torch::randint(4, {samples});
  }
  int size() const { return static_cast<int>(labels.size(0)); }
  /// Rows [from, to) of part `part` of `parts`.
  Batch part(int part, int parts) const {
    const int each = (size() + parts - 1) / parts, from = std::min(part * each, size());
    return Batch(images.slice(0, from, std::min(from + each, size())),
                 labels.slice(0, from, std::min(from + each, size())));
  }

 private:
  Batch(torch::Tensor images, torch::Tensor labels) : images(std::move(images)), labels(std::move(labels)) {}
};

/// Sum of the part's losses divided by the batch size; undefined for an empty part.
inline torch::Tensor part_loss(SmallNet& net, const Batch& part, int batch_size) {
  if (part.size() == 0) return {};
  using namespace torch::nn::functional;
  return cross_entropy(net.forward(part.images), part.labels, CrossEntropyFuncOptions().reduction(torch::kSum)) /
         batch_size;
}

/// Trains with SGD and `sync`. The third step has `few` samples, like the last batch of an epoch.
inline void train(SmallNet& net, GradientSync& sync, int parts, int steps, int samples = 16, int few = 16) {
  torch::optim::SGD optimizer(net.parameters(), torch::optim::SGDOptions(0.05).momentum(0.9));
  for (int step = 0; step < steps; ++step) {
    const Batch batch(step, step == 2 ? few : samples);
    sync.begin_step();
    for (int i = 0; i < sync.part_count(); ++i) {
      sync.begin_part();
      const torch::Tensor loss = part_loss(net, batch.part(sync.first_part() + i, parts), batch.size());
      if (!sync.all_agree(true)) throw std::logic_error("nobody disagreed");
      sync.backward(loss);
    }
    sync.end_step();
    optimizer.step();
  }
}

/// All parameters and buffers, in order.
inline std::vector<torch::Tensor> state(SmallNet& net) {
  std::vector<torch::Tensor> all = net.parameters();
  for (const torch::Tensor& buffer : net.buffers()) all.push_back(buffer);
  return all;
}

inline std::string bytes(SmallNet& net) {
  std::string all;
  for (const torch::Tensor& tensor : state(net)) {
    const torch::Tensor flat = tensor.detach().contiguous();
    all.append(static_cast<const char*>(flat.const_data_ptr()), flat.nbytes());
  }
  return all;
}

inline double largest_difference(SmallNet& a, SmallNet& b) {
  double largest = 0;
  const auto left = state(a), right = state(b);
  for (std::size_t i = 0; i < left.size(); ++i) {
    const auto difference = (left[i].to(torch::kDouble) - right[i].to(torch::kDouble)).abs().nan_to_num(0);
    largest = std::max(largest, difference.max().item<double>());
  }
  return largest;
}

}  // namespace pleat
