"""The extension in a small fake of the web UI, with the real signing process."""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from assay.media import Media
from assay.provenance.keys import watermark_key
from assay.provenance.reading import read
from assay.provenance.watermarking import find

from .hosts import FOLDERS, copied, fake, imports, loaded


class Host:
    """`modules.script_callbacks`, `modules.images` and `modules.api.api` in small.

    As in the host, exceptions of callbacks are reported and swallowed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.before: list[Callable[[Any], None]] = []
        self.after: list[Callable[[Any], None]] = []
        self.started: list[Callable[[Any, Any], None]] = []
        self.reported: list[Exception] = []
        self.api = fake("modules.api.api", encode_pil_to_base64=self.encode_pil_to_base64)

    def save_image(self, image: Image.Image, name: str, info: str, *, copy: bool = False) -> Path:
        params = SimpleNamespace(
            image=image,
            p=SimpleNamespace(sd_model_name="tiny-1.5"),
            filename=str(self.folder / name),
            pnginfo={"parameters": info},
        )
        self._run(self.before, params)
        metadata = PngInfo()
        for key, value in params.pnginfo.items():
            metadata.add_text(key, value)
        path = Path(params.filename)
        if path.exists():  # `params` is not told
            path = path.with_name(f"{path.stem}-1{path.suffix}")
        params.image.save(path, pnginfo=metadata)
        params.image.already_saved_as = str(path)
        if copy:
            params.image.save(path.with_suffix(".jpg"))
        self._run(self.after, params)
        return path

    def start(self) -> None:
        self._run(self.started, None, None)

    def _run(self, callbacks: list[Any], *arguments: Any) -> None:
        for callback in callbacks:
            try:
                callback(*arguments)
            except Exception as error:
                self.reported.append(error)

    @staticmethod
    def encode_pil_to_base64(image: Image.Image | str) -> bytes | str:
        if isinstance(image, str):
            return image
        metadata = PngInfo()
        for key, value in image.info.items():
            metadata.add_text(key, value)
        buffer = io.BytesIO()
        image.save(buffer, "PNG", pnginfo=metadata)
        return base64.b64encode(buffer.getvalue())


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """The host with the extension loaded: its folder on the path while the script runs."""
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    host = Host(outputs)
    callbacks = fake(
        "modules.script_callbacks",
        on_before_image_saved=host.before.append,
        on_image_saved=host.after.append,
        on_app_started=host.started.append,
    )
    checkpoint = SimpleNamespace(model_name="tiny-1.5")
    shared = fake("modules.shared", sd_model=SimpleNamespace(sd_checkpoint_info=checkpoint))
    api = fake("modules.api", api=host.api)
    modules = fake("modules", script_callbacks=callbacks, shared=shared, api=api)
    for module in (modules, callbacks, shared, api, host.api):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setenv("ASSAY_COMMAND", f"{sys.executable} -m assay")
    monkeypatch.setenv("ASSAY_UNSIGNED", str(tmp_path / "unsigned"))
    extension = copied("a1111", tmp_path)
    with monkeypatch.context() as path:
        path.syspath_prepend(extension)
        loaded(extension / "scripts" / "assay_sign.py", "assay_sign")
    yield host
    sys.modules.pop("assay_signing").SIGNER.close()
    del sys.modules["assay_sign"]


@pytest.fixture
def image(chelsea: np.ndarray) -> Image.Image:
    return Image.fromarray(chelsea[:192, :256])


def assert_both_marks(media: Media) -> None:
    credentials = read(media)
    assert credentials.state == "trusted"
    assert find(media, key=watermark_key()) is not None


def test_saved_files_and_their_copies_are_signed_and_clean(host: Host, image: Image.Image) -> None:
    info = "a cat\nSteps: 20, Model: tiny, Lora: /home/jo/loras/x.pt, hf_abcdefghijklmnopqrstuvwx"
    path = host.save_image(image, "00000-1.png", info, copy=True)
    assert host.reported == []
    for written in (path, path.with_suffix(".jpg")):
        media = Media.open(written)
        assert_both_marks(media)
        assert b"/home/jo" not in media.data
        assert b"hf_abc" not in media.data
    with Image.open(path) as saved:
        assert saved.text["parameters"] == "a cat\nSteps: 20, Model: tiny, Lora: x.pt, [removed]"


def test_the_name_that_the_host_chose_is_signed(host: Host, image: Image.Image) -> None:
    first = host.save_image(image.copy(), "00000-1.png", "a cat")
    second = host.save_image(image.copy(), "00000-1.png", "a cat")
    assert [first.name, second.name] == ["00000-1.png", "00000-1-1.png"]
    assert host.reported == []
    for path in (first, second):
        assert_both_marks(Media.open(path))


def test_the_api_sends_signed_pictures(host: Host, image: Image.Image) -> None:
    host.start()
    host.start()  # the UI was reloaded: not wrapped twice
    image.info["parameters"] = "a cat, ghp_" + "x" * 36
    answer = host.api.encode_pil_to_base64(image)
    media = Media.from_bytes(base64.b64decode(answer))
    assert isinstance(answer, bytes)
    assert_both_marks(media)
    assert b"ghp_" not in media.data
    assert image.info["parameters"].startswith("a cat, ghp_")
    again = host.api.encode_pil_to_base64(answer.decode())  # encoded by somebody else
    assert base64.b64decode(again) == base64.b64decode(answer)


def test_failures_leave_nothing_unsigned(host: Host, tmp_path: Path) -> None:
    host.start()
    black = Image.new("RGB", (64, 64))
    host.save_image(black, "00001-1.png", "nothing")
    assert "was not signed" in str(host.reported[0])
    assert list(host.folder.iterdir()) == []
    assert len(list((tmp_path / "unsigned").glob("*-00001-1.png"))) == 1
    with pytest.raises(RuntimeError, match="was not signed"):
        host.api.encode_pil_to_base64(black)  # and with it the request


@pytest.mark.parametrize("name", ["scripts/assay_sign.py", "assay_signing.py"])
def test_it_needs_nothing_but_the_host_and_the_standard_library(name: str) -> None:
    needed = imports(FOLDERS / "a1111" / name) - sys.stdlib_module_names
    assert needed <= {"assay_signing", "modules"}


def test_both_folders_hold_the_same_signing_process() -> None:
    one, other = (FOLDERS / folder / "assay_signing.py" for folder in ("a1111", "comfyui"))
    assert one.read_bytes() == other.read_bytes()
