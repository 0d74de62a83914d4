"""Names and places that break careless programs: sources survive, batches go on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ..command_line import Run


@pytest.fixture
def picture(save: Callable[..., Path], chelsea: np.ndarray) -> Path:
    return save(chelsea, "cat.png")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_source_is_never_the_result(assay: Run, picture: Path) -> None:
    assay("keys", "init")
    before = digest(picture)
    around = picture.parent / "sub" / ".." / picture.name
    (picture.parent / "sub").mkdir()

    for arguments in (
        ("sign", picture, "-o", picture, "--overwrite"),
        ("sign", around, "-o", picture, "--overwrite"),
        ("sign", picture.parent, "-o", picture.parent, "--overwrite"),
        ("watermark", "embed", picture, "-o", picture, "--overwrite"),
    ):
        outcome = assay(*arguments)
        assert outcome.code == 3, arguments
        assert "is the source" in outcome.err
    assert digest(picture) == before


def test_a_report_never_replaces_a_picture(assay: Run, picture: Path) -> None:
    before = digest(picture)
    assay("verify", picture, "--html", picture)
    assert digest(picture) == before


def test_reports_of_one_run_never_replace_each_other(
    assay: Run, tmp_path: Path, chelsea: np.ndarray
) -> None:
    for folder, pixels in {"a": chelsea, "b": chelsea[:, ::-1]}.items():
        (tmp_path / "in" / folder).mkdir(parents=True)
        Image.fromarray(pixels).save(tmp_path / "in" / folder / "x.png")
    assert assay("verify", tmp_path / "in", "--html", tmp_path / "out").code == 0
    assert len(list((tmp_path / "out").glob("*.html"))) == 2


def test_a_name_that_is_not_utf8(assay: Run, picture: Path) -> None:
    odd = os.fsencode(picture.parent) + b"/bad\xff.png"
    os.rename(picture, odd)
    name = os.fsdecode(odd)

    [verification] = assay("verify", name, "--json").documents
    assert verification["media"]["name"] == "bad\ufffd.png"
    assert assay("verify", name).code == 0
    [problem] = assay("verify", name + "x", "--json").documents
    assert problem["type"] == "urn:assay:problem:unreadable-file"


def test_control_characters_do_not_reach_the_terminal(assay: Run, tmp_path: Path) -> None:
    outcome = assay("verify", tmp_path / "no\nsuch\x1b[31m.png")
    assert len(outcome.err.splitlines()) == 1
    assert "\x1b" not in outcome.err


@pytest.mark.parametrize("command", ["verify", "sign"])
def test_a_name_longer_than_the_file_system_holds(assay: Run, picture: Path, command: str) -> None:
    assay("keys", "init")
    outcome = assay(command, picture.with_name("x" * 300 + ".png"))
    assert outcome.code == 3
    assert len(outcome.err.splitlines()) == 1


def test_one_bad_argument_does_not_stop_the_others(
    assay: Run, picture: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    outcome = assay("verify", "http://x/y.png", tmp_path / "empty", picture, "--json")

    assert outcome.code == 3
    assert [document.get("instance") for document in outcome.documents] == [
        "http://x/y.png",
        str(tmp_path / "empty"),
        None,
    ]
    assert outcome.documents[2]["verdict"]


def test_the_instance_of_a_problem_is_the_file(assay: Run, tmp_path: Path) -> None:
    assay("keys", "init")
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"")
    [problem] = assay("sign", bad, "--json").documents
    assert problem["instance"] == str(bad)


def test_any_extension_signs_what_the_content_is(assay: Run, picture: Path) -> None:
    assay("keys", "init")
    misnamed = picture.rename(picture.with_suffix(".jpg"))
    assert assay("sign", misnamed).code == 3
    assert assay("sign", misnamed, "--any-extension").code == 0


def test_a_result_must_be_named_for_its_format(assay: Run, picture: Path) -> None:
    assay("keys", "init")
    outcome = assay("sign", picture, "-o", picture.with_name("out.jpg"))
    assert outcome.code == 3
    assert "out.jpg: named .jpg but the result is image/png" in outcome.err


def test_a_parent_belongs_to_an_edit(assay: Run, picture: Path) -> None:
    assay("keys", "init")
    assert assay("sign", picture, "--parent", picture).code == 2
    assert assay("sign", picture, "--profile", "edited").code == 2


def test_a_generator_has_a_sensible_name(assay: Run, picture: Path) -> None:
    assay("keys", "init")
    assert assay("sign", picture, "--generator", "x" * 10_000).code == 2
