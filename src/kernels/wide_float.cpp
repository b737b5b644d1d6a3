#include "kernels/wide_float.h"

#include <algorithm>

namespace pleat {

PLEAT_WIDE void add_to(float* sum, const float* row, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) sum[i] += row[i];
}

PLEAT_WIDE void add_to(float* sum, const Bf16* row, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) sum[i] += widen(row[i]);
}

void narrow(const float* row, float* out, std::int64_t count) { std::copy_n(row, count, out); }

PLEAT_WIDE void narrow(const float* row, Bf16* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) round_to(row[i], out[i]);
}

}  // namespace pleat
