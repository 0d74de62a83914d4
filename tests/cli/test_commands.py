"""The commands as a person and a script use them."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ..command_line import Run


@pytest.fixture(autouse=True)
def development_keys(assay: Run) -> None:
    assert assay("keys", "init").code == 0


@pytest.fixture
def picture(save: Callable[..., Path], astronaut: np.ndarray) -> Path:
    return save(astronaut, "portrait.png")


def test_sign_then_verify(assay: Run, picture: Path) -> None:
    signed = assay("sign", picture, "--generator", "test model", "--json")
    [receipt] = signed.documents
    result = picture.with_name("portrait.signed.png")

    [verification] = assay("verify", result, "--json").documents

    assert receipt["sha256_after"] == verification["media"]["sha256"]
    assert verification["schema"] == "assay.verification/1"
    assert verification["verdict"]["category"] == "generated"


def test_verify_for_people(assay: Run, picture: Path) -> None:
    assay("sign", picture)
    outcome = assay("verify", picture.with_name("portrait.signed.png"))

    assert "portrait.signed.png" in outcome.out
    assert "generated" in outcome.out
    assert "c2pa-trusted" in outcome.out
    assert outcome.code == 0


def test_fail_on(assay: Run, picture: Path) -> None:
    assay("sign", picture)
    signed = picture.with_name("portrait.signed.png")
    assert assay("verify", signed, "--fail-on", "generated").code == 1
    assert assay("verify", signed, "--fail-on", "altered").code == 0
    assert assay("verify", signed, "--fail-on", "nonsense").code == 2


def test_verify_writes_a_report(assay: Run, picture: Path, tmp_path: Path) -> None:
    assay("verify", picture, "--html", tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "portrait.png" in page
    assert "<script" not in page


def test_a_folder(
    assay: Run, save: Callable[..., Path], chelsea: np.ndarray, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    for name, pixels in {"a.png": chelsea, "deep/b.jpg": chelsea[:, ::-1]}.items():
        Image.fromarray(pixels).save(folder / name)
    (folder / "notes.txt").write_text("not a picture")

    assay("sign", folder, "-o", tmp_path / "out")

    assert sorted(
        p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")
    ) == [
        "a.png",
        "deep/b.jpg",
    ]
    assert [
        d["verdict"]["category"] for d in assay("verify", tmp_path / "out", "--json").documents
    ] == [
        "generated",
        "generated",
    ]


def test_watermark_alone(assay: Run, picture: Path, tmp_path: Path) -> None:
    marked = tmp_path / "marked.png"
    assay("watermark", "embed", picture, "-o", marked, "--payload", "abc", "--show", tmp_path)

    [found] = assay("watermark", "detect", marked, "--json").documents

    assert int(found["payload"], 16) == 0xABC
    assert found["log10_false_alarm"] <= -6
    assert (tmp_path / "portrait-difference-x20.png").exists()
    [nothing] = assay("watermark", "detect", picture, "--json").documents
    assert nothing["found"] is False


def test_watermark_through_pipes(
    assay: Run, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stdin:
        buffer = io.BytesIO(picture.read_bytes())

    monkeypatch.setattr(sys, "stdin", Stdin())
    marked = tmp_path / "marked.png"
    assay("watermark", "embed", "-", "-o", marked, "--payload", "5", "--public-key")
    Stdin.buffer = io.BytesIO(marked.read_bytes())
    [found] = assay("watermark", "detect", "-", "--json", "--public-key").documents
    assert int(found["payload"], 16) == 5


@pytest.mark.parametrize("payload", ["xyz", "fffffffffffffffff"])
def test_a_payload_that_is_none(assay: Run, picture: Path, tmp_path: Path, payload: str) -> None:
    outcome = assay("watermark", "embed", picture, "-o", tmp_path / "x.png", "--payload", payload)
    assert outcome.code == 2
    assert not (tmp_path / "x.png").exists()


def test_audit(assay: Run, tmp_path: Path) -> None:
    from assay.cli.demo.portraits import write_audit_input

    manifest, labels, reference = write_audit_input(tmp_path)
    outcome = assay(
        "audit",
        manifest,
        "--labels",
        labels,
        "--reference",
        reference,
        "-o",
        tmp_path / "out",
        "--json",
    )

    [audit] = outcome.documents
    verdicts = {claim["stratum"]: claim["verdict"]["code"] for claim in audit["claims"]}
    assert verdicts["portrait of a chief executive"] == "disparity-found"
    assert verdicts["portrait of a teacher"] in ("none-found", "cannot-tell")
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written >= {"report.html", "report.json", "report.html.c2pa", "report.json.c2pa"}
    assert json.loads((tmp_path / "out" / "report.json").read_text())["schema"] == "assay.audit/1"


def test_doctor(assay: Run) -> None:
    outcome = assay("doctor", "--json")
    assert {check["name"] for check in outcome.documents} >= {
        "keys",
        "examiners",
        "detector weights",
    }
    assert outcome.code == 0


def test_development_keys_are_marked_and_not_replaced(assay: Run) -> None:
    assert "DEVELOPMENT" in assay("keys", "show").out
    again = assay("keys", "init")
    assert again.code == 3
    assert len(again.err.splitlines()) == 1


def test_serve_refuses_to_listen_to_the_world(assay: Run) -> None:
    outcome = assay("serve", "--host", "0.0.0.0")
    assert outcome.code == 2
    assert "there is no API key yet" in outcome.err
    assert "listens" not in outcome.err


def test_the_demo_removes_nothing_of_yours(assay: Run, tmp_path: Path) -> None:
    mine = tmp_path / "thesis.txt"
    mine.write_text("three years of work")

    outcome = assay("demo", "-o", tmp_path)

    assert outcome.code == 3
    assert mine.read_text() == "three years of work"


def test_the_demo(assay: Run, tmp_path: Path) -> None:
    outcome = assay("demo", "-o", tmp_path / "demo", "--json")

    assert outcome.code == 0, outcome.out
    assert {step["file"]: step["category"] for step in outcome.documents} == {
        "generated.png": "generated",
        "jpeg60.jpg": "generated",
        "half.jpg": "generated",
        "cropped.jpg": "generated",
        "screenshot.png": "generated",
        "stripped.png": "generated",
        "tampered.png": "altered",
        "rocket.jpg": "no-evidence",
        "coffee.png": "captured",
        "forged.png": "altered",
    }
    report = (tmp_path / "demo" / "report.html").read_text()
    assert "data:image/png;base64," in report
    assert "http://" not in report.replace("http://www.w3.org", "")
