// Damages files as disks, networks and people do, and as an attacker would try first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace pleat::fuzz {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kMostInput = std::size_t{1} << 20;  // bytes; inputs do not grow beyond it

class Mutator {
 public:
  /// others: files to take pieces from. Requires: they outlive the object.
  Mutator(std::span<const Bytes> others, std::uint64_t seed) : others_(others), random_(seed) {}

  /// Makes one to five changes. The same seed and calls give the same bytes.
  void mutate(Bytes& input, std::size_t most);

  /// Returns a random number from 0 to bound - 1; bound > 0. Standard distributions differ between libraries.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }

 private:
  void change(Bytes& input);
  void flip_bit(Bytes& input);
  void set_byte(Bytes& input);
  void set_number(Bytes& input);
  void set_sign(Bytes& input);
  void fill(Bytes& input);
  void cut_end(Bytes& input);
  void remove_block(Bytes& input);
  void repeat_block(Bytes& input);
  void copy_over(Bytes& input);
  void insert_noise(Bytes& input);
  void splice(Bytes& input);
  void insert_other(Bytes& input);

  std::uint64_t edge(std::size_t bits);
  std::size_t place(const Bytes& input);
  std::span<const std::uint8_t> block_of(std::span<const std::uint8_t> bytes);

  std::span<const Bytes> others_;
  std::mt19937_64 random_;
};

}  // namespace pleat::fuzz
