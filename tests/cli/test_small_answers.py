"""Answers of single options: versions, refused values, standard input, JSON everywhere."""

from __future__ import annotations

import io
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
def picture(save: Callable[..., Path], chelsea: np.ndarray) -> Path:
    return save(chelsea, "cat.jpg")


def test_version(assay: Run) -> None:
    assert assay("--version").out.startswith("assay 0.")


@pytest.mark.parametrize("strength", ["-1", "0", "4.1", "nan", "inf"])
def test_a_strength_out_of_range(assay: Run, picture: Path, tmp_path: Path, strength: str) -> None:
    outcome = assay(
        "watermark", "embed", picture, "-o", tmp_path / "out.jpg", "--strength", strength
    )
    assert outcome.code == 2
    assert "at most 4" in outcome.err
    assert not (tmp_path / "out.jpg").exists()


def test_a_marked_file_keeps_the_name_of_its_type(
    assay: Run, picture: Path, tmp_path: Path
) -> None:
    outcome = assay("watermark", "embed", picture, "-o", tmp_path / "out.png")
    assert outcome.code == 3
    assert "image/jpeg" in outcome.err
    assert not (tmp_path / "out.png").exists()


def test_a_folder_does_not_go_to_standard_output(assay: Run, picture: Path) -> None:
    assert assay("watermark", "embed", picture.parent, "-o", "-").code == 2
    assert not Path("-").exists()


def test_verify_reads_standard_input(
    assay: Run, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(picture.read_bytes())))
    [verification] = assay("verify", "-", "--json").documents
    assert verification["media"]["size"] == picture.stat().st_size
    assert verification["media"]["name"] == "standard input"


def test_verify_says_where_the_page_is(assay: Run, picture: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert f"report: {page}" in assay("verify", picture, "--html", page).out.replace("\n", "")


def test_a_page_does_not_go_below_a_file(assay: Run, picture: Path) -> None:
    outcome = assay("verify", picture, "--html", picture)
    assert outcome.code == 3
    assert "is a file" in outcome.err


def test_nothing_drifted(assay: Run, picture: Path, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline.json"
    assay("provenance", "drift", baseline, "--record", picture)
    assert "1 read, none changed" in assay("provenance", "drift", baseline).out
    missing = assay("provenance", "drift", tmp_path / "none.json")
    assert missing.code == 2
    assert "Errno" not in missing.err


def test_json_of_what_people_read(assay: Run, picture: Path) -> None:
    assert assay("provenance", "show", picture, "--json").documents[0]["state"] == "none"
    assay("sign", picture)
    schemas = [document["schema"] for document in assay("db", "upgrade", "--json").documents]
    assert "registry" in schemas


def test_the_mark_of_an_edit_is_kept_on_request(
    assay: Run, save: Callable[..., Path], astronaut: np.ndarray
) -> None:
    source = save(astronaut, "made.png")
    assert assay("sign", source).code == 0
    signed = source.with_name("made.signed.png")
    edited = np.asarray(Image.open(signed).convert("RGB")).copy()
    edited[:40, :40] = 200
    edit = save(edited, "edit.png")
    arguments = ["sign", edit, "--profile", "edited", "--parent", signed]

    refused = assay(*arguments)
    assert refused.code == 3
    assert "--no-watermark" in refused.err
    assert assay(*arguments, "--no-watermark").code == 0
    [verification] = assay("verify", edit.with_name("edit.signed.png"), "--json").documents
    assert verification["verdict"]["category"] == "generated"
