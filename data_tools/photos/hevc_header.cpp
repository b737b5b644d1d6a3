#include "data_tools/photos/hevc_header.h"

#include <algorithm>
#include <array>
#include <vector>

#include "data_tools/photos/formats.h"

namespace pleat {
namespace {

constexpr int kSequenceParameters = 33;     // type of a unit
constexpr std::size_t kConfiguration = 22;  // bytes of hvcC before its lists of units

// Reads the bits of a unit. Reading behind the end gives zeros, and is remembered.
class BitReader {
 public:
  // A 3 after two zero bytes keeps start codes out of the unit, and is no data.
  explicit BitReader(FileBytes unit) {
    int zeros = 0;
    for (const std::uint8_t byte : unit) {
      if (zeros >= 2 && byte == 3) {
        zeros = 0;
        continue;
      }
      zeros = byte == 0 ? zeros + 1 : 0;
      bytes_.push_back(byte);
    }
  }

  std::uint32_t bits(int count) {
    std::uint32_t value = 0;
    for (int i = 0; i < count; ++i, ++at_) {
      const bool inside = at_ / 8 < bytes_.size();
      value = value << 1 | (inside ? bytes_[at_ / 8] >> (7 - at_ % 8) & 1U : 0U);
    }
    return value;
  }
  void skip(int count) { at_ += static_cast<std::size_t>(count); }
  bool flag() { return bits(1) != 0; }

  // A number of Exp-Golomb code: zeros, a one, and as many bits as zeros. Absurd ones come out as the largest.
  std::int64_t number() {
    int zeros = 0;
    while (zeros < 32 && !flag()) ++zeros;
    return zeros >= 32 ? INT32_MAX : (std::int64_t{1} << zeros) - 1 + bits(zeros);
  }

  bool is_within() const { return at_ <= 8 * bytes_.size(); }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t at_ = 0;  // bits
};

void skip_profile(BitReader& reader, int sub_layers) {
  reader.skip(88 + 8);
  std::array<bool, 8> profile{}, level{};
  for (std::size_t i = 0; i < std::size_t(sub_layers); ++i) profile[i] = reader.flag(), level[i] = reader.flag();
  if (sub_layers > 0) reader.skip(2 * (8 - sub_layers));
  for (std::size_t i = 0; i < std::size_t(sub_layers); ++i) reader.skip((profile[i] ? 88 : 0) + (level[i] ? 8 : 0));
}

// Reads as far as the sizes of blocks, which libde265 prints about.
bool is_sound(FileBytes unit, std::int64_t most_pixels) {
  BitReader reader(unit);
  reader.skip(16 + 4);  // the unit's header, the video parameter set
  const auto sub_layers = static_cast<int>(reader.bits(3));
  reader.skip(1);
  if (sub_layers > 6) return false;
  skip_profile(reader, sub_layers);
  reader.number();  // id
  if (const std::int64_t chroma = reader.number(); chroma == 3) reader.skip(1);
  const std::int64_t width = reader.number(), height = reader.number();
  if (reader.flag()) {  // the visible part
    for (int side = 0; side < 4; ++side) reader.number();
  }
  for (int i = 0; i < 3; ++i) reader.number();  // bits of luma, of chroma, of the picture order
  const int from = reader.flag() ? 0 : sub_layers;
  for (int i = 3 * from; i < 3 * (sub_layers + 1); ++i) reader.number();
  const std::int64_t block = reader.number() + 3, tree = block + reader.number();  // logarithms of sides
  const std::int64_t transform = reader.number() + 2, largest = transform + reader.number();
  const std::int64_t depth_inter = reader.number(), depth_intra = reader.number();
  if (!reader.is_within() || width < 1 || height < 1 || width > most_pixels / height || tree > 6) return false;
  const std::int64_t side = std::int64_t{1} << block;
  return width % side == 0 && height % side == 0 && transform < block && largest <= std::min<std::int64_t>(tree, 5) &&
         std::max(depth_inter, depth_intra) <= tree - transform;
}

// Checks the units of a configuration, as far as it reaches; libheif refuses one that is cut short.
bool is_sound_configuration(FileBytes hvcc, std::int64_t most_pixels) {
  if (hvcc.size() <= kConfiguration) return true;
  std::size_t at = kConfiguration + 1;
  for (int list = hvcc[kConfiguration]; list > 0 && at + 3 <= hvcc.size(); --list) {
    std::size_t units = big_endian(hvcc.subspan(at + 1, 2));
    at += 3;
    for (; units > 0 && at + 2 <= hvcc.size(); --units) {
      const std::size_t length = big_endian(hvcc.subspan(at, 2));
      at += 2;
      if (length > hvcc.size() - at) return true;
      const FileBytes unit = hvcc.subspan(at, length);
      if (length > 2 && (unit[0] >> 1 & 0x3F) == kSequenceParameters && !is_sound(unit, most_pixels)) return false;
      at += length;
    }
  }
  return true;
}

}  // namespace

bool has_sound_hevc_headers(FileBytes file, std::int64_t most_pixels) {
  constexpr std::string_view kName = "hvcC";
  for (auto name = file.begin();; ++name) {
    name = std::search(name, file.end(), kName.begin(), kName.end());
    if (name == file.end()) return true;
    const auto at = static_cast<std::size_t>(name - file.begin());
    const std::size_t size = at >= 4 ? big_endian(file.subspan(at - 4, 4)) : 0;
    if (size >= 8 && size - 4 <= file.size() - at &&
        !is_sound_configuration(file.subspan(at + 4, size - 8), most_pixels))
      return false;
  }
}

}  // namespace pleat
