#include "data/crop_file.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <thread>

#include "base/error.h"
#include "base/files.h"
#include "data/crop_format.h"
#include "data/crop_layout.h"
#include "data/hdf5_handle.h"
#include "support/scratch_folder.h"

// Under the leak checker: HDF5 forgets memory of its own when it refuses a damaged file.
extern "C" const char* __lsan_default_suppressions() { return "leak:libhdf5"; }

namespace pleat {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr ImageShape kShape{.height = 5, .width = 7, .channels = 3};

SampleTable small_table(std::size_t rows) {
  SampleTable table{.names = {"path", "id", "größe", "a.b"}, .values = std::vector<std::vector<std::string>>(4)};
  for (std::size_t row = 0; row < rows; ++row) {
    const std::string number = std::to_string(row);
    table.values[0].push_back("folder/" + number + ".jpg");
    table.values[1].push_back("id-" + number);
    table.values[2].push_back(row % 2 ? "groß" : "");
    table.values[3].push_back(std::string(row % 5, 'x'));
  }
  return table;
}

std::vector<std::uint8_t> picture(std::size_t row) {
  std::vector<std::uint8_t> pixels(kShape.bytes());
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(row * 31 + i);
  return pixels;
}

// Rows 0 and 1 of every 4 go through one writer, the others through a second; row `skipped` stays not valid.
void make(const fs::path& path, std::size_t rows, std::size_t skipped) {
  create_crops(path, kShape, small_table(rows), {{"crop", "none"}, {"size", "5x7"}});
  CropWriter first(path), second(path);
  for (std::size_t row = 0; row < rows; ++row) {
    if (row != skipped) (row % 4 < 2 ? first : second).write(row, picture(row));
  }
  first.finish();
  second.finish();
}

// write_file would wait for the disk; these tests write thousands of files.
void write_quickly(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

std::string message_of(const fs::path& path) {
  try {
    const CropFile file(path);
    return "accepted";
  } catch (const DataError& error) {
    return error.what();
  }
}

// Everything that a reader can learn of the file, by value.
std::string contents(const fs::path& path) {
  const CropFile file(path);
  std::string all = file.hash();
  for (const auto& [name, value] : file.provenance()) all += name + "=" + value + ";";
  for (std::size_t row = 0; row < file.rows(); ++row) {
    all += file.valid(row) ? '1' : '0';
    if (!file.valid(row)) continue;
    const auto pixels = file.image(row);
    all.append(pixels.begin(), pixels.end());
  }
  return all;
}

TEST(CropFile, ReadsBackWhatWasWritten) {
  const ScratchFolder folder;
  make(folder / "crops.h5", 9, 4);
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
  make(folder / "a.h5", 50, 3);
  make(folder / "b.h5", 50, 3);
  EXPECT_EQ(read_file(folder / "a.h5"), read_file(folder / "b.h5"));
}

TEST(CropFile, HoldsNoTimes) {
  const ScratchFolder folder;
  make(folder / "crops.h5", 3, 9);
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
  make(folder / "crops.h5", 200, 200);
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
  make(folder / "crops.h5", 100, 100);
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

// The promise behind every checksum: no single changed byte passes unseen.
TEST(CropFile, FindsAnyFlippedByte) {
  const ScratchFolder folder;
  make(folder / "crops.h5", 3, 1);
  const std::string whole = read_file(folder / "crops.h5");
  const std::string expected = contents(folder / "crops.h5");
  int found = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x41);
    write_quickly(folder / "changed.h5", changed);
    try {
      ASSERT_EQ(contents(folder / "changed.h5"), expected) << "byte " << at << " of " << whole.size();
    } catch (const DataError&) {
      ++found;
    }
  }
  EXPECT_GT(found, 500);  // the rest lies in unused space
}

TEST(CropFile, NamesRowAndIdOfAFlippedPixel) {
  const ScratchFolder folder;
  make(folder / "crops.h5", 3, 9);
  std::string bytes = read_file(folder / "crops.h5");
  bytes[read_crop_layout(folder / "crops.h5").images.offset + kShape.bytes() * 2 + 1] ^= 1;
  write_file(folder / "crops.h5", bytes);
  const CropFile file(folder / "crops.h5");
  EXPECT_EQ(file.image(1).size(), kShape.bytes());
  try {
    file.image(2);
    ADD_FAILURE() << "was accepted";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("crops.h5: row 2 (id 'id-2') has the wrong checksum"));
  }
}

