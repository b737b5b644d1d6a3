"""The docs agree with the program."""
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


def verbs():
    """The verbs that the program lists."""
    listed = runs.pleat("--help").stdout.split("Subcommands:")[1]
    return re.findall(r"^  (\S+)", listed, re.MULTILINE)


def test_every_verb_has_help():
    assert len(verbs()) > 11
    for verb in verbs():
        done = runs.pleat(verb, "--help")
        assert done.returncode == 0 and verb in done.stdout


def test_the_readme_names_only_verbs_there_are():
    text = (ROOT / "README.md").read_text()
    code = [line for line in text.splitlines() if line.startswith("    ")]
    code += [line for block in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE) for line in block.splitlines()]
    code += re.findall(r"`([^`\n]+)`", text)
    named = {verb for line in code for verb in re.findall(r"(?:^|[\s/])(?:pleat|local\.sh) +([a-z][a-z-]*)", line)}
    assert named <= set(verbs()), named - set(verbs())
    assert {"prepare", "train", "predict"} <= named, "the README shows the way from photos to predictions"


def without_code_blocks(page):
    return re.sub(r"^( *)(```|~~~).*?^\1\2", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(page):
    """Anchors of the headings as on GitHub: lower case, no punctuation, hyphens for spaces, numbers for duplicates."""
    found = []
    for heading in re.findall(r"^#+ +(.+?) *$", without_code_blocks(page), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)  # a link's text
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        namesakes = sum(1 for other in found if re.fullmatch(re.escape(slug) + r"(-\d+)?", other))
        found.append(f"{slug}-{namesakes}" if namesakes else slug)
    return found


def broken_links(page):
    text = re.sub(r"`[^`\n]*`", "", without_code_blocks(page))
    for link in re.findall(r"\]\(<?([^)\s>]+)", text) + re.findall(r"^\[[^\]]+\]: *(\S+)", text, re.MULTILINE):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or anchor and target.suffix == ".md" and anchor not in anchors(target):
            yield f"{page.relative_to(ROOT)}: {link}"


def test_every_link_between_pages_leads_somewhere():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs/decisions").glob("*.md"))]
    assert not [link for page in pages for link in broken_links(page)]


def test_every_page_that_a_config_names_is_there():
    for config in sorted((ROOT / "configs").glob("*.yaml")):
        comments = "\n".join(re.findall(r"#.*", config.read_text()))
        for path, anchor in re.findall(r"(docs/[\w/.-]+\.md)(?:#([\w-]+))?", comments):
            assert (ROOT / path).exists(), f"{config.name}: {path}"
            assert not anchor or anchor in anchors(ROOT / path), f"{config.name}: {path}#{anchor}"


def test_a_link_to_nowhere_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "other.md").write_text("# What `--skip-bad` does, in short\n## Twice\n## Twice\n```sh\n# no heading\n```\n")
    good = ["#here", "other.md", "other.md#what---skip-bad-does-in-short", "other.md#twice-1", "https://a.b/c.md"]
    bad = ["none.md", "#nowhere", "other.md#twice-2", "other.md#no-heading"]
    page = tmp_path / "page.md"
    page.write_text("# Here\n" + "".join(f"[a]({link})\n" for link in good + bad) + "`[a](code.md)`\n```\n[a](code.md)\n```\n")
    assert list(broken_links(page)) == [f"page.md: {link}" for link in bad]
