"""The tuned peer with a fold on several torchrun processes: DistributedDataParallel over gloo, a part of a batch each.

usage: torchrun --standalone --nproc-per-node 2 tests/bench/peers/ddp.py --launched "$(date +%s.%N)" --table … --out …

`first_step` of the report is the time from --launched to the end of the first step.
"""
import common
import torch
import tuned
from torch import distributed
from torch.nn.parallel import DistributedDataParallel


def decode_together(paths, size, rank, ranks):
    """All crops [N, H, W, 3] uint8 on every process. Each decodes every n-th photo, then they exchange the crops."""
    longest = -(-len(paths) // ranks)
    own = torch.zeros(longest, size, size, 3, dtype=torch.uint8)
    for i, path in enumerate(paths[rank::ranks]):
        own[i] = torch.frombuffer(bytearray(tuned.decode(path, size)), dtype=torch.uint8).view(size, size, 3)
    gathered = [torch.empty_like(own) for _ in range(ranks)]
    distributed.all_gather(gathered, own)
    return torch.stack(gathered, 1).flatten(0, 1)[:len(paths)]


def main():
    parser = common.arguments(__doc__)
    parser.set_defaults(fold=0, threads=1)
    options = parser.parse_args()
    watch = common.Watch(options.launched)
    torch.set_num_threads(options.threads)
    with watch("preparation"):
        distributed.init_process_group("gloo")
        rank, ranks = distributed.get_rank(), distributed.get_world_size()
        photos = common.read_photos(options)
        crops = tuned.Crops(decode_together(photos.paths, options.size, rank, ranks), photos.labels, options.pad)

    def wrap(network):
        # No broadcast of running statistics before each step: the first process predicts with its own.
        return DistributedDataParallel(network, forward_sync_buffers=False, gradient_as_bucket_view=True, static_graph=True)

    result = tuned.run(photos, crops, options, watch, wrap, rank, ranks)
    if rank == 0:
        # Of all processes; the epochs' lines count only this process's images.
        images = options.epochs * len(photos.split(options.fold)[0])
        result["images_per_second"] = images / result["seconds"]["training"]
        common.write({"peer": "ddp", "processes": ranks, **result}, options.out)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
