"""The pages in a real browser, with and without JavaScript, and read by axe."""

from __future__ import annotations

import io
import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, PngImagePlugin
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from assay.api.access.keys import KeyStore
from assay.api.pages.taking_in import MOST_FILES
from assay.api.records import open_database
from assay.encoding import encode_jpeg, encode_png
from assay.reports.sealing import verify_report
from assay.settings import settings

expect.set_options(timeout=60_000)  # the first examination waits for a child process to start

PAGES = ("/", "/verifications", "/sign", "/works", "/audits", "/status", "/sign-in", "/docs")
RESULT = re.compile("/verifications/[0-9a-f]{32}$")
PAYLOAD = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>\'"{{7*7}}'
CHROMIUM = next(
    (
        path
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (path := shutil.which(name))
    ),
    None,
)


@pytest.fixture(scope="module")  # Playwright holds the thread's event loop while it runs
def browser() -> Iterator[Browser]:
    """Headless Chromium; its absence is an error where `ASSAY_REQUIRE_BROWSER` is set."""
    if CHROMIUM is None:
        if os.environ.get("ASSAY_REQUIRE_BROWSER"):
            pytest.fail("ASSAY_REQUIRE_BROWSER is set and no Chromium is installed")
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update"],
        )
        yield running
        running.close()


