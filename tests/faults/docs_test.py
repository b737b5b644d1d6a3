"""What the docs say is what the program does."""
import pathlib

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


def test_every_verb_has_help_and_the_readme_names_only_verbs_there_are():
    for verb in ("prepare", "train", "predict", "doctor", "config"):
        done = runs.pleat(verb, "--help")
        assert done.returncode == 0 and verb in done.stdout
