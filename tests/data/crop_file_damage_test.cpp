// Refuses files that were cut, changed or made by another program, each with a reason. None is misread.
#include <gmock/gmock.h>

#include <fstream>
#include <functional>

#include "base/error.h"
#include "base/files.h"
#include "data/crop_file.h"
#include "data/crop_layout.h"
#include "data/hdf5_handle.h"
#include "small_crops.h"
#include "support/scratch_folder.h"

// For the leak checker: HDF5 leaks memory when it refuses a damaged file.
extern "C" const char* __lsan_default_suppressions() { return "leak:libhdf5"; }

namespace pleat {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// Does not wait for the disk, unlike write_file: these tests write thousands of files.
void write_quickly(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

std::string message_of(const fs::path& path) {
  try {
    const CropFile file(path);
    return "accepted";
  } catch (const DataError& error) {
    return error.what();
  }
}

// Everything that a reader can learn from the file, by value.
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

// Checksums guarantee that every single changed byte is found.
TEST(CropFile, FindsAnyFlippedByte) {
  const ScratchFolder folder;
  make_small_crops(folder / "crops.h5", 3, 1);
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
  make_small_crops(folder / "crops.h5", 3, 9);
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
  make_small_crops(folder / "crops.h5", 3, 9);
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
  make_small_crops(folder / "crops.h5.partial", 3, 9);
  EXPECT_THAT(message_of(folder / "crops.h5.partial"), HasSubstr("did not finish"));
}

// A file that HDF5 accepts, but that create_crops does not make.
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
    make_small_crops(path, 3, 9);
    {
      const Hdf5Lock lock;
      const Hdf5File file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), "open");
      hostile.change(file.get());
    }
    EXPECT_THAT(message_of(path), HasSubstr(hostile.message));
    EXPECT_THAT(message_of(path), HasSubstr("hostile.h5"));
  }
}

}  // namespace
}  // namespace pleat
