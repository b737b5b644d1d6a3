#include "data_tools/prepare/make_crops.h"

#include <gmock/gmock.h>

#include <barrier>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/error.h"
#include "base/files.h"
#include "data_tools/photos/photo_file.h"
#include "data_tools/pictures.h"
#include "support/fault_process.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using namespace std::string_literals;

void write_picture(const fs::path& path, const Bytes& bytes) {
  make_folder(path.parent_path());
  write_file(path, std::string(bytes.begin(), bytes.end()));
}

// Eleven photos and their table.
class MakeCrops : public testing::Test {
 protected:
  MakeCrops() {
    std::string text = "id,path,age\n";
    for (int i = 0; i < 11; ++i) {
      const std::string path = "p" + std::to_string(i % 3) + "/" + std::to_string(i) + (i % 2 ? ".jpg" : ".png");
      write_picture(images / path, encode(quarters(20 + i, 30), i % 2 ? ".jpg" : ".png"));
      text += fmt::format("id-{},{},{}\n", i, path, i * 7);
    }
    write_file(folder / "samples.csv", text);
  }

  MadeCrops make(const fs::path& out, const Ranks& ranks = {}, bool skip_bad = false,
                 const char* table = "samples.csv") const {
    return make_photo_crops(read_samples(folder / table), images, {6, 8},
                            {.out = out, .skip_bad = skip_bad, .threads = 2}, ranks);
  }

  std::string error_of(const fs::path& out, const Ranks& ranks = {}, bool skip_bad = false,
                       const char* table = "samples.csv") const {
    try {
      make(out, ranks, skip_bad, table);
      return "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kData);
      return error.what();
    }
  }

  ScratchFolder folder;
  fs::path images = folder / "images";
};

// Ranks that are threads.
class Threads {
 public:
  explicit Threads(int size) : size_(size), barrier_(size), texts_(static_cast<std::size_t>(size)) {}

  void run(const std::function<void(const Ranks&)>& body) {
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < size_; ++rank) threads.emplace_back([this, rank, &body] { body(ranks(rank)); });
  }

 private:
  Ranks ranks(int rank) {
    return {.rank = rank,
            .size = size_,
            .barrier = [this] { barrier_.arrive_and_wait(); },
            .all_gather =
                [this, rank](const std::string& mine) {
                  texts_[static_cast<std::size_t>(rank)] = mine;
                  barrier_.arrive_and_wait();
                  auto all = texts_;
                  barrier_.arrive_and_wait();
                  return all;
                }};
  }

  int size_;
  std::barrier<> barrier_;
  std::vector<std::string> texts_;
};

std::vector<std::string> files_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  return names;
}

TEST_F(MakeCrops, KeepsColumnsAddsTheSplitAndMakesEachCrop) {
  make(folder / "out/crops.h5");
  const CropFile crops(folder / "out/crops.h5");
  EXPECT_EQ(crops.shape(), (ImageShape{6, 8, 3}));
  EXPECT_THAT(crops.table().names, testing::ElementsAre("id", "path", "age", "split"));
  EXPECT_THAT(crops.table().column("split"), testing::Each("train"));
  EXPECT_EQ(crops.table().column("age")[10], "70");
  EXPECT_EQ(crops.provenance().at("crop"), "none");
  for (std::size_t row = 0; row < crops.rows(); ++row) {
    Bytes expected(6 * 8 * 3);
    CropMaker({6, 8}).make(read_photo(images / crops.table().column("path")[row]), {}, expected);
    EXPECT_THAT(crops.image(row), testing::ElementsAreArray(expected)) << row;
  }
  EXPECT_THAT(files_in(folder / "out"), testing::ElementsAre("crops.h5"));
}

TEST_F(MakeCrops, IsTheSameFileForAnyNumberOfRanks) {
  make(folder / "one.h5");
  for (const int size : {2, 3, 16}) {
    Threads(size).run([&](const Ranks& ranks) { make(folder / "many.h5", ranks); });
    EXPECT_EQ(read_file(folder / "one.h5"), read_file(folder / "many.h5")) << size;
  }
}

TEST_F(MakeCrops, ListsAllBrokenPhotosAndLeavesNoOutput) {
  write_picture(images / "p0/0.png", {});
  write_picture(images / "p1/7.jpg", {0xFF, 0xD8, 0xFF, 0xE0});
  fs::remove(images / "p1/10.png");
  std::vector<std::string> messages(3);
  Threads(3).run([&](const Ranks& ranks) {
    messages[static_cast<std::size_t>(ranks.rank)] = error_of(folder / "out/crops.h5", ranks);
  });
  messages.push_back(error_of(folder / "out/crops.h5"));
  for (const std::string& message : messages) {
    EXPECT_THAT(message, HasSubstr("3 of 11 photos cannot be used"));
    EXPECT_THAT(message, HasSubstr("--skip-bad"));
    EXPECT_THAT(message, HasSubstr("line 2: id 'id-0', p0/0.png: empty file"));
    EXPECT_THAT(message, HasSubstr("line 9: id 'id-7', p1/7.jpg: JPEG is cut short"));
    EXPECT_THAT(message, HasSubstr("line 12: id 'id-10', p1/10.png: no such file"));
  }
  EXPECT_TRUE(fs::is_empty(folder / "out"));
}