@pytest.fixture
def context(browser: Browser, service: Any) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=service.address, viewport={"width": 1200, "height": 900})
    context.set_default_timeout(30_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots are kept: the folder `ASSAY_SCREENSHOTS`, or a temporary one."""
    chosen = os.environ.get("ASSAY_SCREENSHOTS")
    folder = Path(chosen) if chosen else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def results(service: Any, astronaut: np.ndarray, coffee: np.ndarray) -> dict[str, str]:
    """Addresses of finished verifications: signed, a stripped copy, a crop of a known work."""
    with httpx.Client(base_url=service.address, timeout=60) as client:

        def post(path: str, data: bytes, name: str, **fields: str) -> httpx.Response:
            return client.post(
                path, files={"file": (name, data)}, data=fields, headers={"Prefer": "wait=60"}
            ).raise_for_status()

        signed = post("/v1/signatures", encode_png(astronaut), "portrait.png", title="Portrait")
        with Image.open(io.BytesIO(signed.content)) as picture:
            copy = encode_jpeg(np.asarray(picture.convert("RGB")), 70)
        form = {"title": "A cup on a table", "keep_picture": "true"}
        files = {"file": ("cup.png", encode_png(coffee))}
        assert client.post("/works", data=form, files=files).status_code == 303
        sent = {
            "signed": (signed.content, "portrait.png"),
            "copy": (copy, "stripped copy.jpg"),
            "crop": (encode_jpeg(coffee[50:350, 100:500], 85), "crop.jpg"),
        }
        return {
            name: "/verifications/"
            + post("/v1/verifications", data, title).headers["assay-verification-id"]
            for name, (data, title) in sent.items()
        }


def watch(page: Page) -> list[str]:
    """Everything that goes wrong in a page."""
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: (wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
    return wrong


def drop(page: Page, *files: Path) -> None:
    page.goto("/")
    page.get_by_label("Drop pictures here").set_input_files(list(files))
    page.get_by_role("button", name="Examine").click()


@pytest.fixture
def cat(chelsea: np.ndarray, tmp_path: Path) -> Path:
    path = tmp_path / "cat.jpg"
    path.write_bytes(encode_jpeg(chelsea, 90))
    return path


def test_a_person_drops_a_picture_and_reads_the_result(
    page: Page, service: Any, cat: Path, shots: Path
) -> None:
    wrong = watch(page)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))

    page.goto("/")
    page.get_by_label("Drop pictures here").set_input_files(cat)
    expect(page.get_by_role("status")).to_have_text("Chosen: cat.jpg")
    page.screenshot(path=shots / "home.png", full_page=True)
    page.get_by_role("button", name="Examine").click()

    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("No evidence of how it was made")
    expect(heading).to_be_focused()
    expect(page).to_have_url(RESULT)
    expect(page.get_by_text("cat.jpg", exact=True)).to_be_visible()
    expect(page.get_by_alt_text("The examined picture, reduced").first).to_be_visible()
    assert wrong == []
    assert all(url.startswith((service.address, "data:", "blob:")) for url in requests)


def test_progress_is_told_while_it_happens(page: Page, service: Any, cat: Path) -> None:
    """With the events of the service held back, the page shows the examiners that wait."""
    page.route("**/progress", lambda route: route.abort())
    drop(page, cat)
    expect(page.get_by_role("heading", level=1)).to_have_text("Examining cat.jpg")
    expect(page.get_by_text("Invisible watermark")).to_be_visible()
    page.unroute("**/progress")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("No evidence of how it was made")


def test_progress_comes_as_parts_of_a_page(service: Any, chelsea: np.ndarray) -> None:
    with httpx.Client(base_url=service.address, timeout=60) as client:
        files = {"files": ("cat.jpg", encode_jpeg(chelsea, 88))}
        address = client.post("/verifications", files=files).headers["location"]
        with client.stream("GET", f"{address}/progress") as stream:
            lines = list(stream.iter_lines())
    assert "event: finished" in lines
    assert any("Invisible watermark" in line for line in lines)


def test_several_files(page: Page, cat: Path, tmp_path: Path, coffee: np.ndarray) -> None:
    cup = tmp_path / "cup.png"
    cup.write_bytes(encode_png(coffee))
    drop(page, cat, cup)
    expect(page.get_by_role("heading", level=1)).to_have_text("Verifications")
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="cat.jpg").first).to_contain_text("No evidence")
    expect(rows.filter(has_text="cup.png").first).to_be_visible()


@pytest.fixture
def three(cat: Path, tmp_path: Path, coffee: np.ndarray) -> list[Path]:
    """A picture, a file that is none, and another picture."""
    garbage, cup = tmp_path / "garbage.jpg", tmp_path / "cup.png"
    garbage.write_bytes(b"nothing that could be a picture")
    cup.write_bytes(encode_png(coffee[:200, :200]))
    return [cat, garbage, cup]


@pytest.mark.parametrize("scripts", [True, False])
def test_one_bad_file_among_several_is_named_and_stops_no_other(
    browser: Browser, service: Any, three: list[Path], shots: Path, scripts: bool
) -> None:
    context = browser.new_context(base_url=service.address, java_script_enabled=scripts)
    page = context.new_page()
    drop(page, *three)
    if scripts:
        told = page.get_by_role("listitem").filter(has_text="garbage.jpg")
        expect(told).to_contain_text("garbage.jpg — not examined: not a picture")
        expect(page.get_by_role("status")).to_contain_text("1 of 3 not examined: garbage.jpg.")
        expect(page.get_by_role("button", name="Examine")).to_be_enabled()
        page.screenshot(path=shots / "batch.png", full_page=True)
        page.get_by_role("link", name="See the 2 accepted").click()
    else:
        expect(page.get_by_role("heading", level=1)).to_have_text("1 of 3 files is not examined")
        expect(page.get_by_role("alert")).to_contain_text("garbage.jpg: not a picture")
        expect(page.get_by_role("link", name="cat.jpg")).to_be_visible()
        page.screenshot(path=shots / "batch-without-scripts.png", full_page=True)
        page.get_by_role("link", name="cup.png").click()
        expect(page).to_have_url(RESULT)
        page.goto("/verifications")
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="cat.jpg").first).to_be_visible()
    expect(rows.filter(has_text="cup.png").first).to_be_visible()
    context.close()


def test_a_service_that_is_away_is_said_and_asked_again(
    page: Page, three: list[Path], service: Any
) -> None:
    page.goto("/")
    page.route("**/verifications", lambda route: route.abort())
    page.get_by_label("Drop pictures here").set_input_files([three[0], three[2]])
    button = page.get_by_role("button", name="Examine")
    button.click()
    expect(page.get_by_role("status")).to_contain_text("2 of 2 not examined: cat.jpg, cup.png.")
    expect(page.get_by_text("The service does not answer.")).to_have_count(2)
    page.unroute("**/verifications")
    button.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Verifications")


def test_more_files_than_are_taken_at_once_are_said(service: Any, cat: Path) -> None:
    bad, good = b"nothing", cat.read_bytes()
    files = [("files", (f"{n}.jpg", good if n == 7 else bad)) for n in range(MOST_FILES + 2)]
    answer = httpx.post(f"{service.address}/verifications", files=files, timeout=60)
    assert answer.status_code == 200
    assert f"{MOST_FILES + 1} of {MOST_FILES + 2} files are not examined" in answer.text
    assert f"2 over the limit of {MOST_FILES} files at once" in answer.text
    assert f"<li>{MOST_FILES + 1}.jpg</li>" in answer.text
    alone = httpx.post(f"{service.address}/verifications", files=files[:1], timeout=60)
    assert alone.status_code == 415
    assert "0.jpg: not a picture" in alone.text


def test_it_works_without_javascript(
    browser: Browser, service: Any, cat: Path, tmp_path: Path
) -> None:
    letter = tmp_path / "letter.png"
    letter.write_text("Dear newsroom")
    context = browser.new_context(base_url=service.address, java_script_enabled=False)
    page = context.new_page()
    drop(page, letter)
    expect(page.get_by_role("alert")).to_contain_text("Not examined.")
    drop(page, cat)
    expect(page.get_by_role("heading", level=1)).to_have_text("No evidence of how it was made")
    page.get_by_text("What stands behind the score").click()
    page.get_by_role("link", name="Heat map, spectrum").click()
    expect(page.get_by_alt_text("Spectrum against real pictures")).to_be_visible()
    context.close()


def test_a_refusal_is_announced(page: Page, tmp_path: Path, shots: Path) -> None:
    letter = tmp_path / "letter.png"
    letter.write_text("Dear newsroom")
    drop(page, letter)
    expect(page.get_by_role("alert")).to_contain_text("not a picture, video or document")
    page.screenshot(path=shots / "refusal.png", full_page=True)


def test_a_damaged_file_is_explained(page: Page, cat: Path) -> None:
    cat.write_bytes(cat.read_bytes()[:3000])
    drop(page, cat)
    expect(page.get_by_role("heading", level=1)).to_have_text("cat.jpg was not examined")
    expect(page.get_by_role("alert")).to_be_visible()


def test_the_result_of_a_signed_file(page: Page, results: dict[str, str], shots: Path) -> None:
    page.goto(results["signed"])
    expect(page.get_by_role("heading", level=1)).to_have_text("Made with generative AI")
    credentials = page.get_by_role("region", name="Content Credentials and signatures")
    expect(credentials.get_by_text("their signer is on the trust list").first).to_be_visible()
    tree = credentials.get_by_role("list", name="What it was made from")
    expect(tree).to_be_hidden()
    credentials.get_by_text("History of the file").click()
    expect(tree.get_by_text("Portrait")).to_be_visible()
    expect(credentials.get_by_text("Created by AI")).to_be_visible()
    preview = tree.locator("img")
    assert preview.evaluate("img => img.decode().then(() => img.naturalWidth)") == 256
    page.screenshot(path=shots / "result-signed.png", full_page=True)


def test_a_stripped_copy_beside_its_original(
    page: Page, results: dict[str, str], shots: Path
) -> None:
    page.goto(results["copy"])
    original = page.get_by_alt_text("The signed original, reduced")
    original.scroll_into_view_if_needed()
    assert original.evaluate("img => img.decode().then(() => img.naturalWidth)") == 256
    page.get_by_text("Content Credentials of the original").click()
    expect(page.get_by_text("They vouch for that file byte for byte")).to_be_visible()
    expect(page.get_by_text("made by AI").first).to_be_visible()
    page.get_by_text("The manifest as JSON").click()
    expect(page.get_by_label("Manifest of the original")).to_contain_text("c2pa.actions")
    page.screenshot(path=shots / "result-copy.png", full_page=True)


def test_the_part_of_a_known_work_is_framed(
    page: Page, results: dict[str, str], shots: Path
) -> None:
    page.goto(results["crop"])
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Matches a known work: “A cup on a table”. No evidence of how it was made."
    )
    drawing = page.get_by_role("img", name=re.compile("The frame holds the part"))
    _, _, width, height = map(float, drawing.get_attribute("viewBox").split())  # type: ignore[union-attr]
    frame = drawing.locator("rect.frame").last
    told = {name: float(frame.get_attribute(name) or 0) for name in ("x", "y", "width", "height")}
    # The crop is [50:350, 100:500] of a work of 600x400.
    assert told["x"] / width == pytest.approx(100 / 600, abs=0.02)
    assert told["y"] / height == pytest.approx(50 / 400, abs=0.02)
    assert told["width"] / width == pytest.approx(400 / 600, abs=0.02)
    assert told["height"] / height == pytest.approx(300 / 400, abs=0.02)
    expect(drawing.locator("image")).to_have_count(1)
    page.get_by_text("What stands behind the score").click()
    expect(page.get_by_alt_text("Where the score comes from")).to_be_visible()
    expect(page.get_by_text("Exploratory maps.")).to_be_visible()
    page.screenshot(path=shots / "result-crop.png", full_page=True)


def test_the_report_to_take_away(service: Any, results: dict[str, str], tmp_path: Path) -> None:
    answer = httpx.get(f"{service.address}{results['signed']}/report.zip", timeout=60)
    assert answer.headers["content-disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        packed.extractall(tmp_path)
    for name in ("report.html", "report.json"):
        # Signed by the development root of the service, which nobody here trusts.
        assert verify_report(tmp_path / name).state == "valid"
    (tmp_path / "report.json").write_text("{}")
    assert verify_report(tmp_path / "report.json").state == "invalid"


def test_deleting_is_asked_for_twice(page: Page, service: Any, cat: Path) -> None:
    drop(page, cat)
    expect(page).to_have_url(RESULT)
    expect(page.get_by_role("heading", level=1)).to_have_text("No evidence of how it was made")
    address = page.url
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("link", name="Keep it").click()
    assert page.url == address
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Verifications")
    gone = page.goto(address)
    assert gone is not None
    assert gone.status == 404
    expect(page.get_by_role("alert")).to_contain_text("No verification")


def test_hostile_text_is_only_text(page: Page, service: Any, china: np.ndarray) -> None:
    """In file name, EXIF, XMP, PNG text, prompt, and the title and generator of a manifest."""
    fields = PngImagePlugin.PngInfo()
    for key in ("parameters", "prompt", "Description", "Software", PAYLOAD[:79]):
        fields.add_text(key, PAYLOAD)
    exif = Image.Exif()
    exif.update({270: PAYLOAD, 271: PAYLOAD, 305: PAYLOAD, 315: PAYLOAD})
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-'
        'rdf-syntax-ns#"><rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        'xmp:CreatorTool="&lt;script&gt;window.hit=1&lt;/script&gt;"/></rdf:RDF></x:xmpmeta>'
    )
    fields.add_itxt("XML:com.adobe.xmp", xmp)
    buffer = io.BytesIO()
    Image.fromarray(china).save(buffer, "PNG", pnginfo=fields, exif=exif)
    wrong = watch(page)
    page.goto("/sign")
    upload = {"name": PAYLOAD + ".png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    page.get_by_label("Picture or video").set_input_files(upload)  # type: ignore[arg-type]
    page.get_by_label("Title").fill(PAYLOAD)
    page.get_by_label("Name of the model or tool").fill(PAYLOAD)
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("is signed")
    expect(page.get_by_text("Its credentials say: made by AI. The signer is")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the signed file").click()
    signed = Path(download.value.path()).read_bytes()

    page.goto("/")
    upload = {"name": PAYLOAD + ".png", "mimeType": "image/png", "buffer": signed}
    page.get_by_label("Drop pictures here").set_input_files(upload)  # type: ignore[arg-type]
    page.get_by_role("button", name="Examine").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Made with generative AI")
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    expect(page.get_by_role("list", name="What it was made from")).to_contain_text("onerror")
    page.wait_for_timeout(300)
    result = page.url
    for address in (result, result + "/explanation", result + "/delete", "/", "/verifications"):
        shown = page.goto(address)
        assert shown is not None
        policy = shown.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert page.evaluate("window.hit") is None
        assert page.locator("img[src=x]").count() == 0
    assert [text for text in wrong if "dialog" in text or "Refused" in text] == []
    report = httpx.get(result.replace("/verifications/", "/v1/verifications/") + "/report.html")
    assert "<script" not in report.text


def test_the_policy_stops_what_would_slip_through(page: Page, results: dict[str, str]) -> None:
    """Defence in depth: markup that got into a page after all runs nothing."""
    page.goto(results["signed"])
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', "
        '\'<img src=/nothing onerror="window.hit=1"><a id=evil href="javascript:hit=1">x</a>\')'
    )
    page.locator("#evil").click()
    page.wait_for_timeout(300)
    assert page.evaluate("window.hit") is None


def test_pictures_are_drawn_anew(service: Any, results: dict[str, str]) -> None:
    for name in ("thumbnail", "manifest-0"):
        answer = httpx.get(f"{service.address}{results['signed']}/pictures/{name}.png")
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert b"c2pa" not in answer.content
    for name in ("manifest-99", "../report", "nothing"):
        answer = httpx.get(f"{service.address}{results['signed']}/pictures/{name}.png")
        assert answer.status_code == 404


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 320)])
def test_axe_finds_nothing_and_nothing_overflows(
    browser: Browser, service: Any, results: dict[str, str], shots: Path, scheme: Any, width: int
) -> None:
    context = browser.new_context(
        base_url=service.address,
        color_scheme=scheme,
        reduced_motion="reduce",
        viewport={"width": width, "height": 900},
    )
    page = context.new_page()
    for address in (*PAGES, *results.values(), results["signed"] + "/delete", "/nothing-here"):
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        if address == results["crop"]:
            expect(page.get_by_text("Exploratory maps.")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        found = Axe().run(page, options={"runOnly": AXE_RULES})
        assert found.violations_count == 0, (address, found.generate_report())
        name = "home" if address == "/" else address.strip("/").replace("/", "-")[:24]
        page.screenshot(path=shots / f"{name}-{scheme}-{width}.png", full_page=True)
    context.close()


AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def test_axe_would_find_something(page: Page) -> None:
    page.goto("/status")
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=x>')")
    found = Axe().run(page, options={"runOnly": AXE_RULES})
    assert [one["id"] for one in found.response["violations"]] == ["image-alt"]


def test_an_unknown_address_is_a_page_for_people(page: Page, service: Any) -> None:
    page.goto("/nothing-here")
    expect(page.get_by_role("alert")).to_be_visible()
    answer = httpx.get(f"{service.address}/nothing-here")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_keyboard_is_enough(page: Page, cat: Path) -> None:
    # Listened for from the start: a chooser that opens before anyone listens is lost.
    page.on("filechooser", lambda chooser: chooser.set_files(cat))
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Drop pictures here")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Chosen: cat.jpg")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("No evidence of how it was made")
    summary = page.get_by_text("What stands behind the score")
    for _ in range(30):
        page.keyboard.press("Tab")
        if summary.evaluate("each => each === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_alt_text("Spectrum against real pictures")).to_be_visible()


def test_works_are_registered_matched_and_removed(
    page: Page, flower: np.ndarray, tmp_path: Path, shots: Path
) -> None:
    work, crop = tmp_path / "flower.png", tmp_path / "crop.jpg"
    work.write_bytes(encode_png(flower))
    crop.write_bytes(encode_jpeg(flower[40:380, 60:560], 80))
    page.goto("/works")
    form = page.locator("form[action='/works']")
    form.get_by_label("Picture or video of the work").set_input_files(work)
    form.get_by_label("Title").fill("A flower")
    form.get_by_label("Terms of use").fill("Ask first")
    form.get_by_label("Valid until").fill("2099-12-31")
    form.get_by_role("button", name="Register").click()
    expect(page.get_by_role("status")).to_contain_text("A flower is registered.")
    expect(page.get_by_role("row").filter(has_text="A flower")).to_be_visible()
    page.screenshot(path=shots / "works.png", full_page=True)
    page.locator("form[action='/works/match'] input[type=file]").set_input_files(crop)
    page.get_by_role("button", name="Look it up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "crop.jpg resembles 1 registered work"
    )
    shown = page.get_by_alt_text("What was examined, reduced")
    assert shown.evaluate("img => img.decode().then(() => img.naturalWidth)") == 500
    expect(page.get_by_role("img", name=re.compile("The frame holds the part"))).to_be_visible()
    expect(page.get_by_text("until 2099-12-31 23:59 UTC")).to_be_visible()
    expect(page.get_by_text("Ask first")).to_be_visible()
    page.screenshot(path=shots / "work-matches.png", full_page=True)
    page.goto("/works")
    page.get_by_role("link", name="Remove A flower…").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("row").filter(has_text="A flower")).to_have_count(0)


def test_the_reference_of_the_api_is_a_page(page: Page, service: Any, shots: Path) -> None:
    wrong = watch(page)
    page.goto("/")
    page.get_by_role("link", name="API").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The API")
    expect(page.locator("details")).to_have_count(
        sum(map(len, httpx.get(f"{service.address}/openapi.json").json()["paths"].values()))
    )
    page.get_by_text("POST /v1/works").click()
    expect(page.get_by_text("Register a work")).to_be_visible()
    expect(page.get_by_label("Answer 201 of POST /v1/works")).to_contain_text("A cup on a table")
    page.screenshot(path=shots / "reference.png")
    assert wrong == []


def test_an_audit_from_form_to_report(
    page: Page, chelsea: np.ndarray, tmp_path: Path, shots: Path
) -> None:
    path = tmp_path / "audit.zip"
    with zipfile.ZipFile(path, "w") as packed:
        rows = ["path,prompt,seed"], ["path,attribute,value,rater"]
        for number in range(40):
            packed.writestr(f"{number}.jpg", encode_jpeg(np.roll(chelsea, number, 1)[::4, ::4], 70))
            rows[0].append(f"{number}.jpg,a nurse,{number}")
            rows[1].append(f"{number}.jpg,gender,{'woman' if number % 4 else 'man'},r1")
        packed.writestr("manifest.csv", "\n".join(rows[0]))
        packed.writestr("labels.csv", "\n".join(rows[1]))
        packed.writestr("reference.csv", "attribute,value,share\ngender,woman,0.5\ngender,man,0.5")
    page.goto("/audits")
    page.get_by_label("ZIP of the pictures").set_input_files(path)
    page.get_by_label("Title").fill("Nurses")
    page.get_by_role("button", name="Start the audit").click()
    expect(page.get_by_role("link", name="Open the report alone")).to_be_visible()
    report = page.frame_locator("iframe[title='The audit report']")
    expect(report.get_by_role("heading", level=1)).to_be_visible()
    page.screenshot(path=shots / "audit.png", full_page=True)


@pytest.fixture
def desk(closed_service: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """A key of the service that asks who calls."""
    monkeypatch.setenv("ASSAY_HOME", str(closed_service.home))
    settings.cache_clear()
    _, key = KeyStore(open_database()).create("desk", ["verify"])
    return key


def test_signing_in_and_out(
    browser: Browser, closed_service: Any, desk: str, shots: Path, cat: Path
) -> None:
    context = browser.new_context(base_url=closed_service.address)
    page = context.new_page()
    page.goto("/status")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.screenshot(path=shots / "sign-in.png", full_page=True)
    page.get_by_label("API key").fill("assay_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Not signed in.")
    page.get_by_label("API key").fill(desk)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(closed_service.address + "/status")
    page.goto("/sign")
    expect(page.get_by_role("alert")).to_contain_text("scope")
    drop(page, cat)
    expect(page.get_by_role("heading", level=1)).to_have_text("Examining cat.jpg")
    page.get_by_role("button", name="Sign out").click()
    page.goto("/status")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    context.close()


def test_a_form_without_its_token_changes_nothing(
    closed_service: Any, desk: str, cat: Path
) -> None:
    with httpx.Client(base_url=closed_service.address) as client:
        client.post("/sign-in", data={"key": desk})
        home = client.get("/").text
        token = re.search(r'name="csrf_token" value="([0-9a-f]{64})"', home)
        assert token
        files = {"files": ("cat.jpg", cat.read_bytes())}
        forged = client.post("/verifications", files=files)
        assert forged.status_code == 403
        assert "Not possible" in forged.text or "token" in forged.text
        sent = client.post("/verifications", files=files, data={"csrf_token": token[1]})
        assert sent.status_code == 303
        address = sent.headers["location"]
        assert client.post(f"{address}/delete").status_code == 403
        assert client.get(address).status_code == 200
        deleted = client.post(f"{address}/delete", data={"csrf_token": token[1]})
        assert deleted.status_code == 303
        assert client.get(address).status_code == 404


def test_a_link_is_shared_and_deleting_is_not(closed_service: Any, desk: str, cat: Path) -> None:
    _, other = KeyStore(open_database()).create("other desk", ["verify"])
    mine = {"Authorization": f"Bearer {desk}"}
    theirs = {"Authorization": f"Bearer {other}"}
    with httpx.Client(base_url=closed_service.address) as client:
        files = {"files": ("cat.jpg", cat.read_bytes())}
        address = client.post("/verifications", files=files, headers=mine).headers["location"]
        assert client.get(address, headers=theirs).status_code == 200
        assert client.post(f"{address}/delete", headers=theirs).status_code == 404
        assert "cat.jpg" not in client.get("/verifications", headers=theirs).text
        assert client.get(address).headers["location"].startswith("/sign-in")
