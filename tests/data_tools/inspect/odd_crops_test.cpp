#include "data_tools/inspect/odd_crops.h"

#include <gmock/gmock.h>

#include "base/random.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

using testing::HasSubstr;

constexpr ImageShape kSmall{.height = 8, .width = 8, .channels = 3};

class OddCrops : public testing::Test {
 protected:
  // Noise around 120; row 7 is nearly black, row 11 of one color, row 20 a checkerboard.
  CropFile make(std::size_t rows) {
    SampleTable table{.names = {"id", "path"}, .values = std::vector<std::vector<std::string>>(2)};
    for (std::size_t row = 0; row < rows; ++row)
      for (auto& column : table.values) column.push_back(std::to_string(row));
    create_crops(folder_.path() / "c.h5", kSmall, table, {});
    CropWriter writer(folder_.path() / "c.h5");
    RandomStream random({.seed = 4, .purpose = Purpose::kResample});
    for (std::size_t row = 0; row < rows; ++row) {
      std::vector<std::uint8_t> image(kSmall.bytes());
      for (std::size_t i = 0; i < image.size(); ++i) {
        image[i] = static_cast<std::uint8_t>(100 + random.below(40) + row % 5);
        if (row == 7) image[i] = static_cast<std::uint8_t>(random.below(4));
        if (row == 11) image[i] = 120;
        if (row == 20) image[i] = (i / 3 + i / 24) % 2 ? 255 : 0;
      }
      writer.write(row, image);
    }
    writer.finish();
    return CropFile(folder_.path() / "c.h5");
  }
  static std::vector<std::size_t> rows_up_to(std::size_t count) {
    std::vector<std::size_t> rows(count);
    for (std::size_t i = 0; i < count; ++i) rows[i] = i;
    return rows;
  }
  ScratchFolder folder_;
};

TEST_F(OddCrops, BlackBlankAndNoisyOnesAreFoundAndNamed) {
  const std::vector<OddCrop> odd = find_odd_crops(make(60), rows_up_to(60));
  ASSERT_EQ(odd.size(), 3U);
  for (const OddCrop& each : odd) {
    const std::string expected = each.row == 7 ? "dark" : each.row == 11 ? "blank" : "noisy";
    EXPECT_TRUE(each.row == 7 || each.row == 11 || each.row == 20) << each.row;
    EXPECT_THAT(each.reason, testing::AnyOf(HasSubstr(expected), HasSubstr("contrasty"))) << each.row;
    EXPECT_GT(each.distance, 5);
  }
  EXPECT_GE(odd[0].distance, odd[1].distance);
}

TEST_F(OddCrops, FewRowsHaveNone) { EXPECT_TRUE(find_odd_crops(make(15), rows_up_to(15)).empty()); }

}  // namespace
}  // namespace pleat
