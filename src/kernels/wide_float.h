// Rows of float32 or bfloat16 numbers, computed in float32. The loops are simple enough for the compiler to vectorise.
#pragma once

#include <bit>
#include <cstdint>

namespace pleat {

// Compiles a function for several register widths; the CPU's widest is chosen at run time. Functions that it calls must
// be PLEAT_INLINE.
#define PLEAT_WIDE __attribute__((target_clones("avx512f", "avx2,fma", "default")))
#define PLEAT_INLINE inline __attribute__((always_inline))
// Promises that no two arrays of the next loop overlap. __restrict is lost when the compiler inlines, and its run-time
// checks cover only few arrays.
#define PLEAT_NO_ALIAS _Pragma("GCC ivdep")

/// The upper half of a float32, like c10::BFloat16 but without torch headers.
struct Bf16 {
  std::uint16_t bits;
};

PLEAT_INLINE float widen(float value) { return value; }
PLEAT_INLINE float widen(Bf16 value) { return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16); }

PLEAT_INLINE void round_to(float value, float& out) { out = value; }
/// Rounds to nearest, ties to even, like the CPU's own instruction. Keeps NaN.
PLEAT_INLINE void round_to(float value, Bf16& out) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  out.bits = static_cast<std::uint16_t>(value != value ? 0x7fc0U : rounded);
}

/// sum[i] += row[i]
void add_to(float* sum, const float* row, std::int64_t count);
void add_to(float* sum, const Bf16* row, std::int64_t count);

/// out[i] = row[i], rounded
void narrow(const float* row, float* out, std::int64_t count);
void narrow(const float* row, Bf16* out, std::int64_t count);

}  // namespace pleat
