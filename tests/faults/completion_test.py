"""pleat completion: command lines completed in bash, zsh and fish."""
import subprocess

import pytest
from support import runs
from support.terminal import Terminal


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
                          cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True)
    assert all(line.endswith("compopt: not currently executing completion function") for line in done.stderr.splitlines()), done.stderr
    return done.stdout.splitlines()


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
    (tmp_path / "x y.yaml").write_text("")
    assert completed(scripts, "train", "x", cwd=tmp_path) == ["x y.yaml"]
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


LINES = [
    ("pleat swe", "pleat sweep "), ("pleat train --find", "pleat train --find-lr"), ("pleat prepare --crop f", "pleat prepare --crop face"),
    ("pleat train a.yaml --set train.weight_d", "pleat train a.yaml --set train.weight_decay="), ("pleat train m", "pleat train my.yaml"),
    ("pleat completion f", "pleat completion fish"),
]


ZSH_LINES = [*LINES, ("pleat --v", "pleat --version"), ("pleat --help swe", "pleat --help sweep")]


def test_zsh_completes_verbs_flags_values_keys_and_files(scripts, tmp_path):
    (tmp_path / "my.yaml").write_text("")
    (tmp_path / ".zshrc").write_text(f"PS1='ready> '; source {scripts}/zsh\n")
    zsh = Terminal("zsh", "-i", cwd=tmp_path, HOME=str(tmp_path), ZDOTDIR=str(tmp_path))
    try:
        for line, completed_line in ZSH_LINES:
            zsh.until(lambda lines: lines and lines[-1].strip() == "ready>")
            zsh.type(line + "\t")
            zsh.until(lambda lines: lines[-1].startswith("ready> " + completed_line.strip()), seconds=30)
            zsh.type("\x15\x0c")  # clears the line and the screen
            zsh.screen.reset()
    finally:
        zsh.close()


@pytest.mark.parametrize("line, expected", LINES, ids=[line for line, _ in LINES])
def test_fish_completes_verbs_flags_values_keys_and_files(scripts, tmp_path, line, expected):
    (tmp_path / "my.yaml").write_text("")
    done = subprocess.run(["fish", "--no-config", "-c", f"source {scripts}/fish; complete -C '{line}'"], cwd=tmp_path, env=runs.environment(HOME=str(tmp_path)),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    offered = [each.split("\t")[0] for each in done.stdout.splitlines()]
    assert expected.split()[-1] in offered, done.stdout


def test_another_shell_is_refused_with_the_choices(scripts):
    done = runs.pleat("completion", "tcsh")
    assert done.returncode == 2 and "bash,zsh,fish" in done.stdout.replace(", ", ","), done.stdout
