"""The gate: nothing unsigned gets out, nothing gets lost, whenever it is killed."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from assay.cli import app
from assay.errors import ConfigurationError, UnreadableFile
from assay.media import Media
from assay.provenance import marking, timestamping
from assay.provenance.generation.arrivals import Arrivals
from assay.provenance.generation.gate import Event, Gate
from assay.provenance.generation.gate_items import WORK, Item
from assay.provenance.keys import watermark_key
from assay.provenance.reading import read
from assay.provenance.watermarking import find
from assay.settings import settings

NOW = threading.Event()  # never set


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    private = tmp_path / "private"
    private.mkdir()
    return private, tmp_path / "public"


@pytest.fixture
def picture(astronaut: np.ndarray, tmp_path: Path) -> Path:
    """A small photograph, 192x192; most of the time of a test is spent on pixels."""
    path = tmp_path / "source.png"
    Image.fromarray(astronaut).resize((192, 192)).save(path)
    return path


def gate(folders: tuple[Path, Path], **options: object) -> Gate:
    return Gate(*folders, settle=0, **options)  # type: ignore[arg-type]


def worked_off(gate: Gate) -> list[Event]:
    with gate.opened():
        return list(gate.once(NOW))


def visible(folder: Path) -> list[str]:
    """Names of the files that a web server would show."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and WORK not in path.parts
    )


def assert_signed(path: Path) -> None:
    """Both marks are there and name each other."""
    media = Media.open(path)
    credentials = read(media)
    found = find(media, key=watermark_key())
    assert credentials.state == "trusted"
    assert found is not None
    assert credentials.watermark_payload is not None
    assert found.payload == credentials.watermark_payload & ((1 << found.payload_bits) - 1)


def test_a_finished_file_moves_and_is_signed(folders: tuple[Path, Path], picture: Path) -> None:
    private, public = folders
    (private / "day").mkdir()
    shutil.copy(picture, private / "day" / "a.png")
    [event] = worked_off(gate(folders, options={"generator": "my model"}))
    assert event.kind == "released"
    assert visible(public) == ["day/a.png"]
    assert visible(private) == []
    assert_signed(public / "day" / "a.png")
    assert event.clearance is not None
    assert event.clearance.receipt is not None
    assert event.clearance.receipt.sha256_before == Media.open(picture).sha256


def test_what_fails_stays_with_its_reason(folders: tuple[Path, Path], picture: Path) -> None:
    private, public = folders
    (private / "broken.png").write_bytes(picture.read_bytes()[:500])
    Image.new("RGB", (64, 64), "black").save(private / "blank.png")
    shutil.copy(picture, private / "good.png")
    (private / "notes.txt").write_text("a sidecar stays private")
    events = {event.name: event.kind for event in worked_off(gate(folders))}
    assert events == {"blank.png": "refused", "broken.png": "refused", "good.png": "released"}
    assert visible(public) == ["good.png"]
    assert visible(private) == [
        *("blank.png", "blank.png.refused.json", "broken.png", "broken.png.refused.json"),
        "notes.txt",
    ]
    reason = json.loads((private / "broken.png.refused.json").read_text())
    assert reason["type"] == "urn:assay:problem:damaged-media"
    assert worked_off(gate(folders)) == []  # not tried again ...
    shutil.copy(picture, private / "broken.png")  # ... until it is another file
    assert [event.kind for event in worked_off(gate(folders))] == ["released"]


def test_public_files_are_never_replaced(folders: tuple[Path, Path], picture: Path) -> None:
    private, public = folders
    public.mkdir()
    (public / "a.png").write_bytes(b"older")
    shutil.copy(picture, private / "a.png")
    [event] = worked_off(gate(folders))
    assert event.error is not None
    assert event.error.code == "name-taken"
    assert (public / "a.png").read_bytes() == b"older"
    assert (private / "a.png").exists()


def test_missing_keys_are_not_the_files_fault(
    folders: tuple[Path, Path], picture: Path, home: Path
) -> None:
    private, public = folders
    shutil.copy(picture, private / "a.png")
    (home / "keys").rename(home / "elsewhere")
    [event] = worked_off(gate(folders))
    assert event.kind == "waiting"
    assert visible(private) == ["a.png"]
    assert visible(public) == []
    (home / "elsewhere").rename(home / "keys")
    assert [event.kind for event in worked_off(gate(folders))] == ["released"]


