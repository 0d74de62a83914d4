"""Atomic writing: all of a file, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import OutputRefused
from assay.files import atomic_path, write_atomically


def test_writes_and_creates_folders(tmp_path: Path) -> None:
    path = write_atomically(tmp_path / "a" / "b.txt", "text")
    assert path.read_text() == "text"
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "kept.txt"
    target.write_text("old")

    def write_half() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError):
        write_half()

    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_temporary_file_keeps_the_suffix(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "x.jpg") as temporary:
        assert temporary.suffix == ".jpg"


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(OutputRefused):
        write_atomically(blocker / "below.txt", "text")