TEST(CropFile, RefusesEveryTruncation) {
  const ScratchFolder folder;
  make(folder / "crops.h5", 3, 9);
  const std::string whole = read_file(folder / "crops.h5");
  for (std::size_t size = 0; size < whole.size(); size += 97) {
    write_quickly(folder / "cut.h5", whole.substr(0, size));
    EXPECT_THAT(message_of(folder / "cut.h5"), HasSubstr("cut.h5 is not a whole crops file")) << size;
  }
}

TEST(CropFile, RefusesWhatIsNotAFileOfItsKind) {
  const ScratchFolder folder;
  write_file(folder / "text.h5", "id,path\n1,a.jpg\n");
  EXPECT_THAT(message_of(folder / "text.h5"), HasSubstr("not a whole crops file"));
  EXPECT_THAT(message_of(folder / "missing.h5"), HasSubstr("make it with pleat prepare"));
  EXPECT_THAT(message_of(folder.path()), HasSubstr("is not a file"));
  make(folder / "crops.h5.partial", 3, 9);
  EXPECT_THAT(message_of(folder / "crops.h5.partial"), HasSubstr("did not finish"));
}

// A file that HDF5 itself finds in order, but that is not what create_crops makes.
struct Hostile {
  std::string name;
  std::function<void(hid_t file)> change;
  std::string message;
};

Hdf5Dataset dataset(hid_t parent, const char* name, hid_t type, std::vector<hsize_t> dims,
                    hid_t creation = H5P_DEFAULT) {
  const Hdf5Space space(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr), "make a shape");
  Hdf5Properties early(creation == H5P_DEFAULT ? H5Pcreate(H5P_DATASET_CREATE) : H5Pcopy(creation), "make properties");
  if (H5Pget_external_count(early.get()) == 0) H5Pset_alloc_time(early.get(), H5D_ALLOC_TIME_EARLY);
  return Hdf5Dataset(H5Dcreate2(parent, name, type, space.get(), H5P_DEFAULT, early.get(), H5P_DEFAULT),
                     "make a dataset");
}

void set_schema(hid_t file, std::int32_t version) {
  const Hdf5Attribute schema(H5Aopen(file, "schema", H5P_DEFAULT), "open");
  H5Awrite(schema.get(), H5T_NATIVE_INT32, &version);
}

void drop(hid_t parent, const char* name) { H5Ldelete(parent, name, H5P_DEFAULT); }

