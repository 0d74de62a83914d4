"""Atomic writing: all of a file, or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assay.errors import OutputRefused
from assay.files import DAY, atomic_path, write_atomically


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


_KILLED_WHILE_WRITING = """
import os, signal, sys
from assay.files import atomic_path

with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_left_goes_after_a_day(tmp_path: Path) -> None:
    target = tmp_path / "picture.png"
    for _ in range(2):
        killed = subprocess.run([sys.executable, "-c", _KILLED_WHILE_WRITING, str(target)])
        assert killed.returncode == -signal.SIGKILL
    old, young = tmp_path.iterdir()
    age(old)

    write_atomically(target, "whole")
    assert set(tmp_path.iterdir()) == {target, young}


def test_only_temporary_files_of_ours_are_swept(tmp_path: Path) -> None:
    kept = [tmp_path / name for name in (".picture.png", ".assay-partial-.png", "notes.txt")]
    for path in kept:
        path.write_text("of the user")
        age(path)
    folder = tmp_path / ".assay-partial-abcdefgh"
    folder.mkdir()
    age(folder)
    link = tmp_path / ".assay-partial-12345678.png"
    link.symlink_to(kept[0])

    target = write_atomically(tmp_path / "picture.png", "whole")
    assert set(tmp_path.iterdir()) == {*kept, folder, link, target}


def age(path: Path) -> None:
    """Let a file be older than a day."""
    then = time.time() - DAY - 60
    os.utime(path, (then, then))
