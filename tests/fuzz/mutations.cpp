#include "mutations.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace pleat::fuzz {
namespace {

constexpr std::string_view kSigns = ",;\"'\n\r\t {}[]():\\/.-+0123456789eE";  // characters that matter in text formats

}  // namespace

void Mutator::mutate(Bytes& input, std::size_t most) {
  const std::size_t changes = below(2) == 0 ? 1 : 1 + below(5);
  for (std::size_t i = 0; i < changes; ++i) change(input);
  input.resize(std::min(input.size(), most));
}

void Mutator::change(Bytes& input) {
  using Change = void (Mutator::*)(Bytes&);
  // Changes that keep the rest in place are listed more often: they get past a reader's first checks.
  constexpr std::array<Change, 16> kChanges = {
      &Mutator::flip_bit,     &Mutator::flip_bit,     &Mutator::set_byte,   &Mutator::set_byte,
      &Mutator::set_number,   &Mutator::set_number,   &Mutator::set_number, &Mutator::set_sign,
      &Mutator::fill,         &Mutator::copy_over,    &Mutator::cut_end,    &Mutator::remove_block,
      &Mutator::repeat_block, &Mutator::insert_noise, &Mutator::splice,     &Mutator::insert_other};
  if (input.empty()) return insert_noise(input);
  (this->*kChanges[below(kChanges.size())])(input);
}

void Mutator::flip_bit(Bytes& input) { input[place(input)] ^= static_cast<std::uint8_t>(1U << below(8)); }

void Mutator::set_byte(Bytes& input) {
  input[place(input)] = static_cast<std::uint8_t>(below(2) == 0 ? edge(8) : below(256));
}

// Changes a number of one to eight bytes, in either byte order: to an edge, near the file's size or near its value.
void Mutator::set_number(Bytes& input) {
  const std::size_t width = std::size_t{1} << below(4);
  if (input.size() < width) return set_byte(input);
  const std::size_t at = std::min(place(input), input.size() - width);
  const bool big = below(2) == 0;
  const auto byte = [&](std::size_t i) -> std::uint8_t& { return input[at + (big ? width - 1 - i : i)]; };
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value |= std::uint64_t{byte(i)} << (8 * i);
  const std::uint64_t near = static_cast<std::uint64_t>(below(33)) - 16;  // wraps below zero, as the value then does
  const std::size_t kind = below(4);
  value = kind == 0 ? edge(8 * width) : kind == 1 ? input.size() + near : value + near;
  for (std::size_t i = 0; i < width; ++i) byte(i) = static_cast<std::uint8_t>(value >> (8 * i));
}

void Mutator::set_sign(Bytes& input) {
  const auto sign = static_cast<std::uint8_t>(kSigns[below(kSigns.size())]);
  const std::size_t at = place(input);
  if (below(2) == 0) {
    input[at] = sign;
  } else {
    input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), sign);
  }
}

void Mutator::fill(Bytes& input) {
  const std::size_t at = place(input), size = std::min(1 + below(64), input.size() - at);
  std::fill_n(input.begin() + static_cast<std::ptrdiff_t>(at), size, below(2) == 0 ? 0x00 : 0xFF);
}

void Mutator::copy_over(Bytes& input) {
  const auto block = block_of(input);
  const Bytes copy(block.begin(), block.end());  // source and target may overlap
  const std::size_t at = below(input.size() - copy.size() + 1);
  std::copy(copy.begin(), copy.end(), input.begin() + static_cast<std::ptrdiff_t>(at));
}

void Mutator::cut_end(Bytes& input) {
  input.resize(below(2) == 0 ? below(input.size()) : input.size() - 1 - below(std::min<std::size_t>(32, input.size())));
}

void Mutator::remove_block(Bytes& input) {
  const auto block = block_of(input);
  const auto begin = input.begin() + (block.data() - input.data());
  input.erase(begin, begin + static_cast<std::ptrdiff_t>(block.size()));
}

void Mutator::repeat_block(Bytes& input) {
  const auto block = block_of(input);
  const Bytes copy(block.begin(), block.end());
  input.insert(input.begin() + static_cast<std::ptrdiff_t>(below(input.size() + 1)), copy.begin(), copy.end());
}

void Mutator::insert_noise(Bytes& input) {
  Bytes noise(1 + below(16));
  for (auto& byte : noise) byte = static_cast<std::uint8_t>(below(256));
  input.insert(input.begin() + static_cast<std::ptrdiff_t>(below(input.size() + 1)), noise.begin(), noise.end());
}

// Joins the begin of this file and the end of another.
void Mutator::splice(Bytes& input) {
  const Bytes& other = others_[below(others_.size())];
  input.resize(below(input.size()) + 1);
  const std::size_t from = below(2) == 0 ? std::min(input.size(), other.size()) : below(other.size() + 1);
  input.insert(input.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
}

void Mutator::insert_other(Bytes& input) {
  const auto block = block_of(others_[below(others_.size())]);
  input.insert(input.begin() + static_cast<std::ptrdiff_t>(below(input.size() + 1)), block.begin(), block.end());
}

// Returns a number next to a power of two, of at most `bits` bits: an edge of readers' arithmetic.
std::uint64_t Mutator::edge(std::size_t bits) {
  const std::size_t bit = below(bits + 1);
  return (bit == 64 ? 0 : std::uint64_t{1} << bit) + below(3) - 1;
}

// Returns a place to change. Prefers headers and trailers, which decide most.
std::size_t Mutator::place(const Bytes& input) {
  const std::size_t size = input.size();
  switch (below(5)) {
    case 0:
      return below(std::min<std::size_t>(size, 64));
    case 1:
      return below(std::min<std::size_t>(size, 512));
    case 2:
      return size - 1 - below(std::min<std::size_t>(size, 64));
    default:
      return below(size);
  }
}

// Returns a block, mostly a short one. Empty only if there are no bytes.
std::span<const std::uint8_t> Mutator::block_of(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return bytes;
  const std::size_t begin = below(bytes.size()), left = bytes.size() - begin;
  return bytes.subspan(begin, 1 + below(below(4) == 0 ? left : std::min<std::size_t>(left, 32)));
}

}  // namespace pleat::fuzz