TEST(CropFile, RefusesHostileStructures) {
  const ScratchFolder folder;
  const Hdf5Properties chunked = [] {
    const Hdf5Lock lock;
    Hdf5Properties properties(H5Pcreate(H5P_DATASET_CREATE), "make properties");
    const hsize_t chunk[] = {1, 5, 7, 3};
    H5Pset_chunk(properties.get(), 4, chunk);
    return properties;
  }();
  const Hdf5Properties external = [&] {
    const Hdf5Lock lock;
    Hdf5Properties properties(H5Pcreate(H5P_DATASET_CREATE), "make properties");
    H5Pset_external(properties.get(), "/etc/passwd", 0, 3 * kShape.bytes());
    return properties;
  }();
  const std::vector<Hostile> files = {
      {"newer", [](hid_t f) { set_schema(f, 2); }, "made by a newer pleat"},
      {"older", [](hid_t f) { set_schema(f, 0); }, "its schema version is 0, this program reads 1"},
      {"foreign", [](hid_t f) { H5Adelete(f, "format"); }, "not made by pleat prepare"},
      {"no images", [](hid_t f) { drop(f, "images"); }, "'images' is missing"},
      {"no table", [](hid_t f) { drop(f, "table"); }, "'table' is missing"},
      {"no id", [](hid_t f) { drop(f, "table/id"); }, "column 'id' is missing"},
      {"rank 3",
       [](hid_t f) {
         drop(f, "images"), dataset(f, "images", H5T_STD_U8LE, {3, 5, 7});
       },
       "has 3 dimensions"},
      {"no rows",
       [](hid_t f) {
         drop(f, "images"), dataset(f, "images", H5T_STD_U8LE, {0, 5, 7, 3});
       },
       "has shape 0x5x7x3"},
      {"two channels",
       [](hid_t f) {
         drop(f, "images"), dataset(f, "images", H5T_STD_U8LE, {3, 5, 7, 2});
       },
       "has shape 3x5x7x2"},
      {"floats",
       [](hid_t f) {
         drop(f, "images"), dataset(f, "images", H5T_IEEE_F32LE, {3, 5, 7, 3});
       },
       "another number type"},
      {"big-endian checksums", [](hid_t f) { drop(f, "crc32"), dataset(f, "crc32", H5T_STD_U32BE, {3}); },
       "another number type"},
      {"more rows",
       [](hid_t f) {
         drop(f, "images"), dataset(f, "images", H5T_STD_U8LE, {4, 5, 7, 3});
       },
       "disagrees with the shape"},
      {"chunked",
       [&](hid_t f) {
         drop(f, "images"), dataset(f, "images", H5T_STD_U8LE, {3, 5, 7, 3}, chunked.get());
       },
       "not stored contiguously"},
      {"in another file",
       [&](hid_t f) {
         drop(f, "images"), dataset(f, "images", H5T_STD_U8LE, {3, 5, 7, 3}, external.get());
       },
       "stored in another file"},
      {"external link",
       [](hid_t f) { drop(f, "images"), H5Lcreate_external("other.h5", "/x", f, "images", H5P_DEFAULT, H5P_DEFAULT); },
       "link to somewhere else"},
      {"soft link", [](hid_t f) { drop(f, "valid"), H5Lcreate_soft("/crc32", f, "valid", H5P_DEFAULT, H5P_DEFAULT); },
       "link to somewhere else"},
      {"group for data",
       [](hid_t f) { drop(f, "valid"), H5Gclose(H5Gcreate2(f, "valid", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)); },
       "cannot open a dataset"},
      {"absurd size",
       [](hid_t f) {
         const Hdf5Properties late(H5Pcreate(H5P_DATASET_CREATE), "make properties");
         drop(f, "images"), dataset(f, "images", H5T_STD_U8LE, {hsize_t{1} << 40, 5, 7, 3}, late.get());
       },
       "truncated file"},
      {"numbers in the table", [](hid_t f) { drop(f, "table/id"), dataset(f, "table/id", H5T_STD_U8LE, {3}); },
       "not fixed-length"},
      {"long column",
       [](hid_t f) {
         const Hdf5Type text(H5Tcopy(H5T_C_S1), "make a type");
         H5Tset_strpad(text.get(), H5T_STR_NULLPAD);
         drop(f, "table/id"), dataset(f, "table/id", text.get(), {4});
       },
       "column 'id' has 4 rows, 'images' has 3"},
  };
  for (const Hostile& hostile : files) {
    SCOPED_TRACE(hostile.name);
    const fs::path path = folder / "hostile.h5";
    make(path, 3, 9);
    {
      const Hdf5Lock lock;
      const Hdf5File file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), "open");
      hostile.change(file.get());
    }
    EXPECT_THAT(message_of(path), HasSubstr(hostile.message));
    EXPECT_THAT(message_of(path), HasSubstr("hostile.h5"));
  }
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
  make(path, 3, 9);  // and the library is still in order
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
