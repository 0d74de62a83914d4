"""The page in a real browser, and without one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

import assay
from assay.encoding import encode_png

CHROMIUM = next(
    (
        path
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (path := shutil.which(name))
    ),
    None,
)


@pytest.fixture
def browser() -> Iterator[object]:
    """Headless Chromium; its absence is an error where `ASSAY_REQUIRE_BROWSER` is set."""
    if CHROMIUM is None:
        if os.environ.get("ASSAY_REQUIRE_BROWSER"):
            pytest.fail("ASSAY_REQUIRE_BROWSER is set and no Chromium is installed")
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update"],
        )
        yield running
        running.close()


def test_a_person_drops_a_picture_and_reads_the_result(
    server: str, browser: object, astronaut: np.ndarray, tmp_path: Path
) -> None:
    upload = tmp_path / "from-a-generator.png"
    upload.write_bytes(assay.sign(astronaut).media.data)
    page = browser.new_page()  # type: ignore[attr-defined]
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text))
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))

    page.goto(server)
    page.get_by_label("Drop a picture here").set_input_files(upload)
    assert page.get_by_role("status").inner_text() == "Chosen: from-a-generator.png"
    page.get_by_role("button", name="Examine").click()

    assert page.get_by_role("heading", level=1).inner_text() == "Made with generative AI"
    assert "from-a-generator.png" in page.inner_text("body")
    assert page.get_by_role("link", name="examine another picture").is_visible()
    assert errors == []
    assert all(url.startswith((server, "data:", "blob:")) for url in requests)


def test_a_refusal_is_announced(server: str, browser: object, tmp_path: Path) -> None:
    upload = tmp_path / "letter.png"
    upload.write_text("Dear newsroom")
    page = browser.new_page()  # type: ignore[attr-defined]

    page.goto(server)
    page.get_by_label("Drop a picture here").set_input_files(upload)
    page.get_by_role("button", name="Examine").click()

    assert "Not examined" in page.get_by_role("alert").inner_text()


def test_the_form_works_without_javascript(client: httpx.Client, chelsea: np.ndarray) -> None:
    assert "multipart/form-data" in client.get("/").text
    response = client.post("/", files={"file": ("cat.png", encode_png(chelsea))})
    assert response.status_code == 200
    assert "cat.png" in response.text


def test_a_hostile_file_name_is_escaped(client: httpx.Client, chelsea: np.ndarray) -> None:
    name = "<img src=x onerror=alert(1)>.png"
    response = client.post("/", files={"file": (name, encode_png(chelsea))})
    assert "<img src=x" not in response.text
    assert "&lt;img src=x" in response.text


def test_the_report_may_run_nothing(client: httpx.Client, chelsea: np.ndarray) -> None:
    response = client.post("/", files={"file": ("cat.png", encode_png(chelsea))})
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "script-src" not in response.headers["content-security-policy"]
