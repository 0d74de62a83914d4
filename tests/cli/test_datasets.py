"""`assay datasets` on real photographs and real edits of them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from assay.datasets.copy_edits import copy_edits

from ..command_line import Run

Pixels = NDArray[np.uint8]


def write(pixels: Pixels, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(pixels)).save(path)
    return path


def names(folder: Path, verdict: str) -> list[str]:
    return (folder / f"{verdict}.txt").read_text().splitlines()


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture
def photographs(
    astronaut: Pixels, chelsea: Pixels, coffee: Pixels, china: Pixels, flower: Pixels
) -> dict[str, Pixels]:
    return {
        "astronaut": astronaut,
        "chelsea": chelsea,
        "coffee": coffee,
        "china": china,
        "flower": flower,
    }


@pytest.fixture
def edited(photographs: dict[str, Pixels]) -> Callable[[str, str], Pixels]:
    backgrounds = [photographs[name] for name in ("astronaut", "china", "flower")]
    edits = copy_edits(backgrounds)
    return lambda edit, name: edits[edit](photographs[name], 3)


def test_deduplicate(
    assay: Run, tmp_path: Path, photographs: dict[str, Pixels], edited: Callable[[str, str], Pixels]
) -> None:
    folder, out = tmp_path / "set", tmp_path / "out"
    for name, pixels in photographs.items():
        write(pixels, folder / f"{name}.png")
    write(edited("jpeg-30", "astronaut")[::2, ::2], folder / "copies/small.jpg")
    write(edited("flip", "chelsea")[:290], folder / "copies/mirrored.png")
    write(edited("cut-50", "china"), folder / "copies/detail.png")
    (folder / "copies/again.png").write_bytes((folder / "flower.png").read_bytes())
    (folder / "broken.jpg").write_bytes((folder / "copies/small.jpg").read_bytes()[:900])
    (folder / "page.png").write_text("<html>")
    (folder / "caption.txt").write_text("a cat")

    outcome = assay("datasets", "deduplicate", folder, "-o", out, "--json")

    assert outcome.code == 0
    [report] = outcome.documents
    assert report["schema"] == "assay.deduplication/1"
    assert (report["counts"]["keep"], report["counts"]["clusters"]) == (5, 3)
    assert names(out, "keep") == [
        "astronaut.png",
        "chelsea.png",
        "china.png",
        "coffee.png",
        "copies/again.png",
    ]
    assert names(out, "look") == ["copies/detail.png"]
    assert names(out, "drop") == [
        "broken.jpg",
        "copies/mirrored.png",
        "copies/small.jpg",
        "flower.png",
        "page.png",
    ]
    reasons = {row["file"]: row["reason"] for row in table(out / "files.csv")}
    assert reasons["broken.jpg"] == "damaged-media"
    assert reasons["page.png"] == "unsupported-media"
    assert reasons["copies/detail.png"] == "copy-in-part"
    assert len(list(folder.rglob("*.*"))) == 12  # nothing was deleted


def test_pages_are_self_contained(
    assay: Run, tmp_path: Path, coffee: Pixels, edited: Callable[[str, str], Pixels]
) -> None:
    folder, out = tmp_path / "set", tmp_path / "out"
    write(coffee, folder / "<b>&.png")
    write(edited("jpeg-50", "coffee"), folder / "copy.png")
    out.mkdir()
    (out / "pairs-002.html").write_text("of an earlier run")

    assert assay("datasets", "deduplicate", folder, "-o", out, "--whole").code == 0

    page = (out / "pairs-001.html").read_text()
    assert page.count('src="data:image/jpeg;base64,') == 2
    assert "&lt;b&gt;&amp;.png" in page
    assert "<b>&" not in page
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    assert not (out / "pairs-002.html").exists()


def test_one_picture_has_no_duplicate(assay: Run, tmp_path: Path, coffee: Pixels) -> None:
    write(coffee, tmp_path / "set/coffee.png")

    outcome = assay(
        "datasets", "deduplicate", tmp_path / "set", "-o", tmp_path / "out", "--fail-on", "review"
    )

    assert outcome.code == 0
    assert not list((tmp_path / "out").glob("*.html"))


def test_whole_copies_only(
    assay: Run, tmp_path: Path, china: Pixels, edited: Callable[[str, str], Pixels]
) -> None:
    write(china, tmp_path / "set/a.png")
    write(edited("cut-50", "china"), tmp_path / "set/b.png")

    def pairs(*options: str) -> int:
        out = tmp_path / "out"
        assert assay("datasets", "deduplicate", tmp_path / "set", "-o", out, *options).code == 0
        return len(table(out / "pairs.csv"))

    assert (pairs(), pairs("--whole")) == (1, 0)


def test_animations_and_videos(assay: Run, tmp_path: Path, photographs: dict[str, Pixels]) -> None:
    folder = tmp_path / "set"
    stills = [
        Image.fromarray(pixels).resize((320, 240)) for pixels in list(photographs.values())[:4]
    ]
    folder.mkdir()
    stills[0].save(folder / "moving.gif", save_all=True, append_images=stills[1:], duration=1000)
    for name, rate in (("film.mp4", 1), ("shown-again.mp4", 1)):
        with av.open(str(folder / name), "w") as container:
            stream = container.add_stream("h264", rate=rate)
            stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
            stream.options = {"crf": "20" if name == "film.mp4" else "30"}
            for still in stills:
                container.mux(stream.encode(av.VideoFrame.from_image(still)))
            container.mux(stream.encode())
    stills[2].save(folder / "still.png")

    assert assay("datasets", "deduplicate", folder, "-o", tmp_path / "out").code == 0

    found = {(row["file"], row["of"]): row["whole"] for row in table(tmp_path / "out/pairs.csv")}
    assert found["shown-again.mp4", "film.mp4"] == "true"
    assert found["still.png", "film.mp4"] == "false"
    assert "still.png" in names(tmp_path / "out", "look")


def test_screen(
    assay: Run, tmp_path: Path, photographs: dict[str, Pixels], edited: Callable[[str, str], Pixels]
) -> None:
    originals, folder, out = tmp_path / "works", tmp_path / "set", tmp_path / "out"
    for name in ("astronaut", "chelsea", "coffee"):
        write(photographs[name], originals / f"{name}.png")
    registry = ("--registry", tmp_path / "registry.sqlite")
    add = ("registry", "add", *registry)
    assay(*add, originals / "astronaut.png", "--id", "w1", "--training-opt-out")
    assay(*add, originals / "chelsea.png", "--id", "w2", "--licence", "CC0-1.0")
    assay(*add, originals / "coffee.png", "--id", "w3", "--rights-holder", "A. Person")
    write(edited("app-screenshot", "astronaut"), folder / "screenshot.png")
    write(edited("jpeg-50", "astronaut"), folder / "reserved.png")
    write(edited("flip", "chelsea"), folder / "licensed.png")
    write(edited("rotate-3", "coffee"), folder / "theirs.png")
    write(photographs["flower"], folder / "mine.png")
    write(photographs["china"], folder / "forbidden.png")
    (folder / "cut.png").write_bytes((folder / "mine.png").read_bytes()[:2000])
    manifest = folder / "manifest.csv"
    rows = dict.fromkeys(("screenshot", "reserved", "licensed", "theirs", "mine"), "CC0-1.0")
    lines = [f"{name}.png,{licence}" for name, licence in rows.items()]
    manifest.write_text("\n".join(["path,licence", *lines, "forbidden.png,GPL-3.0-only"]))

    outcome = assay(
        *("datasets", "screen", folder, "-o", out, *registry, "--json"),
        *("--manifest", manifest, "--licence", "CC0-1.0", "--fail-on", "match"),
    )

    assert outcome.code == 1
    verdicts = {
        row["file"]: (row["verdict"], row["reason"], row["of"]) for row in table(out / "files.csv")
    }
    assert verdicts.pop("screenshot.png") == ("drop", "opted-out", "w1")
    assert verdicts == {
        "reserved.png": ("drop", "opted-out", "w1"),
        "licensed.png": ("keep", "licensed-work", "w2"),
        "theirs.png": ("drop", "registered-work", "w3"),
        "mine.png": ("keep", "", ""),
        "forbidden.png": ("drop", "licence", ""),
        "cut.png": ("drop", "damaged-media", ""),
    }
    assert outcome.documents[0]["counts"]["works"] == 3
    assert "A. Person" in (out / "pairs-001.html").read_text()


def test_screen_without_a_registry(assay: Run, tmp_path: Path, coffee: Pixels) -> None:
    write(coffee, tmp_path / "set/coffee.png")
    missing = tmp_path / "none.sqlite"

    outcome = assay(
        "datasets", "screen", tmp_path / "set", "-o", tmp_path / "out", "--registry", missing
    )

    assert outcome.code != 0
    assert "no registry" in outcome.err
    assert not missing.exists()


def test_licences_need_a_manifest(assay: Run, tmp_path: Path, coffee: Pixels) -> None:
    write(coffee, tmp_path / "set/coffee.png")

    outcome = assay(
        "datasets", "screen", tmp_path / "set", "-o", tmp_path / "out", "--licence", "MIT"
    )

    assert outcome.code == 2


def test_memorisation(
    assay: Run, tmp_path: Path, photographs: dict[str, Pixels], edited: Callable[[str, str], Pixels]
) -> None:
    training, generated, out = tmp_path / "training", tmp_path / "generated", tmp_path / "out"
    for name in ("astronaut", "chelsea", "coffee"):
        write(photographs[name], training / f"{name}.png")
    (training / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    write(edited("social-round-trip", "coffee"), generated / "1.png")
    write(edited("inset", "chelsea"), generated / "2.png")
    write(photographs["flower"], generated / "3.png")
    write(photographs["china"], generated / "4.png")

    outcome = assay(
        *("datasets", "memorisation", generated, "--training", training, "-o", out),
        *("--json", "--fail-on", "match"),
    )

    assert outcome.code == 1
    [report] = outcome.documents
    counts = report["counts"]
    assert (counts["generated"], counts["training"], counts["training_refused"]) == (4, 3, 1)
    found = {row["file"]: row["of"] for row in table(out / "pairs.csv")}
    assert found == {"1.png": "coffee.png", "2.png": "chelsea.png"}
    assert (counts["replicated"], counts["best_verify"], counts["replication_rate"]) == (1, 1, 0.25)
    assert counts["replicated_whole"] == 1
    page = (out / "pairs-001.html").read_text()
    assert page.count('src="data:image/jpeg;base64,') == 4


def test_datasheet(assay: Run, tmp_path: Path, coffee: Pixels, chelsea: Pixels) -> None:
    folder, sheet = tmp_path / "my set", tmp_path / "datasheet.md"
    write(coffee, folder / "a.png")
    write(coffee, folder / "b.png")
    write(chelsea, folder / "c.jpg")
    out = tmp_path / "out"
    assay("datasets", "deduplicate", folder, "-o", out)
    manifest = folder / "manifest.csv"
    manifest.write_text("path,label,licence\na.png,real,MIT\nb.png,real,\n")
    command = ("datasets", "datasheet", folder, "-o", sheet, "--manifest", manifest)

    assert assay(*command, "--report", out / "report.json").code == 0

    text = sheet.read_text()
    for row in (
        "# Datasheet: my set",
        "| files examined | 3 |",
        "| byte-for-byte copies of another file | 1 |",
        "| image/png | 2 |",
        "| MIT | 1 |",
        "| near-duplicate | 1 |",
    ):
        assert row in text
    sheet.write_text("answered")
    assert assay(*command).code == 3
    assert sheet.read_text() == "answered"