TEST_F(MakeCrops, SkipBadLeavesRowsWithoutPictureAndListsThem) {
  write_picture(images / "p0/0.png", {});
  const MadeCrops made = make(folder / "out/crops.h5", {}, true);
  EXPECT_EQ(made.rejected.size(), 1u);
  const CropFile crops(folder / "out/crops.h5");
  EXPECT_FALSE(crops.valid(0));
  EXPECT_TRUE(crops.valid(1));
  EXPECT_EQ(crops.rows(), 11u);
  EXPECT_EQ(read_file(folder / "out/crops.rejected.csv"),
            "id,path,reason\nid-0,p0/0.png,empty file; get an intact copy\n");
}

TEST_F(MakeCrops, AnOlderRunsListOfRejectedPhotosGoes) {
  write_picture(images / "p0/0.png", {});
  make(folder / "out/crops.h5", {}, true);
  write_picture(images / "p0/0.png", encode(quarters(20, 30), ".png"));
  make(folder / "out/crops.h5");
  EXPECT_THAT(files_in(folder / "out"), testing::ElementsAre("crops.h5"));
}

TEST_F(MakeCrops, TwoRunsNeverWriteOneFile) {
  make_folder(folder / "out");
  const FolderLock other(folder / "out/crops.h5.lock");
  EXPECT_THAT(error_of(folder / "out/crops.h5"), HasSubstr("crops.h5 is in use by another live run (host "));
  EXPECT_FALSE(fs::exists(folder / "out/crops.h5.partial"));
}

TEST_F(MakeCrops, ARankWithAnotherTableOrFolderIsNamed) {
  write_file(folder / "other.csv", "id,path\n1,p0/0.png\n");
  fs::create_directory(folder / "elsewhere");
  std::vector<std::string> tables(2), folders(2);
  Threads(2).run([&](const Ranks& ranks) {
    const auto rank = static_cast<std::size_t>(ranks.rank);
    tables[rank] = error_of(folder / "out/crops.h5", ranks, false, rank == 0 ? "samples.csv" : "other.csv");
    folders[rank] = error_of(folder / (rank == 0 ? "out/crops.h5" : "elsewhere/crops.h5"), ranks);
  });
  EXPECT_THAT(tables, testing::Each(testing::ContainsRegex("rank 1 on host .* read another table")));
  EXPECT_THAT(folders, testing::Each(testing::ContainsRegex("rank 1 on host .* does not see the folder of")));
  EXPECT_TRUE(fs::is_empty(folder / "out") && fs::is_empty(folder / "elsewhere"));
}

TEST_F(MakeCrops, RefusesATableWithoutOneUsablePhoto) {
  images = folder / "elsewhere";
  make_folder(images);
  EXPECT_THAT(error_of(folder / "crops.h5", {}, true), HasSubstr("is --images the right folder?"));
  images = folder / "missing";
  EXPECT_THAT(error_of(folder / "crops.h5"), HasSubstr("does not exist"));
  images = folder / std::string(300, 'x');
  EXPECT_THAT(error_of(folder / "crops.h5"), HasSubstr("cannot be read: File name too long"));
  images = folder / "samples.csv";
  EXPECT_THAT(error_of(folder / "crops.h5"), HasSubstr("is not a folder"));
}

TEST_F(MakeCrops, NamesAtMostTwentyBrokenPhotos) {
  std::string text = "id,path,split\n";
  for (int i = 0; i < 50; ++i) text += fmt::format("{0},{0}.jpg,\n", i);
  write_file(folder / "samples.csv", text);
  const std::string message = error_of(folder / "crops.h5");
  EXPECT_THAT(message, HasSubstr("… and 30 more\n  '0.jpg' is probably 'p0/0.png' (difference: the ending .png, a "
                                 "missing folder 'p0')"));
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 22);
}

TEST_F(MakeCrops, RefusesAnUnknownSplitBeforeAnyWork) {
  write_file(folder / "samples.csv", "id,path,split\n1,a.jpg,train\n2,b.jpg,trian\n");
  EXPECT_THAT(error_of(folder / "crops.h5"), HasSubstr("line 3: split 'trian' is not one of train, unlabelled, test"));
}