def test_a_file_waits_for_the_time_stamp_authority(
    folders: tuple[Path, Path], picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private, public = folders
    shutil.copy(picture, private / "a.png")
    monkeypatch.setattr(timestamping, "WAITS", (0.0, 0.0))
    monkeypatch.setenv("ASSAY_TIMESTAMP_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("ASSAY_TIMESTAMP_POLICY", "require")
    settings.cache_clear()
    [event] = worked_off(gate(folders))
    assert event.kind == "waiting"
    assert event.error is not None
    assert event.error.code == "timestamp-unavailable"
    assert visible(public) == []
    monkeypatch.delenv("ASSAY_TIMESTAMP_URL")
    settings.cache_clear()
    assert [event.kind for event in worked_off(gate(folders))] == ["released"]


def test_files_that_have_to_wait_do_not_stop_the_others(
    folders: tuple[Path, Path], picture: Path
) -> None:
    private, public = folders
    for name in ("a", "b", "c", "d"):
        (private / name).mkdir()
        shutil.copy(picture, private / name / "x.png")
    public.mkdir()
    for name in ("a", "b", "c"):
        (public / name).write_text("a file where a folder should be")
    door = gate(folders)
    with door.opened():
        assert [event.name for event in door.sweep()] == ["a/x.png", "b/x.png", "c/x.png"]
        assert next(door.sweep()).target == public / "d" / "x.png"
        (public / "a").unlink()
        assert {event.name: event.kind for event in door.sweep()}["a/x.png"] == "released"
    assert_signed(public / "a" / "x.png")


def test_files_signed_by_a_hook_pass_as_they_are(folders: tuple[Path, Path], picture: Path) -> None:
    private, public = folders
    marking.sign(picture, out=private / "ours.png")
    marking.sign(picture, out=private / "no-watermark.png", watermark=False)
    before = (private / "ours.png").read_bytes()
    kinds = {event.name: event.kind for event in worked_off(gate(folders))}
    assert kinds == {"no-watermark.png": "refused", "ours.png": "released"}
    assert (public / "ours.png").read_bytes() == before


def test_originals_can_be_kept(folders: tuple[Path, Path], picture: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    for _ in range(2):
        shutil.copy(picture, folders[0] / "a.png")
        worked_off(gate(folders, originals=kept))
        shutil.rmtree(folders[1])
    assert visible(kept) == ["a-1.png", "a.png"]
    assert (kept / "a.png").read_bytes() == picture.read_bytes()


def test_another_file_system_gets_whole_files_only(
    folders: tuple[Path, Path], picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    shutil.copy(picture, folders[0] / "a.png")
    monkeypatch.setattr(os, "link", refuse)
    assert [event.kind for event in worked_off(gate(folders))] == ["released"]
    assert visible(folders[1]) == ["a.png"]
    assert_signed(folders[1] / "a.png")


def test_folders_in_each_other_and_second_gates_are_refused(
    folders: tuple[Path, Path],
) -> None:
    private, public = folders
    with pytest.raises(ConfigurationError, match="lies in"):
        Gate(private, private / "out")
    with pytest.raises(UnreadableFile):
        Gate(public, private)
    with pytest.raises(ConfigurationError, match="originals"):
        Gate(private, public, originals=public / "originals")
    with (
        gate(folders).opened(),
        pytest.raises(ConfigurationError, match="another gate"),
        gate(folders).opened(),
    ):
        pass


class TestArrivals:
    def test_only_what_did_not_change_for_a_while(self, tmp_path: Path) -> None:
        clock = iter(range(100))
        arrivals = Arrivals(tmp_path, 2, clock=lambda: next(clock))
        growing = tmp_path / "a.png"
        for size in (1, 2, 3):
            growing.write_bytes(b"x" * size)
            assert arrivals.scan() == []
        assert arrivals.scan() == []
        assert [arrival.name for arrival in arrivals.scan()] == ["a.png"]

    def test_a_rename_says_that_the_writer_is_done(self, tmp_path: Path) -> None:
        arrivals = Arrivals(tmp_path, 1000)
        (tmp_path / "a.png.part").write_bytes(b"x")
        (tmp_path / ".b-unfinished.png").write_bytes(b"x")
        assert arrivals.scan() == []
        (tmp_path / "a.png.part").rename(tmp_path / "a.png")
        (tmp_path / ".b-unfinished.png").rename(tmp_path / "b.png")
        assert [arrival.name for arrival in arrivals.scan()] == ["a.png", "b.png"]
        assert [arrival.name for arrival in arrivals.scan()] == ["a.png", "b.png"]

    @pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")
    def test_files_open_for_writing_are_left_alone(self, tmp_path: Path) -> None:
        arrivals = Arrivals(tmp_path, 0)
        with (tmp_path / "a.mp4").open("wb") as file:
            file.write(b"x")
            file.flush()
            assert arrivals.scan() == []
            assert arrivals.unsettled == 1
        assert len(arrivals.scan()) == 1

    def test_links_and_hidden_folders_are_passed_over(self, tmp_path: Path) -> None:
        (tmp_path / ".hidden").mkdir()
        (tmp_path / ".hidden" / "a.png").write_bytes(b"x")
        (tmp_path / "link.png").symlink_to(tmp_path / ".hidden" / "a.png")
        assert Arrivals(tmp_path, 0).scan() == []


STEPS = {
    "before-signing": ("marking.sign", "before"),
    "signed": ("Item.clear", "before"),
    "cleared": ("Item.clear", "after"),
    "linked": ("os.link", "after"),
    "taken": ("gate.Gate._dispose", "before"),
    "disposed": ("Item.drop", "before"),
}

SCRIPT = """
import functools, os, signal, sys, threading
from pathlib import Path
from assay.provenance import marking
from assay.provenance.generation import gate
from assay.provenance.generation.gate_items import Item
place, when = sys.argv[3:5]
owner, name = eval(place.rpartition(".")[0]), place.rpartition(".")[2]
original = getattr(owner, name)
@functools.wraps(original)
def dying(*args, **kwargs):
    if when == "after":
        original(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, name, dying)
door = gate.Gate(Path(sys.argv[1]), Path(sys.argv[2]), settle=0)
with door.opened():
    list(door.once(threading.Event()))
"""


class TestKilled:
    """`kill -9`, by a signal from outside and from inside at every step."""

    @pytest.mark.parametrize("step", STEPS)
    def test_at_every_step(self, step: str, folders: tuple[Path, Path], picture: Path) -> None:
        private, public = folders
        shutil.copy(picture, private / "a.png")
        command = [sys.executable, "-c", SCRIPT, *map(str, folders), *STEPS[step]]
        died = subprocess.run(command, capture_output=True, text=True, check=False)
        assert died.returncode == -signal.SIGKILL, died.stderr
        for name in visible(public):
            assert_signed(public / name)
        released = {name: (public / name).read_bytes() for name in visible(public)}
        kept = visible(private) or list(private.rglob("original"))
        assert kept or released
        worked_off(gate(folders))
        assert visible(private) == []
        assert visible(public) == ["a.png"]
        assert_signed(public / "a.png")
        assert released.items() <= {"a.png": (public / "a.png").read_bytes()}.items()
        assert not [path for path in (private / WORK).iterdir() if path.is_dir()]

    def test_a_deadly_file_is_refused_in_the_end(
        self, folders: tuple[Path, Path], picture: Path
    ) -> None:
        shutil.copy(picture, folders[0] / "a.png")
        [arrival] = Arrivals(folders[0], 0).scan()
        for _ in range(3):
            Item.of(arrival, folders[0] / WORK).begin()
        [event] = worked_off(gate(folders))
        assert event.error is not None
        assert event.error.code == "gate-crashed"

    def test_at_random_moments(self, folders: tuple[Path, Path], picture: Path) -> None:
        private, public = folders
        names = [f"{index}.png" for index in range(8)]
        for name in names:
            shutil.copy(picture, private / name)
        moments = random.Random(8)
        with gate(folders).opened():
            pass  # makes the folders
        for _ in range(3):
            before = len(visible(public))
            with watching(folders) as process:
                deadline = time.monotonic() + 60
                while len(visible(public)) == before and time.monotonic() < deadline:
                    time.sleep(0.01)
                time.sleep(moments.uniform(0, 0.5))
                process.kill()
            for name in visible(public):
                assert read(public / name).state == "trusted"
            inside = {*visible(private), *(item.name for item in Item.all(private / WORK))}
            assert {*visible(public)} | inside == {*names}
        worked_off(gate(folders))
        assert visible(private) == []
        assert visible(public) == names
        for name in names:
            assert_signed(public / name)


def watching(folders: tuple[Path, Path]) -> subprocess.Popen[str]:
    """The real command, watching."""
    private, public = map(str, folders)
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "assay", "sign", private),
            *("--watch", public, "--settle", "0", "--json"),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "ASSAY_HOME": str(settings().home)},
    )


def lines(process: subprocess.Popen[str]) -> Iterator[dict[str, object]]:
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def test_the_command_watches_until_it_is_told_to_stop(
    folders: tuple[Path, Path], picture: Path
) -> None:
    private, public = folders
    with watching(folders) as process:
        shutil.copy(picture, private / "first.png")
        first = next(lines(process))
        assert (first["event"], first["file"]) == ("released", "first.png")
        shutil.copy(picture, private / "second.png")
        assert next(lines(process))["file"] == "second.png"
        process.terminate()
        assert process.wait(timeout=30) == 0
    assert visible(public) == ["first.png", "second.png"]


def test_the_command_once_tells_what_stays(folders: tuple[Path, Path]) -> None:
    private, public = folders
    (private / "a.png").write_bytes(b"nothing")
    arguments = ["sign", str(private), "--watch", str(public), "--once", "--settle", "0"]
    outcome = CliRunner().invoke(app, arguments)
    assert outcome.exit_code == 3
    assert "a.png" in outcome.stderr
    assert CliRunner().invoke(app, arguments).exit_code == 0  # it was told
    assert CliRunner().invoke(app, ["sign", str(private), "--once"]).exit_code == 2
