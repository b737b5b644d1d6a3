// How this process gets its memory from the system.
#pragma once

namespace pleat {

/// For a process that makes and frees large tensors in each step: freed blocks stay with the process instead of being
/// given back and faulted in again, and lie on huge pages where the system lends them on request. Call it once, before
/// other threads start; changes no result, and does nothing where the C library is not glibc.
void keep_large_blocks();

}  // namespace pleat
