// Where the tensors of a training step get their memory on CPU.
#pragma once

namespace pleat {

/// From here on large tensors lie in one region of this process, each at the lowest address that has room. A step makes
/// and frees the same few hundred blocks in the same order, which malloc's heap, shared with everybody else's small
/// ones, answers with holes: a third of what a rank took. The region is on huge pages where the system lends them on
/// request, and nothing of it is given back. Call it once, before other threads start; changes no result. Where the
/// system has no such region to give, or counts addresses as memory, tensors stay on the heap.
void use_tensor_pool();

}  // namespace pleat