TEST_F(MakeCrops, ReplacesAnOldFileOnlyWhenTheNewOneIsWhole) {
  make(folder / "out/crops.h5");
  const std::string before = read_file(folder / "out/crops.h5");
  write_picture(images / "p0/0.png", {});
  error_of(folder / "out/crops.h5");
  EXPECT_EQ(read_file(folder / "out/crops.h5"), before);
}

TEST_F(MakeCrops, AFailureOnOneRankReachesAllOfThem) {
  std::vector<std::string> messages(3);
  Threads(3).run([&](const Ranks& ranks) {
    MakeCropsOptions options{.out = folder / "out/crops.h5"};
    if (ranks.rank == 2)
      options.progress = [](std::size_t, std::size_t) { throw DataError("fault injected on rank {}", 2); };
    try {
      make_photo_crops(read_samples(folder / "samples.csv"), images, {6, 8}, options, ranks);
    } catch (const Error& error) {
      messages[static_cast<std::size_t>(ranks.rank)] = error.what();
    }
  });
  EXPECT_THAT(messages, testing::Each("fault injected on rank 2"));
  EXPECT_TRUE(fs::is_empty(folder / "out"));
}

TEST_F(MakeCrops, AKillAtAnyPointLeavesNoFileThatIsAccepted) {
  for (const char* fault : {"create_crops:1:kill", "crop_write:1:kill", "crop_write:6:kill", "publish_crops:1:kill"}) {
    const fs::path out = folder / "killed" / "crops.h5";
    EXPECT_EQ(outcome_under_fault(fault, [&] { make(out); }), -SIGKILL) << fault;
    EXPECT_FALSE(fs::exists(out)) << fault;
    EXPECT_THROW(CropFile(out.string() + ".partial"), DataError) << fault;
    make(out);  // running again cleans up
    EXPECT_THAT(files_in(out.parent_path()), testing::ElementsAre("crops.h5"));
    fs::remove_all(out.parent_path());
  }
}

TEST_F(MakeCrops, AFullDiskLeavesNothingBehind) {
  for (const char* fault : {"create_crops:1:nospace", "crop_write:6:nospace", "publish_crops:1:nospace"}) {
    EXPECT_EQ(outcome_under_fault(fault, [&] { make(folder / "full/crops.h5"); }), 3) << fault;
    EXPECT_TRUE(fs::is_empty(folder / "full")) << fault;
  }
}

TEST(MakeIdxCrops, NumbersTheRowsOfBothSets) {
  const ScratchFolder folder;
  write_file(folder / "i", "\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x02"s + "abcd");
  write_file(folder / "l", "\0\0\x08\x01\0\0\0\x02\x05\x0A"s);
  write_file(folder / "ti", "\0\0\x08\x03\0\0\0\x01\0\0\0\x01\0\0\0\x02"s + "yz");
  write_file(folder / "tl", "\0\0\x08\x01\0\0\0\x01\x07"s);
  Threads(2).run([&](const Ranks& ranks) {
    make_idx_crops({folder / "i", folder / "l", folder / "ti", folder / "tl"}, {.out = folder / "crops.h5"}, ranks);
  });
  const CropFile crops(folder / "crops.h5");
  EXPECT_EQ(crops.shape(), (ImageShape{1, 2, 1}));
  EXPECT_THAT(crops.table().column("id"), testing::ElementsAre("train-0", "train-1", "test-0"));
  EXPECT_THAT(crops.table().column("label"), testing::ElementsAre("5", "10", "7"));
  EXPECT_THAT(crops.table().column("split"), testing::ElementsAre("train", "train", "test"));
  EXPECT_THAT(crops.image(1), testing::ElementsAre('c', 'd'));
  EXPECT_THAT(crops.image(2), testing::ElementsAre('y', 'z'));
}

TEST(MakeIdxCrops, RefusesSetsThatDoNotBelongTogether) {
  const ScratchFolder folder;
  write_file(folder / "i", "\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x02"s + "abcd");
  write_file(folder / "l", "\0\0\x08\x01\0\0\0\x02\x05\x0A"s);
  write_file(folder / "one", "\0\0\x08\x01\0\0\0\x01\x07"s);
  write_file(folder / "tall", "\0\0\x08\x03\0\0\0\x01\0\0\0\x02\0\0\0\x01"s + "yz");
  const auto error_of = [&](const IdxFiles& files) -> std::string {
    try {
      make_idx_crops(files, {.out = folder / "crops.h5"}, {});
      return "accepted";
    } catch (const DataError& error) {
      return error.what();
    }
  };
  EXPECT_THAT(error_of({folder / "i", folder / "one", {}, {}}), HasSubstr("holds 2 images, but"));
  EXPECT_THAT(error_of({folder / "i", folder / "l", folder / "tall", folder / "one"}),
              HasSubstr("two sets of one size"));
  EXPECT_FALSE(fs::exists(folder / "crops.h5"));
}

}  // namespace
}  // namespace pleat
