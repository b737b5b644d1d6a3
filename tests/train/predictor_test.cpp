#include "train/predictor.h"

#include <ATen/Functions.h>
#include <gmock/gmock.h>

#include <numeric>
#include <set>
#include <tuple>

#include "base/random.h"
#include "data/pixel_writer.h"
#include "support/scratch_folder.h"
#include "train/image_views.h"

namespace pleat {
namespace {

constexpr ImageShape kShape{.height = 6, .width = 5, .channels = 3};
constexpr int kRows = 7, kClasses = 2;
const PixelNorm kNorm{{0.4, 0.5, 0.6}, {0.2, 0.25, 0.3}};

// Weighted sums of pixels, with different weights everywhere, so that every view of an image has its own output.
class SmallNet : public Classifier {
 public:
  torch::Tensor forward(const torch::Tensor& images) override {
    ++forwards;
    const torch::Tensor values = images.contiguous().flatten(1);
    const torch::Tensor place = at::arange(values.size(1), at::kFloat);
    return at::stack({(values * (place * 0.7).sin()).sum(1), (values * (place * 1.3).cos()).relu().sum(1)}, 1);
  }
  int forwards = 0;
};

class PredictorTest : public testing::Test {
 protected:
  PredictorTest() : crops_(make_crops()) { std::iota(rows_.begin(), rows_.end(), 0); }

  torch::Tensor predict(const PredictOptions& options) {
    return predict_logits(net_, crops_, rows_, kClasses, options);
  }

  // All images as the loader would give them with this placement, [kRows, C, H, W].
  torch::Tensor placed(bool flip, int right, int down) const {
    const PixelWriter writer(kShape, kShape, kNorm);
    Placement placement{.box = whole_image(kShape), .flip = flip};
    placement.box.top = -down;
    placement.box.left = flip ? right : -right;  // as draw_placement moves the mirrored image
    const torch::Tensor pixels = at::empty({kRows, kShape.height, kShape.width, kShape.channels}, at::kFloat);
    for (int row = 0; row < kRows; ++row) {
      writer.write(crops_.image(std::size_t(row)), placement, pixels[row].data_ptr<float>());
    }
    return pixels.permute({0, 3, 1, 2});
  }

  ScratchFolder folder_;
  CropFile crops_;
  SmallNet net_;
  std::vector<std::int64_t> rows_ = std::vector<std::int64_t>(kRows);

 private:
  CropFile make_crops() {
    SampleTable table{.names = {"id"}, .values = {{}}};
    for (int i = 0; i < kRows; ++i) table.values[0].push_back("r" + std::to_string(i));
    create_crops(folder_ / "crops.h5", kShape, table, {});
    CropWriter writer(folder_ / "crops.h5");
    RandomStream random({.seed = 5});
    for (int i = 0; i < kRows; ++i) {
      std::vector<std::uint8_t> image(kShape.bytes());
      for (auto& pixel : image) pixel = static_cast<std::uint8_t>(random.below(256));
      writer.write(std::size_t(i), image);
    }
    writer.finish();
    return CropFile(folder_ / "crops.h5");
  }
};

TEST_F(PredictorTest, ViewsAreTheImageItsMovesAndTheirMirrorImages) {
  EXPECT_EQ(views_of(false, 0).size(), 1u);
  EXPECT_EQ(views_of(true, 0).size(), 2u);
  EXPECT_EQ(views_of(false, 3).size(), 5u);
  EXPECT_EQ(views_of(true, 3).size(), 10u);
  std::set<std::tuple<bool, std::int64_t, std::int64_t>> different;
  for (const ImageView& view : views_of(true, 3)) different.insert({view.flip, view.right, view.down});
  EXPECT_EQ(different.size(), 10u);
  EXPECT_THAT(different, testing::Contains(std::tuple(true, -3, 0)));
}

// Views must have the same bits as training's pad and flip. Black is not zero after normalisation.
TEST_F(PredictorTest, AViewIsWhatTrainingWouldShow) {
  const torch::Tensor images = placed(false, 0, 0), black = black_pixel(kNorm, at::kCPU);
  for (const std::int64_t shift : {1, 2, 4}) {
    for (const ImageView& view : views_of(true, shift)) {
      const torch::Tensor seen = seen_by(view, images, black);
      EXPECT_TRUE(seen.equal(placed(view.flip, int(view.right), int(view.down))))
          << view.flip << " " << view.right << " " << view.down;
      EXPECT_EQ(seen.suggest_memory_format(), images.suggest_memory_format());
    }
  }
}

TEST_F(PredictorTest, MovedByASideOrMoreAnImageIsBlack) {
  const torch::Tensor images = placed(false, 0, 0), black = black_pixel(kNorm, at::kCPU);
  for (const ImageView& view : {ImageView{.right = 5}, ImageView{.right = -9}, ImageView{.down = 6}}) {
    EXPECT_TRUE(seen_by(view, images, black).equal(black.expand_as(images)));
  }
}

TEST_F(PredictorTest, LogitsAreTheMeanOverTheViews) {
  for (const bool flip : {false, true}) {
    torch::Tensor sum = at::zeros({kRows, kClasses});
    const auto views = views_of(flip, 2);
    for (const ImageView& view : views) sum += net_.forward(placed(view.flip, int(view.right), int(view.down)));
    net_.forwards = 0;
    const torch::Tensor logits = predict({.norm = kNorm, .flip = flip, .shift = 2});
    EXPECT_TRUE(logits.allclose(sum / double(views.size()), 1e-5, 1e-5));
    EXPECT_EQ(net_.forwards, int(views.size()));
    EXPECT_FALSE(logits.allclose(predict({.norm = kNorm, .flip = flip})));
  }
}

TEST_F(PredictorTest, WithoutShiftsNothingIsAddedOrRounded) {
  const torch::Tensor one = net_.forward(placed(false, 0, 0)), other = net_.forward(placed(true, 0, 0));
  EXPECT_TRUE(predict({.norm = kNorm}).equal(one));
  EXPECT_TRUE(predict({.norm = kNorm, .flip = true}).equal((one + other) / 2));
}

TEST_F(PredictorTest, ShardsTakeBatchesAndTheirSumIsTheWhole) {
  PredictOptions options{.norm = kNorm, .flip = true, .shift = 1, .batch = 2};
  const torch::Tensor whole = predict(options);
  torch::Tensor sum = at::zeros({kRows, kClasses});
  options.shards = 3;
  for (options.shard = 0; options.shard < options.shards; ++options.shard) sum += predict(options);
  EXPECT_TRUE(sum.equal(whole));
}

}  // namespace
}  // namespace pleat
