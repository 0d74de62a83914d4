"""Bad input: one clear line, exit code 3, nothing half-written, the rest of a batch done."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ..command_line import Run


def png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (width, height), 128).save(buffer, "PNG")
    return buffer.getvalue()


def bomb() -> bytes:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100_000)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + body


def jpeg(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def bad_files(tmp_path: Path, chelsea: np.ndarray) -> dict[str, Path]:
    picture = jpeg(chelsea)
    contents = {
        "empty.png": b"",
        "truncated.jpg": picture[: len(picture) // 2],
        "one-pixel.png": png(1, 1),
        "one-row.png": png(65535, 1),
        "bomb.png": bomb(),
        "polyglot.jpg": picture + b"PK\x03\x04 an archive follows",
        "wrong-extension.png": picture,
        "text.jpg": b"Dear newsroom, this is not a picture.",
    }
    folder = tmp_path / "bad"
    folder.mkdir()
    files = {}
    for name, data in contents.items():
        files[name] = folder / name
        files[name].write_bytes(data)
    files["missing.png"] = folder / "missing.png"
    files["loop.png"] = folder / "loop.png"
    files["loop.png"].symlink_to("loop.png")
    return files


NAMES = (
    "empty.png",
    "truncated.jpg",
    "one-pixel.png",
    "one-row.png",
    "bomb.png",
    "polyglot.jpg",
    "wrong-extension.png",
    "text.jpg",
    "missing.png",
    "loop.png",
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("command", ["verify", "sign"])
def test_one_clear_line(assay: Run, bad_files: dict[str, Path], command: str, name: str) -> None:
    assay("keys", "init")
    outcome = assay(command, bad_files[name])

    assert outcome.code == 3
    assert outcome.out == ""
    assert len(outcome.err.splitlines()) == 1
    assert name in outcome.err
    assert "Traceback" not in outcome.err
    assert not list(bad_files["empty.png"].parent.glob("*signed*"))


@pytest.mark.parametrize("name", NAMES)
def test_a_problem_object_with_json(assay: Run, bad_files: dict[str, Path], name: str) -> None:
    outcome = assay("verify", bad_files[name], "--json")

    [problem] = outcome.documents
    assert outcome.code == 3
    assert problem["type"].startswith("urn:assay:problem:")
    assert problem["title"]
    assert name in problem["detail"]
    assert problem["instance"] == str(bad_files[name])


def test_other_files_of_the_batch_are_done(
    assay: Run, bad_files: dict[str, Path], save: Callable[..., Path], chelsea: np.ndarray
) -> None:
    good = save(chelsea, "good.png")
    outcome = assay("verify", bad_files["text.jpg"], good, bad_files["empty.png"], "--json")

    assert outcome.code == 3
    assert [("verdict" in document) for document in outcome.documents] == [False, True, False]


def test_a_url_is_refused_without_touching_the_network(assay: Run) -> None:
    outcome = assay("verify", "http://127.0.0.1:9/picture.jpg")
    assert outcome.code == 3
    assert "URLs are not fetched" in outcome.err


def test_a_folder_without_pictures(assay: Run, tmp_path: Path) -> None:
    outcome = assay("verify", tmp_path)
    assert outcome.code == 3
    assert "no pictures" in outcome.err


def test_signing_into_a_place_that_cannot_be_written(
    assay: Run, save: Callable[..., Path], chelsea: np.ndarray
) -> None:
    assay("keys", "init")
    outcome = assay("sign", save(chelsea, "cat.png"), "-o", "/proc/assay/cat.png")
    assert outcome.code == 3
    assert len(outcome.err.splitlines()) == 1


def test_a_full_disk_leaves_nothing_behind(
    assay: Run, save: Callable[..., Path], astronaut: np.ndarray, tmp_path: Path
) -> None:
    assay("keys", "init")
    assay("sign", save(astronaut, "first.png"))  # the registry exists before space runs out
    source = save(astronaut[:, ::-1], "second.png")

    disk = tmp_path / "disk"
    disk.mkdir()
    script = (
        f"mount -t tmpfs -o size=300k none {disk} && "
        f"{sys.executable} -m assay sign {source} -o {disk}/signed.png; "
        f"echo $?; ls -A {disk}"
    )

    outcome = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )

    if "mount" in outcome.stderr or "unshare" in outcome.stderr:
        pytest.skip(f"no small disk can be made here: {outcome.stderr.strip()}")
    assert outcome.stdout.split() == ["3"]
    assert len(outcome.stderr.splitlines()) == 1
    assert "No space left on device" in outcome.stderr


def test_a_device_is_never_replaced(
    assay: Run, save: Callable[..., Path], chelsea: np.ndarray
) -> None:
    assay("keys", "init")
    outcome = assay("sign", save(chelsea, "cat.png"), "-o", "/dev/null", "--overwrite")
    assert outcome.code == 3
    assert Path("/dev/null").is_char_device()


def test_an_existing_result_is_not_replaced(
    assay: Run, save: Callable[..., Path], chelsea: np.ndarray, tmp_path: Path
) -> None:
    assay("keys", "init")
    taken = tmp_path / "taken.png"
    taken.write_text("mine")

    outcome = assay("sign", save(chelsea, "cat.png"), "-o", taken)

    assert outcome.code == 3
    assert taken.read_text() == "mine"


def test_signing_without_keys_says_how_to_get_them(
    assay: Run, save: Callable[..., Path], chelsea: np.ndarray
) -> None:
    outcome = assay("sign", save(chelsea, "cat.png"))
    assert outcome.code == 3
    assert "assay keys init" in outcome.err
