#include "batches/batch_loader.h"

#include <ATen/ops/empty.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>

#include "base/stopwatch.h"
#include "data/pixel_writer.h"

namespace pleat {

namespace {

// Half of the rows are mirrored in even epochs, the others in odd ones. So two epochs in a row show both sides.
bool alternate_flip(RandomKey key) {
  const bool odd = key.epoch % 2 == 1;
  key.epoch = 0;
  key.purpose = Purpose::kFlip;
  return (RandomStream(key).below(2) == 1) != odd;
}

}  // namespace

// A ring of buffers: plan i goes to buffer i % ahead once batch i - ahead has been taken. Workers claim plans in order.
struct BatchLoader::Impl {
  struct Buffer {
    Batch batch;
    std::exception_ptr error;
    bool ready = false;
  };

  const CropFile& crops;
  const LoaderOptions options;
  const std::vector<BatchPlan> plans;
  const ImageShape shape;  // of the batches' images
  const PixelWriter writer;
  std::vector<Buffer> ring;
  std::size_t claimed = 0, taken = 0;
  bool stopping = false;
  double waited = 0;
  std::mutex mutex;
  std::condition_variable room, filled;
  std::vector<std::jthread> workers;

  Impl(const CropFile& c, const LoaderOptions& o, std::vector<BatchPlan> p)
      : crops(c),
        options(o),
        plans(std::move(p)),
        shape(o.shape.value_or(c.shape())),
        writer(c.shape(), shape, o.norm),
        ring(std::size_t(std::max(1, o.ahead))) {
    try {
      for (int i = 0; i < std::max(1, options.threads); ++i) workers.emplace_back([this] { work(); });
    } catch (...) {
      stop();  // too many threads for this machine; joining those started would block for ever
      throw;
    }
  }

  ~Impl() { stop(); }

  void stop() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    room.notify_all();
    workers.clear();  // joins them
  }

  void work() {
    for (;;) {
      std::size_t index = 0;
      {
        std::unique_lock lock(mutex);
        room.wait(lock, [&] { return stopping || claimed == plans.size() || claimed < taken + ring.size(); });
        if (stopping || claimed == plans.size()) return;
        index = claimed++;
      }
      Buffer made;
      try {
        made.batch = make(plans[index]);
      } catch (...) {
        made.error = std::current_exception();
      }
      made.ready = true;
      {
        const std::lock_guard lock(mutex);
        ring[index % ring.size()] = std::move(made);
      }
      filled.notify_all();
    }
  }

  Batch make(const BatchPlan& plan) const {
    const auto count = static_cast<std::int64_t>(plan.rows.size());
    const auto pin = at::TensorOptions().pinned_memory(options.pinned);
    // Allocated as NHWC and viewed as NCHW: channels_last without a copy.
    const torch::Tensor pixels = at::empty({count, shape.height, shape.width, shape.channels}, pin.dtype(at::kFloat));
    float* out = pixels.data_ptr<float>();
    for (std::size_t i = 0; i < plan.rows.size(); ++i) {
      const std::int64_t row = plan.rows[i];
      Placement placement{.box = whole_image(crops.shape())};
      if (options.training) {
        RandomKey key = options.key;
        key.purpose = Purpose::kAugment;
        key.epoch = plan.passes.empty() ? plan.epoch : plan.passes[i];
        key.sample = static_cast<std::uint64_t>(row);
        const bool other = options.pseudo_augment && !plan.pseudo.empty() && plan.pseudo[i];
        const AugmentConfig& augment = other ? *options.pseudo_augment : options.augment;
        RandomStream random(key);
        placement = draw_placement(augment, crops.shape(), random,
                                   augment.alternate_flips ? std::optional(alternate_flip(key)) : std::nullopt);
      }
      writer.write(crops.image(static_cast<std::size_t>(row)), placement, out);
      out += shape.bytes();
    }
    return {.images = pixels.permute({0, 3, 1, 2}), .rows = plan.rows, .pseudo = plan.pseudo};
  }
};

BatchLoader::BatchLoader(const CropFile& crops, const LoaderOptions& options, std::vector<BatchPlan> plans)
    : impl_(std::make_unique<Impl>(crops, options, std::move(plans))) {}

BatchLoader::~BatchLoader() = default;

Batch BatchLoader::next() {
  Impl& impl = *impl_;
  std::unique_lock lock(impl.mutex);
  if (impl.taken == impl.plans.size()) throw std::logic_error("every batch of this loader has been taken");
  Impl::Buffer& buffer = impl.ring[impl.taken % impl.ring.size()];
  if (!buffer.ready) {
    const Clock::time_point start = Clock::now();
    impl.filled.wait(lock, [&] { return buffer.ready; });
    impl.waited += seconds_since(start);
  }
  Impl::Buffer made = std::exchange(buffer, {});
  ++impl.taken;
  lock.unlock();
  impl.room.notify_all();
  if (made.error) std::rethrow_exception(made.error);
  return std::move(made.batch);
}

double BatchLoader::waited_seconds() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->waited;
}

std::vector<std::int64_t> shuffled_positions(std::size_t count, const RandomKey& key) {
  std::vector<std::int64_t> positions(count);
  std::iota(positions.begin(), positions.end(), 0);
  RandomStream random(key);
  shuffle(positions, random);
  return positions;
}

std::size_t part_begin(std::size_t count, std::size_t parts, std::size_t index) {
  return count / parts * index + std::min(index, count % parts);
}

}  // namespace pleat
