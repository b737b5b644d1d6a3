#include "base/random.h"

namespace pleat {
namespace {

// SplitMix64's finaliser (Steele et al. 2014): every input bit reaches every output bit.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

std::array<std::uint32_t, 4> philox_block(std::array<std::uint32_t, 4> c, std::array<std::uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53U} * c[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57U} * c[2];
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(p0)};
    k = {k[0] + 0x9E3779B9U, k[1] + 0xBB67AE85U};
  }
  return c;
}

}  // namespace

RandomStream::RandomStream(const RandomKey& key) {
  // Two hash chains over the fields give 64 bits of key and the upper 64 of the counter. The lower 64 count.
  std::uint64_t a = mix(key.seed), b = mix(key.seed ^ 0x6A09E667F3BCC909ULL);
  for (const std::uint64_t field :
       {std::uint64_t{static_cast<std::uint32_t>(key.purpose)}, std::uint64_t{key.round}, std::uint64_t{key.fold},
        std::uint64_t{key.epoch}, std::uint64_t{key.step}, std::uint64_t{key.part}, key.sample}) {
    a = mix(a ^ field);
    b = mix(b + field);
  }
  key_ = {static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(a >> 32)};
  counter_ = {0, 0, static_cast<std::uint32_t>(b), static_cast<std::uint32_t>(b >> 32)};
}

std::uint32_t RandomStream::next() {
  if (used_ == 4) {
    block_ = philox_block(counter_, key_);
    if (++counter_[0] == 0) ++counter_[1];
    used_ = 0;
  }
  return block_[static_cast<std::size_t>(used_++)];
}

std::uint64_t RandomStream::next64() {
  const std::uint64_t low = next();
  return low | (std::uint64_t{next()} << 32);
}

double RandomStream::uniform() { return static_cast<double>(next64() >> 11) * 0x1.0p-53; }

std::uint32_t RandomStream::below(std::uint32_t bound) {
  // Lemire 2019, "Fast random integer generation in an interval": rejects the few values that would cause bias.
  std::uint64_t product = std::uint64_t{next()} * bound;
  if (static_cast<std::uint32_t>(product) < bound) {
    const std::uint32_t threshold = -bound % bound;
    while (static_cast<std::uint32_t>(product) < threshold) product = std::uint64_t{next()} * bound;
  }
  return static_cast<std::uint32_t>(product >> 32);
}

}  // namespace pleat
