"""From launch to the first optimizer step of a fold on two processes: pleat against DistributedDataParallel.

pleat's convolution plan is cached, as after a machine's first run. There are few photos: the peer decodes them first.
"""
import sys
import time

from crops import photos, prepare_photos
from measure import in_turn, median, peer
from pleat_run import write_config
from processes import first_step
from report import at_most

PHOTOS, SIZE, FOLDS = 200, 64, 2
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2]


def run(bench):
    table, images = photos(bench, PHOTOS)
    crops = prepare_photos(table, images, SIZE, bench.folder() / "crops.h5")
    config = write_config(bench, crops, folds=f"{{k: {FOLDS}}}", train="{batch: 64, micro_batches: 2}", cluster="{shards: 2, threads: 1, device: cpu}")
    warm_up = bench.folder() / "run"
    first_step(config, warm_up, ranks=2)

    def pleat(_):
        return first_step(config, bench.folder() / "run", ranks=2)

    def ddp(_):
        return peer(bench, "ddp.py", "--table", table, "--images", images, "--folds", warm_up / "folds.csv", "--size", SIZE, "--batch", 64,
                    "--epochs", 1, "--threads", 1, "--launched", time.time(), launcher=TORCHRUN)["seconds"]

    results = in_turn({"pleat": pleat, "ddp": ddp}, bench.turns(3))
    bench.keep("seconds", results)
    ours, theirs = median(results["pleat"]), median(results["ddp"], "first_step")
    bench.figure("launch to first step, 1 fold on 2 ranks (plan of convolutions cached)", ours / theirs, "×", at_most(0.5), f"{ours:.2f} s",
                 f"torchrun and DDP {theirs:.2f} s")
