#include "data_tools/photos/hevc_header.h"

#include <gtest/gtest.h>

#include "data_tools/pictures.h"

namespace pleat {
namespace {

// The fields of a sequence parameter set that are looked at, as they are coded.
struct Sps {
  unsigned sub_layers = 0, chroma = 1, width = 512, height = 384;
  unsigned block = 0, tree = 3, transform = 0, largest = 3, depth = 1;  // logarithms, less what is implied
  bool window = false;
};

class BitWriter {
 public:
  void bits(std::uint64_t value, int count) {
    while (count-- > 0) add((value >> count & 1) != 0);
  }
  void number(std::uint32_t value) {  // Exp-Golomb
    int zeros = 0;
    while ((std::uint64_t{value} + 1) >> (zeros + 1) != 0) ++zeros;
    bits(0, zeros), bits(std::uint64_t{value} + 1, zeros + 1);
  }
  Bytes unit() {
    add(true);  // the end of the unit
    Bytes guarded;
    for (const std::uint8_t byte : bytes_) {
      const std::size_t size = guarded.size();
      if (size >= 2 && guarded[size - 1] == 0 && guarded[size - 2] == 0 && byte <= 3) guarded.push_back(3);
      guarded.push_back(byte);
    }
    return guarded;
  }

 private:
  void add(bool bit) {
    if (count_++ % 8 == 0) bytes_.push_back(0);
    if (bit) bytes_.back() = static_cast<std::uint8_t>(bytes_.back() | 1U << (7 - (count_ - 1) % 8));
  }
  Bytes bytes_;
  std::size_t count_ = 0;
};

Bytes heic_with(const Sps& sps, std::size_t cut = 0) {
  BitWriter writer;
  writer.bits(33 << 9 | 1, 16);  // type of the unit
  writer.bits(0, 4), writer.bits(sps.sub_layers, 3), writer.bits(1, 1);
  for (int i = 0; i < 12; ++i) writer.bits(i == 11 ? 93 : 0, 8);  // profile and level: zeros, which need guards
  for (unsigned i = 0; i < sps.sub_layers; ++i) writer.bits(3, 2);
  if (sps.sub_layers > 0) writer.bits(0, 2 * int(8 - sps.sub_layers));
  for (unsigned i = 0; i < 12 * sps.sub_layers; ++i) writer.bits(0, 8);
  writer.number(0), writer.number(sps.chroma);
  if (sps.chroma == 3) writer.bits(0, 1);
  writer.number(sps.width), writer.number(sps.height), writer.bits(sps.window, 1);
  for (int i = 0; i < (sps.window ? 4 : 0); ++i) writer.number(2);
  for (int i = 0; i < 3; ++i) writer.number(0);
  writer.bits(1, 1);
  for (unsigned i = 0; i < 3 * (sps.sub_layers + 1); ++i) writer.number(1);
  for (const unsigned each : {sps.block, sps.tree, sps.transform, sps.largest, sps.depth, sps.depth})
    writer.number(each);
  Bytes unit = writer.unit();
  unit.resize(unit.size() - cut);
  Bytes heic = {'a', 'n', 'y', 0,  0, 0, static_cast<std::uint8_t>(8 + 22 + 1 + 3 + 2 + unit.size()),
                'h', 'v', 'c', 'C'};
  heic.insert(heic.end(), 22, 1);
  heic.insert(heic.end(), {1, 33, 0, 1, 0, static_cast<std::uint8_t>(unit.size())});
  heic.insert(heic.end(), unit.begin(), unit.end());
  return heic;
}

TEST(HevcHeader, OfEachShapeIsSound) {
  for (const unsigned layers : {0U, 1U, 6U}) {
    for (const unsigned chroma : {0U, 1U, 3U}) {
      for (const bool window : {false, true}) {
        Sps sps;
        sps.sub_layers = layers, sps.chroma = chroma, sps.window = window;
        EXPECT_TRUE(has_sound_hevc_headers(heic_with(sps), 512 * 384)) << layers << " " << chroma;
        EXPECT_FALSE(has_sound_hevc_headers(heic_with(sps), 512 * 384 - 1)) << "too large";
      }
    }
  }
  EXPECT_TRUE(has_sound_hevc_headers(Bytes{'h', 'v', 'c', 'C'}, 1)) << "no configuration";
}

TEST(HevcHeader, ThatIsBrokenOrAbsurdIsRefused) {
  const auto refused = [](auto change) {
    Sps sps;
    change(sps);
    return !has_sound_hevc_headers(heic_with(sps), 1'000'000);
  };
  EXPECT_TRUE(refused([](Sps& sps) { sps.width = 65535, sps.height = 65535; }));
  EXPECT_TRUE(refused([](Sps& sps) { sps.width = UINT32_MAX - 1; }));
  EXPECT_TRUE(refused([](Sps& sps) { sps.height = 0; }));
  EXPECT_TRUE(refused([](Sps& sps) { sps.width = 510; })) << "not a multiple of the smallest block";
  EXPECT_TRUE(refused([](Sps& sps) { sps.transform = 1; })) << "as large as the smallest block";
  EXPECT_TRUE(refused([](Sps& sps) { sps.largest = 4; }));
  EXPECT_TRUE(refused([](Sps& sps) { sps.tree = 4; }));
  EXPECT_TRUE(refused([](Sps& sps) { sps.depth = 5; }));
  for (std::size_t cut = 2; cut < 12; ++cut)  // the last byte is an end mark
    EXPECT_FALSE(has_sound_hevc_headers(heic_with({}, cut), 1'000'000)) << cut << " bytes short";
}

}  // namespace
}  // namespace pleat
