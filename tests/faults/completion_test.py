"""pleat completion: the script for bash, run by bash; those for zsh and fish, checked by these shells where they are installed."""
import shutil
import subprocess

import pytest
from support import runs


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("completion")
    for shell in ("bash", "zsh", "fish"):
        done = runs.pleat("completion", shell)
        assert done.returncode == 0, done.stdout
        (folder / shell).write_text(done.stdout)
    return folder


def completed(scripts, *words, cwd=None):
    """What bash offers for the last word."""
    line = " ".join(f"'{word}'" for word in ("pleat", *words))
    done = subprocess.run(["bash", "-c", f"source {scripts}/bash; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _pleat; printf '%s\\n' \"${{COMPREPLY[@]}}\""],
                          cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize("words, expected", [
    (("tr",), {"train"}), (("", ), {"prepare", "train", "sweep", "predict", "completion", "--version"}),
    (("train", "--find"), {"--find-lr"}), (("--help", "swe"), {"sweep"}),
    (("prepare", "--crop", ""), {"none", "center", "face"}), (("prepare", "--out", "a.h5", "--crop", "f"), {"face"}),
    (("train", "a.yaml", "--set", "train.l"), {"train.lr=", "train.label_smoothing=", "train.layer_decay="}),
    (("sweep", "a.yaml", "--axis", "train.ba"), {"train.batch="}), (("completion", "f"), {"fish"}),
])
def test_bash_completes_verbs_flags_values_and_keys(scripts, words, expected):
    offered = set(completed(scripts, *words))
    assert expected <= offered, offered
    assert all(word.startswith(words[-1]) for word in offered), offered


def test_bash_completes_files_and_folders(scripts, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "my.yaml").write_text("")
    assert set(completed(scripts, "train", "m", cwd=tmp_path)) == {"my.yaml", "mine"}
    assert completed(scripts, "train", "my.yaml", "--run", "m", cwd=tmp_path) == ["mine"]


def test_every_verb_and_flag_of_the_help_is_completed(scripts):
    text = runs.pleat("--help").stdout
    verbs = [line.split()[0] for line in text.split("Subcommands:")[1].splitlines() if line.startswith("  ") and not line.startswith("   ")]
    assert len(verbs) > 8
    for verb in verbs:
        flags = {word.rstrip(",") for line in runs.pleat(verb, "--help").stdout.splitlines() if line.startswith("  -")
                 for word in line.split()[0].split(",")}
        assert flags <= set(completed(scripts, verb, "-")), verb


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_scripts_of_other_shells_can_be_read_by_them(scripts, shell):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, "-n", scripts / shell], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0 and not done.stdout, done.stdout


def test_another_shell_is_refused_with_the_choices(scripts):
    done = runs.pleat("completion", "tcsh")
    assert done.returncode == 2 and "bash,zsh,fish" in done.stdout.replace(", ", ","), done.stdout
