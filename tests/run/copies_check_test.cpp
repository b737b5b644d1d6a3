#include "run/copies_check.h"

#include <gmock/gmock.h>

#include "base/random.h"
#include "run/small_run.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Shot {
  int scene;  // crops of one scene are copies
  std::string person, split = "train";
  int noise = 0;  // gray levels; 0: an equal copy
};

// Crops of smooth random scenes, with the groups in a column that has no usual name.
void make_shots(const std::filesystem::path& path, const std::vector<Shot>& shots) {
  constexpr ImageShape kShape{.height = 16, .width = 16, .channels = 1};
  SampleTable table{.names = {"id", "label", "patient no", "split"},
                    .values = std::vector<std::vector<std::string>>(4)};
  for (std::size_t i = 0; i < shots.size(); ++i) {
    table.values[0].push_back("r" + std::to_string(i));
    table.values[1].push_back(i % 2 ? "a" : "b");
    table.values[2].push_back(shots[i].person);
    table.values[3].push_back(shots[i].split);
  }
  create_crops(path, kShape, table, {});
  CropWriter writer(path);
  for (std::size_t i = 0; i < shots.size(); ++i) {
    RandomStream random({.seed = std::uint64_t(shots[i].scene), .purpose = Purpose::kFaces});
    std::vector<std::uint8_t> pixels;
    for (std::size_t p = 0; p < kShape.bytes(); ++p)
      pixels.push_back(static_cast<std::uint8_t>(random.below(240) + (p % 5 == 0 ? std::size_t(shots[i].noise) : 0)));
    writer.write(i, pixels);
  }
  writer.finish();
}

std::vector<std::string> found(const std::vector<Shot>& shots, const std::string& group) {
  const ScratchFolder folder;
  make_shots(folder / "crops.h5", shots);
  RunConfig config = config_for(folder / "crops.h5");
  config.data.group = group;
  return separable_copies(config, open_dataset(config), 2);
}

TEST(CopiesCheck, CopiesInTwoGroupsAreFoundWhateverTheColumnsName) {
  const std::vector<Shot> shots = {{1, "p1"}, {1, "p2"}, {2, "p1"}, {3, "p3"}, {2, "p4", "train", 2}};
  EXPECT_THAT(found(shots, "patient no"),
              ElementsAre(AllOf(
                  HasSubstr("train rows contain 1 set of equal images and 1 set of nearly equal images (the first: "
                            "'r0', 'r1') with different groups in column patient no (data.group)"),
                  HasSubstr("give all rows of a set one group"))));
}

TEST(CopiesCheck, CopiesOfOneGroupAreNoLeakButWithoutGroupsTheyAre) {
  const std::vector<Shot> shots = {{1, "p1"}, {1, "p1"}, {2, "p1"}, {3, "p3"}};
  EXPECT_THAT(found(shots, "patient no"), IsEmpty());
  EXPECT_THAT(found(shots, ""),
              ElementsAre(AllOf(HasSubstr("train rows contain 1 set of equal images (the first: 'r0', "
                                          "'r1') and data.group is not set"))));
}

TEST(CopiesCheck, CopiesInTrainAndTestRowsAreFound) {
  const std::vector<Shot> shots = {{1, "p1"},
                                   {2, "p2"},
                                   {1, "p3", "test"},
                                   {1, "p4", "unlabelled"},
                                   {4, "p5", "unlabelled"},
                                   {4, "p6", "unlabelled"}};
  EXPECT_THAT(found(shots, "patient no"),
              ElementsAre(HasSubstr("train and test rows share 1 set of equal images (the first: 'r0', 'r2')")));
}

}  // namespace
}  // namespace pleat
