#include "data_tools/photos/jpeg_surplus.h"

#include <jpeglib.h>

#include <algorithm>
#include <vector>

namespace pleat {
namespace {

constexpr std::size_t kLeastRepeats = 4;  // fewer equal bytes may be coded data

// Reads bits, the highest first. A zero after 0xFF is stuffing. The bits end at a marker.
class BitReader {
 public:
  explicit BitReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  // Returns the next 16 bits without taking them; ones behind the end.
  unsigned peek() {
    while (held_ < 16 && fill()) {
    }
    return static_cast<unsigned>(
        (held_ >= 16 ? buffer_ >> (held_ - 16) : buffer_ << (16 - held_) | ((1U << (16 - held_)) - 1)) & 0xFFFF);
  }

  // Returns false if there are too few bits.
  bool take(int bits) {
    peek();
    if (held_ < bits) return false;
    held_ -= bits;
    buffer_ &= (std::uint64_t{1} << held_) - 1;
    return true;
  }

  // Takes the rest of the byte. Returns whether it was ones.
  bool take_padding() {
    const int bits = held_ % 8;
    const bool ones = bits == 0 || peek() >> (16 - bits) == (1U << bits) - 1;
    return take(bits) && ones;
  }

  // Takes a restart marker.
  bool take_restart() {
    if (held_ > 0 || at_ + 1 >= bytes_.size() || bytes_[at_] != 0xFF || (bytes_[at_ + 1] & 0xF8) != 0xD0) return false;
    at_ += 2;
    return true;
  }

  // Returns whether fewer than 8 bits are left, all of them ones.
  bool is_at_end() { return peek() == 0xFFFF && held_ < 8; }

 private:
  bool fill() {
    if (at_ >= bytes_.size()) return false;
    const std::uint8_t byte = bytes_[at_];
    if (byte == 0xFF && (at_ + 1 >= bytes_.size() || bytes_[at_ + 1] != 0)) return false;
    at_ += byte == 0xFF ? 2 : 1;
    buffer_ = buffer_ << 8 | byte;
    held_ += 8;
    return true;
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  std::uint64_t buffer_ = 0;
  int held_ = 0;  // unread bits of the buffer
};

// Symbols by their next 16 bits.
class HuffmanCode {
 public:
  explicit HuffmanCode(const JHUFF_TBL& table) : symbols_(1 << 16, {0, 0}) {
    std::size_t code = 0, symbol = 0;  // code: in the highest of 16 bits
    for (std::uint8_t length = 1; length <= 16; ++length) {
      for (int i = 0; i < table.bits[length] && symbol < 256; ++i, ++symbol) {
        const std::size_t count = std::size_t{1} << (16 - length);
        if (code + count > symbols_.size()) return;
        std::fill_n(symbols_.begin() + static_cast<std::ptrdiff_t>(code), count, Symbol{length, table.huffval[symbol]});
        code += count;
      }
    }
  }

  // Returns the next symbol; -1 at the end or for bits without a meaning.
  int next(BitReader& bits) const {
    const auto [length, value] = symbols_[bits.peek()];
    return length > 0 && bits.take(length) ? value : -1;
  }

 private:
  struct Symbol {
    std::uint8_t length, value;
  };
  std::vector<Symbol> symbols_;
};

class SequentialScan {
 public:
  explicit SequentialScan(const jpeg_decompress_struct& scan) : scan_(scan) {
    for (int i = 0; i < scan.comps_in_scan; ++i) {
      const JHUFF_TBL* dc = scan.dc_huff_tbl_ptrs[scan.cur_comp_info[i]->dc_tbl_no];
      const JHUFF_TBL* ac = scan.ac_huff_tbl_ptrs[scan.cur_comp_info[i]->ac_tbl_no];
      if (dc == nullptr || ac == nullptr) return;
      codes_.push_back({HuffmanCode(*dc), HuffmanCode(*ac)});
    }
    readable_ = true;
  }

  bool is_readable() const { return readable_; }

  // Reads all the scan's units. Returns whether they are there, and their padding is ones.
  bool read(BitReader& bits) const {
    const std::size_t units = std::size_t{scan_.MCUs_per_row} * scan_.MCU_rows_in_scan;
    for (std::size_t i = 0; i < units; ++i) {
      if (scan_.restart_interval > 0 && i > 0 && i % scan_.restart_interval == 0 &&
          !(bits.take_padding() && bits.take_restart()))
        return false;
      if (!read_unit(bits)) return false;
    }
    return true;
  }

  // Returns whether all the bits left are whole units.
  bool has_more(BitReader& bits) const {
    for (std::size_t i = 0;; ++i) {
      if (i > 0 && bits.is_at_end()) return true;
      if (!read_unit(bits)) return false;
    }
  }

 private:
  struct Codes {
    HuffmanCode dc, ac;
  };

  bool read_unit(BitReader& bits) const {
    for (int i = 0; i < scan_.blocks_in_MCU; ++i) {
      if (!read_block(bits, codes_[static_cast<std::size_t>(scan_.MCU_membership[i])])) return false;
    }
    return true;
  }

  // ISO/IEC 10918-1, F.2.2: a code for the first coefficient, then codes of zeros to skip and a coefficient's bits.
  static bool read_block(BitReader& bits, const Codes& codes) {
    const int dc = codes.dc.next(bits);
    if (dc < 0 || dc > 16 || !bits.take(dc)) return false;
    for (int k = 1; k < DCTSIZE2; ++k) {
      const int code = codes.ac.next(bits), zeros = code >> 4, size = code & 15;
      if (code < 0 || !bits.take(size)) return false;
      if (size == 0 && zeros != 15) break;  // end of block
      k += zeros;
    }
    return true;
  }

  const jpeg_decompress_struct& scan_;
  std::vector<Codes> codes_;
  bool readable_ = false;
};

}  // namespace

bool is_padding(std::span<const std::uint8_t> bytes) {
  const auto is_first = [&bytes](std::uint8_t byte) { return byte == bytes[0]; };
  return bytes.empty() ||
         ((bytes[0] == 0 || bytes.size() >= kLeastRepeats) && std::all_of(bytes.begin(), bytes.end(), is_first));
}

bool is_whole_scan(std::span<const std::uint8_t> coded, const jpeg_decompress_struct& scan) {
  if (scan.progressive_mode || scan.arith_code || scan.comps_in_scan != scan.num_components) return false;
  const SequentialScan reader(scan);
  BitReader bits(coded);
  if (!reader.is_readable() || !reader.read(bits)) return false;
  BitReader behind = bits;
  return bits.take_padding() && !reader.has_more(behind);
}

}  // namespace pleat
