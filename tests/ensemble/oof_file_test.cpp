// oof.h5: read what was written, reproducible bytes, atomic writes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "base/error.h"
#include "base/files.h"
#include "data/hdf5_handle.h"
#include "ensemble/oof_table.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {
namespace fs = std::filesystem;

FoldPlan plan() {
  return {.k = 2,
          .repeats = 2,
          .ids = {"a", "photo-2", "größer"},
          .groups = {"p", "p", "q"},
          .fold_of = {{0, 0, 1}, {1, 1, 0}}};
}

torch::Tensor probs(int classes, double seed) {
  return torch::softmax(torch::arange(3.0 * classes, torch::kFloat64).add(seed).sin().reshape({3, classes}), 1);
}

// The names are not in alphabetical order: the file must keep the config's order.
std::vector<OofTable> tables() {
  return {{.target = "mask",
           .classes = {"wear", "incorrect", "normal"},
           .labels = torch::tensor({2, 0, 1}, torch::kInt64),
           .models = {{"r18", probs(3, 1)}, {"b4", probs(3, 2)}},
           .ensemble = probs(3, 3)},
          {.target = "gender",
           .classes = {"male", "female"},
           .labels = torch::tensor({0, 1, 1}, torch::kInt64),
           .models = {{"r18", probs(2, 4)}},
           .ensemble = probs(2, 5)},
          {.target = "age",
           .classes = {"young", "old"},
           .labels = torch::tensor({0, 0, 1}, torch::kInt64),
           .models = {{"r18", probs(2, 6), torch::tensor({{20.0, 3.0}, {30.0, 4.0}, {70.0, 5.0}}, torch::kFloat64)}},
           .ensemble = probs(2, 7),
           .normal = torch::tensor({{21.0, 3.5}, {31.0, 4.5}, {71.0, 5.5}}, torch::kFloat64),
           .numbers = torch::tensor({19.0, 35.0, 66.0}, torch::kFloat64)}};
}

TEST(OofFile, ReadsBackWhatWasWrittenInItsOrder) {
  const ScratchFolder folder;
  write_oof(folder / "oof.h5", plan(), tables());
  const OofFile file = read_oof(folder / "oof.h5");
  EXPECT_EQ(file.plan.ids, plan().ids);
  EXPECT_EQ(file.plan.groups, plan().groups);
  EXPECT_EQ(file.plan.fold_of, plan().fold_of);
  EXPECT_EQ(file.plan.k, plan().k);
  const auto& read = file.tables;
  const auto expected = tables();
  ASSERT_EQ(read.size(), expected.size());
  for (std::size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].target, expected[i].target);
    EXPECT_EQ(read[i].classes, expected[i].classes);
    EXPECT_TRUE(torch::equal(read[i].labels, expected[i].labels));
    EXPECT_TRUE(torch::equal(read[i].ensemble, expected[i].ensemble));
    ASSERT_EQ(read[i].normal.defined(), expected[i].normal.defined());
    if (read[i].normal.defined()) {
      EXPECT_TRUE(torch::equal(read[i].normal, expected[i].normal));
      EXPECT_TRUE(torch::equal(read[i].numbers, expected[i].numbers));
      EXPECT_TRUE(torch::equal(read[i].models[0].normal, expected[i].models[0].normal));
    }
    ASSERT_EQ(read[i].models.size(), expected[i].models.size());
    for (std::size_t m = 0; m < read[i].models.size(); ++m) {
      EXPECT_EQ(read[i].models[m].id, expected[i].models[m].id);
      EXPECT_TRUE(torch::equal(read[i].models[m].probs, expected[i].models[m].probs));
    }
  }
}

TEST(OofFile, IsTheSameBytesForTheSameTables) {
  const ScratchFolder folder;
  write_oof(folder / "first.h5", plan(), tables());
  write_oof(folder / "second.h5", plan(), tables());
  EXPECT_EQ(read_file(folder / "first.h5"), read_file(folder / "second.h5"));
}

