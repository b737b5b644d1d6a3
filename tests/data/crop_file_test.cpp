#include "data/crop_file.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "base/error.h"
#include "base/files.h"
#include "data/crop_format.h"
#include "data/crop_layout.h"
#include "data/hdf5_handle.h"
#include "small_crops.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(CropFile, ReadsBackWhatWasWritten) {
  const ScratchFolder folder;
  make_small_crops(folder / "crops.h5", 9, 4);
  const CropFile file(folder / "crops.h5");
  EXPECT_EQ(file.rows(), 9u);
  EXPECT_EQ(file.shape(), kShape);
  EXPECT_EQ(file.table().names, small_table(9).names);
  EXPECT_EQ(file.table().values, small_table(9).values);
  EXPECT_EQ(file.provenance(), (Provenance{{"crop", "none"}, {"size", "5x7"}}));
  for (std::size_t row = 0; row < 9; ++row) {
    ASSERT_EQ(file.valid(row), row != 4);
    if (row == 4) continue;
    EXPECT_THAT(file.image(row), testing::ElementsAreArray(picture(row)));
  }
  EXPECT_THROW(file.image(4), DataError);
}

TEST(CropFile, KeepsTheOrderOfManyColumns) {
  const ScratchFolder folder;
  SampleTable table{.names = {"id"}, .values = {{"a"}}};
  for (int i = 0; i < 40; ++i) {
    table.names.push_back("column " + std::to_string(i * 7 % 40));
    table.values.push_back({std::to_string(i)});
  }
  create_crops(folder / "crops.h5", kShape, table, {});
  const CropFile file(folder / "crops.h5");
  EXPECT_EQ(file.table().names, table.names);
  EXPECT_EQ(file.table().values, table.values);
}

TEST(CropFile, IsTheSameBytesForTheSameInput) {
  const ScratchFolder folder;
  make_small_crops(folder / "a.h5", 50, 3);
  make_small_crops(folder / "b.h5", 50, 3);
  EXPECT_EQ(read_file(folder / "a.h5"), read_file(folder / "b.h5"));
}

TEST(CropFile, HoldsNoTimes) {
  const ScratchFolder folder;
  make_small_crops(folder / "crops.h5", 3, 9);
  const Hdf5Lock lock;
  const Hdf5File file(H5Fopen((folder / "crops.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), "open");
  for (const char* name : {"/", "/images", "/valid", "/crc32", "/table", "/table/id", "/provenance"}) {
    H5O_info_t info;
    ASSERT_GE(H5Oget_info_by_name2(file.get(), name, &info, H5O_INFO_TIME, H5P_DEFAULT), 0);
    EXPECT_EQ(info.mtime, 0) << name;
  }
}

TEST(CropFile, StartsLargeImagesOnAPage) {
  const ScratchFolder folder;
  make_small_crops(folder / "crops.h5", 200, 200);
  EXPECT_EQ(read_crop_layout(folder / "crops.h5").images.offset % crop_format::kAlignment, 0u);
}

TEST(CropFile, HashFollowsPixelsTableAndFlagsButNotProvenance) {
  const ScratchFolder folder;
  const SampleTable table = small_table(2);
  SampleTable other = table;
  other.values[2][0] = "x";
  create_crops(folder / "a.h5", kShape, table, {{"crop", "none"}});
  create_crops(folder / "b.h5", kShape, table, {{"crop", "center"}});
  create_crops(folder / "c.h5", kShape, other, {});
  const std::string hash = CropFile(folder / "a.h5").hash();
  EXPECT_EQ(hash, CropFile(folder / "b.h5").hash());
  EXPECT_NE(hash, CropFile(folder / "c.h5").hash());
  CropWriter(folder / "b.h5").write(1, picture(1));
  EXPECT_NE(hash, CropFile(folder / "b.h5").hash());
}

TEST(CropFile, IsReadByManyThreadsAtOnce) {
  const ScratchFolder folder;
  make_small_crops(folder / "crops.h5", 100, 100);
  const CropFile file(folder / "crops.h5");
  std::vector<std::jthread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (std::size_t row = 0; row < 100; ++row) wrong += file.image(row)[3] != picture(row)[3];
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

TEST(CreateCrops, RefusesInputThatCannotBeStored) {
  const ScratchFolder folder;
  const fs::path path = folder / "crops.h5";
  SampleTable table = small_table(2);
  EXPECT_THROW(create_crops(path, {5, 7, 2}, table, {}), DataError);
  EXPECT_THROW(create_crops(path, {0, 7, 3}, table, {}), DataError);
  EXPECT_THROW(create_crops(path, kShape, {}, {}), DataError);
  table.names[2] = "a/b";
  EXPECT_THROW(create_crops(path, kShape, table, {}), DataError);
  table.names[2] = "note";
  table.values[2][0] = std::string(5000, 'x');
  EXPECT_THROW(create_crops(path, kShape, table, {}), DataError);
  table.values[2][0] = "x";
  table.values[1][0] = table.values[1][1];
  EXPECT_THROW(create_crops(path, kShape, table, {}), DataError);
  EXPECT_FALSE(fs::exists(path));
}

TEST(CreateCrops, ReportsAFolderThatIsNotThere) {
  try {
    create_crops("/nowhere/crops.h5", kShape, small_table(2), {});
    ADD_FAILURE() << "was accepted";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot write /nowhere/crops.h5"));
  }
}

// The file-size limit stands in for a full disk: both make the write itself fail.
TEST(CreateCrops, LeavesNothingBehindWhenSpaceRunsOut) {
  const ScratchFolder folder;
  const fs::path path = folder / "crops.h5";
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_IGN);
  for (const rlim_t bytes : {rlim_t{100}, rlim_t{3000}, rlim_t{20000}}) {
    rlimit small = before;
    small.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &small);
    EXPECT_THROW(create_crops(path, kShape, small_table(1000), {}), DataError) << bytes;
    setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_FALSE(fs::exists(path)) << bytes;
  }
  make_small_crops(path, 3, 9);  // the library still works
  EXPECT_EQ(CropFile(path).rows(), 3u);
}

TEST(CreateCrops, SaysHowMuchSpaceIsNeeded) {
  const ScratchFolder folder;
  try {
    create_crops(folder / "crops.h5", {16384, 16384, 3}, small_table(1000000), {});
    ADD_FAILURE() << "was accepted";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("are free there"));
  }
}

}  // namespace
}  // namespace pleat
