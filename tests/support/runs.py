"""Small real runs for suites that test the program from outside: data, configs, mpirun and result files."""
import hashlib
import os
import pathlib
import random
import re
import struct
import subprocess

BUILD = pathlib.Path(os.environ["PLEAT_BUILD"])
PLEAT = BUILD / "pleat"
CLASSES = 3
SIDE = 12


def write_idx(folder, rows, seed=1, labels=None):
    """IDX images of SIDE x SIDE with a bright corner per class, too noisy to be learnt fully in a few epochs."""
    rng = random.Random(seed)
    truth = [i % CLASSES for i in range(rows)]
    rng.shuffle(truth)
    pixels = bytearray()
    for label in truth:
        for y in range(SIDE):
            for x in range(SIDE):
                bright = (y < SIDE // 2) == (label > 0) and (x < SIDE // 2) == (label != 2)
                pixels.append(min(255, max(0, int(rng.gauss(150 if bright else 90, 60)))))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "images").write_bytes(struct.pack(">IIII", 0x803, rows, SIDE, SIDE) + bytes(pixels))
    (folder / "labels").write_bytes(struct.pack(">II", 0x801, rows) + bytes(labels or truth))
    return labels or truth


def sees_cuda():
    """True if LibTorch can use a CUDA device on this machine."""
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()


def environment(**extra):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI_COMM", "PMIX"))}
    env.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMP_NUM_THREADS="1", XDG_CACHE_HOME=str(BUILD / "cache"), **extra)
    return env


def pleat(*arguments, ranks=0, cwd=None, timeout=300, user=None, **extra):
    """Runs the program, under mpirun if ranks > 0, and as user id `user` if given. Returns the finished process."""
    launcher = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks else []
    return subprocess.run([*launcher, PLEAT, *map(str, arguments)], cwd=cwd, env=environment(**extra), timeout=timeout,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          user=user, group=user, extra_groups=None if user is None else [])


def prepare(folder, rows=300, test_rows=60, **labels):
    """Makes folder/crops.h5 from new IDX files."""
    write_idx(folder / "train", rows, seed=1, **labels)
    write_idx(folder / "test", test_rows, seed=2)
    done = pleat("prepare", "--idx-images", folder / "train/images", "--idx-labels", folder / "train/labels",
                 "--idx-test-images", folder / "test/images", "--idx-test-labels", folder / "test/labels",
                 "--out", folder / "crops.h5")
    assert done.returncode == 0, done.stdout
    return folder / "crops.h5"


def write_config(path, crops, **top):
    """Writes a config that trains in seconds. Keyword arguments replace whole top-level keys by YAML text."""
    keys = {
        "seed": "7", "data": f"{{crops: {crops}}}", "targets": "[{name: label}]", "folds": "{k: 5}",
        "models": "[{name: resnet20}]",
        "train": "{epochs: 4, batch: 32, lr: 3e-3, augment: {pad: 1}}", "cluster": "{threads: 1, device: cpu}",
    }
    keys.update(top)
    path.write_text("".join(f"{key}: {value}\n" for key, value in keys.items()))
    return path


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def results(run):
    """SHA-256 of every file of the run that the reproducibility guarantee covers."""
    files = [run / "folds.csv", run / "predictions.csv", *run.glob("round_*/oof.h5"), *run.glob("round_*/ensemble.json"), *run.glob("round_*/pseudo_labels.csv"),
             *run.glob("round_*/*/*/fold_*/weights.safetensors"), *run.glob("round_*/*/*/fold_*/predictions.safetensors")]
    return {str(f.relative_to(run)): hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(files)}


def undisturbed(folder, **top):
    """A finished run of 5 folds on one rank: (folder, config, results). All other runs of the config must give these results.
    Keyword arguments as of write_config."""
    config = write_config(folder / "config.yaml", prepare(folder), **top)
    done = pleat("train", config, "--run", folder / "run")
    assert done.returncode == 0, done.stdout
    files = results(folder / "run")
    assert len(files) == 4 + 2 * 5, sorted(files)
    return folder, config, files


def errors(done):
    """Error lines in the output of a finished process."""
    return [line for line in done.stdout.splitlines() if " E " in line]


def refusal(done, code=3):
    """Returns the only error line. Requires this exit code, one error, and only log lines as output."""
    assert done.returncode == code, (done.returncode, done.stdout[-3000:])
    lines = [] if done.args[0] == "mpirun" else done.stdout.splitlines()  # mpirun adds lines of its own
    strangers = [line for line in lines if not re.match(r"\d\d:\d\d:\d\d [DIWE] ", line)]
    assert not strangers and len(errors(done)) == 1, done.stdout[-3000:]
    assert len(errors(done)[0]) < 1500, f"an error of {len(errors(done)[0])} characters"
    return errors(done)[0]
