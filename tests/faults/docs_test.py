"""What the docs say is what the program does."""
import pathlib
import re

from support import runs

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_the_config_reference_is_the_programs_own():
    done = runs.pleat("config", "--reference")
    assert done.returncode == 0
    assert (ROOT / "docs/config.md").read_text() == done.stdout, "run: build/pleat config --reference > docs/config.md"


def test_every_shipped_config_is_valid():
    for config in sorted((ROOT / "configs").glob("*.yaml")):
        done = runs.pleat("config", config)
        assert done.returncode == 0, done.stdout


VERBS = ("prepare", "train", "predict", "make-faces", "person-folders", "class-folders", "doctor", "config")


def test_every_verb_has_help():
    for verb in VERBS:
        done = runs.pleat(verb, "--help")
        assert done.returncode == 0 and verb in done.stdout


def test_the_readme_names_only_verbs_there_are():
    text = (ROOT / "README.md").read_text()
    code = [line for line in text.splitlines() if line.startswith("    ")]
    code += [line for block in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE) for line in block.splitlines()]
    code += re.findall(r"`([^`\n]+)`", text)
    named = {verb for line in code for verb in re.findall(r"(?:^|[\s/])pleat +([a-z][a-z-]*)", line)}
    assert named <= set(VERBS), named - set(VERBS)
    assert {"prepare", "train", "predict"} <= named, "the README shows the way from photos to predictions"
