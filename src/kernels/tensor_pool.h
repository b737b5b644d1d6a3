// The allocator for the CPU tensors of a training step.
#pragma once

namespace pleat {

/// Places all further large CPU tensors in one region of this process, each at the lowest address with room.
/// A training step allocates and frees the same few hundred blocks in the same order. On malloc's heap, which small
/// blocks share, that left holes: a third of a rank's memory.
/// The region uses huge pages where the system allows it, and is never returned to the system. Changes no result.
/// If the system cannot reserve the region, or counts addresses as memory, tensors stay on the heap.
/// Requires: the first call comes before other threads start. Further calls are no-ops.
void use_tensor_pool();

}  // namespace pleat