TEST(OofFile, HoldsNoTimesSoThatItIsTheSameBytesOnAnotherDayToo) {
  const ScratchFolder folder;
  write_oof(folder / "oof.h5", plan(), tables());
  const Hdf5Lock lock;
  const Hdf5File file(H5Fopen((folder / "oof.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), "open");
  int objects = 0;
  hdf5(H5Ovisit(
           file.get(), H5_INDEX_NAME, H5_ITER_INC,
           [](hid_t, const char* name, const H5O_info_t* info, void* count) -> herr_t {
             EXPECT_EQ(info->atime + info->mtime + info->ctime + info->btime, 0) << name;
             ++*static_cast<int*>(count);
             return 0;
           },
           &objects),
       "visit");
  EXPECT_GT(objects, 10);
}

TEST(OofFile, StridedTablesAreWrittenByTheirValues) {
  const ScratchFolder folder;
  auto strided = tables();
  for (auto& table : strided) table.ensemble = table.ensemble.t().contiguous().t();
  write_oof(folder / "plain.h5", plan(), tables());
  write_oof(folder / "strided.h5", plan(), strided);
  EXPECT_EQ(read_file(folder / "plain.h5"), read_file(folder / "strided.h5"));
}

TEST(OofFile, ADiskThatFillsUpLeavesTheOldFileAndSaysSo) {
  const ScratchFolder folder;
  write_oof(folder / "oof.h5", plan(), tables());
  const std::string old = read_file(folder / "oof.h5");
  const auto previous_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit whole{};
  getrlimit(RLIMIT_FSIZE, &whole);
  const rlimit small{2048, whole.rlim_max};  // maximal file size: longer writes fail, as on a full disk
  setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(write_oof(folder / "oof.h5", plan(), tables()), DataError);
  setrlimit(RLIMIT_FSIZE, &whole);
  std::signal(SIGXFSZ, previous_handler);
  EXPECT_EQ(read_file(folder / "oof.h5"), old);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(OofFile, ACutFileIsRefusedAtAnyLength) {
  const ScratchFolder folder;
  write_oof(folder / "oof.h5", plan(), tables());
  const std::string whole = read_file(folder / "oof.h5");
  for (std::size_t length = 0; length < whole.size(); length += 1 + whole.size() / 50) {
    write_file(folder / "cut.h5", whole.substr(0, length));
    EXPECT_THROW(read_oof(folder / "cut.h5"), DataError) << length;
  }
}

TEST(OofFile, AMissingFileAndOneOfAnotherKindAreNamed) {
  const ScratchFolder folder;
  write_file(folder / "oof.h5", "id,group,fold\na,p,0\n");
  for (const fs::path& path : {folder / "none.h5", folder / "oof.h5"}) {
    try {
      read_oof(path);
      FAIL() << path;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(path.string()));
    }
  }
}

TEST(OofFile, ADatasetThatClaimsToBeLargerThanTheFileIsRefused) {
  const ScratchFolder folder;
  {
    const Hdf5Lock lock;
    const Hdf5File file(H5Fcreate((folder / "oof.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), "make");
    const Hdf5Group targets(H5Gcreate2(file.get(), "targets", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), "make");
    const Hdf5Type text(H5Tcopy(H5T_C_S1), "make");
    hdf5(H5Tset_size(text.get(), 16), "size");
    const auto make = [&](const char* name, hid_t type, hsize_t rows) {
      const Hdf5Space space(H5Screate_simple(1, &rows, nullptr), "make");
      return Hdf5Dataset(H5Dcreate2(file.get(), name, type, space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), name);
    };
    const int schema = 1;
    hdf5(H5Dwrite(make("schema", H5T_NATIVE_INT, 1).get(), H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, &schema),
         "write");
    make("ids", text.get(), hsize_t{1} << 50);  // nothing is stored
  }
  try {
    read_oof(folder / "oof.h5");
    ADD_FAILURE() << "was read";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("larger than the file"));
  }
}

TEST(OofFile, TablesOfAnotherLengthThanThePlanAreRefused) {
  const ScratchFolder folder;
  auto wrong = tables();
  wrong[1].ensemble = wrong[1].ensemble.slice(0, 0, 2);
  write_oof(folder / "oof.h5", plan(), wrong);
  EXPECT_THROW(read_oof(folder / "oof.h5"), DataError);
}

}  // namespace
}  // namespace pleat
