"""pleat report's page in headless Chromium: it loads nothing, works by keyboard, and shows hostile text as text."""
import csv
import shutil

import pytest
from support import runs

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (requirements-test.txt)")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (packages-test.txt)")

LABELS = ["<script>window.hurt = 1</script>", '"><img src=x onerror="window.hurt = 1">', "שלום {{title}} & שוב"]
LONG = "very-long-" * 400  # bytes of an id


def write_table(path, photos):
    """Rows of three classes; photo i % 3 shows class i % 3, but every eighth label is wrong."""
    with open(path, "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "path", "label", "group", "split", "=site"])
        for i in range(96):
            name = LONG if i == 0 else f"<b>{i}</b>,\"x\"" if i == 1 else f"row {i}"
            label = LABELS[(i + (i % 8 == 0)) % 3]
            table.writerow([name, photos[i % len(photos)], label, f"g{i // 4}", "test" if i >= 84 else "train", f"</td>{i % 2}"])


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    from PIL import Image
    (folder / "photos").mkdir()
    names = []
    for i in range(96):
        noise = (i * 37) % 60
        Image.new("RGB", (40, 40), [(200 - noise, 40, 40), (40, 200 - noise, 40), (40, 40, 200 - noise)][i % 3]).save(folder / f"photos/{i}.png")
        names.append(f"{i}.png")
    write_table(folder / "samples.csv", names)
    done = runs.pleat(
        "prepare", "--table", folder / "samples.csv", "--images", folder / "photos", "--out", folder / "crops.h5", "--size", "32")
    assert done.returncode == 0, done.stdout
    config = runs.write_config(folder / "config.yaml", folder / "crops.h5", data=f"{{crops: {folder}/crops.h5, group: group}}", folds="{k: 3}",
                               models="[{id: a, name: resnet20}, {id: b, name: resnet20, lr: 1e-2}]",
                               train="{epochs: 3, batch: 16, lr: 3e-3}")
    done = runs.pleat("train", config, "--run", folder / "run")
    assert done.returncode == 0 and "run/report.html" in done.stdout, done.stdout
    return folder / "run/report.html"


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as library:
        browser = library.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, page_file):
    """The open page, in a browser without a network; the test fails on a message, an error, a dialog or a request."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, offline=True, accept_downloads=True)
    page, faults = context.new_page(), []
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    page.on("request", lambda request: faults.append(request.url) if not request.url.startswith(("data:", "blob:", page_file.as_uri())) else None)
    page.goto(page_file.as_uri())
    yield page
    assert not faults, faults
    context.close()


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_horizontal_scroll(page, width, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    for fold in page.locator("details").all():
        fold.evaluate("fold => { fold.open = true; }")
    page.locator("table.matrix button").first.click()
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light"), background


def test_text_of_users_stays_text(page):
    assert page.evaluate("window.hurt") is None and page.locator("img[src=x]").count() == 0 and page.locator("td b").count() == 0
    text = page.inner_text("main")
    assert all(label in text for label in LABELS), text[:2000]
    page.locator("table.matrix button").first.click()
    assert page.evaluate("window.hurt") is None and "very-long-" in page.content()


def test_every_link_leads_to_its_section(page):
    links = page.locator("nav a").all()
    assert [link.inner_text() for link in links] == ["Verdict", "Leaderboard", "Learning curves", "Confusion", "Classes and slices", "Suspect labels",
                                                     "Confidence", "Data"]
    for link in links:
        link.click()
        top = page.evaluate("id => document.getElementById(id).getBoundingClientRect().top", link.get_attribute("href")[1:])
        assert -5 <= top < 900, link.inner_text()


def test_cells_are_reached_by_keyboard_and_show_their_photos(page):
    first = page.locator("table.matrix button").first
    assert page.locator("table.matrix button[tabindex='0']").count() == 1
    first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    moved = page.evaluate("document.activeElement.dataset.cell")
    assert moved and moved != first.get_attribute("data-cell")
    page.keyboard.press("Enter")
    count = int(page.evaluate("document.activeElement.textContent"))
    found = page.locator("[data-examples='0'] .found li")
    assert found.count() == min(12, count), (moved, count)
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"


def test_curves_show_every_quantity(page):
    charts = page.locator(".curves")
    assert charts.count() == 2 and page.locator(".curves canvas").count() == 2
    for button in charts.first.locator(".panels button").all():
        button.focus()
        page.keyboard.press("Space")
        assert button.get_attribute("aria-pressed") == "true" and charts.first.locator("canvas").count() == 1
    assert charts.first.locator(".u-legend").inner_text().count("fold") == 3


def test_marks_become_a_table(page, tmp_path):
    boxes = page.locator("fieldset[data-suspect]")
    assert boxes.count() >= 2 and page.locator("#export").is_disabled()
    boxes.nth(0).locator("input[value=fix]").check()
    boxes.nth(1).locator("input[value=keep]").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")  # drop
    page.reload()  # the marks are still there
    assert page.locator("#marks").inner_text() == "2 labels are marked."
    menu = boxes.nth(0).locator("select")
    assert menu.locator("option").count() == 3
    with page.expect_download() as download:
        page.locator("#export").press("Enter")
    assert download.value.suggested_filename == "label_marks.csv"
    download.value.save_as(tmp_path / "marks.csv")
    rows = list(csv.DictReader(open(tmp_path / "marks.csv", newline="")))
    assert {row["mark"] for row in rows} == {"fix", "drop"} and all(row["target"] == "label" for row in rows)
    fixed = [row for row in rows if row["mark"] == "fix"]
    assert all(row["label"] in LABELS and row["label"] != row["given"] for row in fixed) and fixed
    assert all(row["label"] == "" for row in rows if row["mark"] == "drop")
    page.locator("#clear").click()
    assert page.locator("#export").is_disabled() and page.locator("input[value=fix]:checked").count() == 0


def test_it_prints(page, tmp_path):
    page.pdf(path=tmp_path / "page.pdf", format="A4")
    assert (tmp_path / "page.pdf").stat().st_size > 20_000


def test_it_is_small(page_file):
    assert page_file.stat().st_size < 3_000_000
