"""The node pack in a small fake of ComfyUI, with the real signing process."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import av
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from assay.media import Media
from assay.provenance.keys import watermark_key
from assay.provenance.reading import read
from assay.provenance.watermarking import find

from .hosts import FOLDERS, copied, fake, imports, loaded

PROMPT = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd/tiny-1.5.ckpt"}},
    "2": {"class_type": "Api", "inputs": {"api_key": "do-not-tell-anybody", "seed": 1}},
}
WORKFLOW = {"workflow": {"nodes": [{"widgets_values": ["do-not-tell-anybody", "/home/jo/a.png"]}]}}


class Host:
    """Output folder, nodes and server, as `folder_paths`, `nodes` and `server` offer them."""

    def __init__(self, folder: Path) -> None:
        self.output = folder / "output"
        self.output.mkdir()
        self.classes: dict[str, Any] = {}
        self.handlers: list[Any] = []

    def add_on_prompt_handler(self, handler: Any) -> None:
        self.handlers.append(handler)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    host = Host(tmp_path)
    modules = {
        "folder_paths": fake("folder_paths", get_output_directory=lambda: str(host.output)),
        "nodes": fake("nodes", NODE_CLASS_MAPPINGS=host.classes),
        "server": fake("server", PromptServer=SimpleNamespace(instance=host)),
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv("ASSAY_COMMAND", f"{sys.executable} -m assay")
    monkeypatch.setenv("ASSAY_UNSIGNED", str(tmp_path / "unsigned"))
    yield host
    for name in [name for name in sys.modules if name.startswith("assay_comfyui_pack")]:
        if name.endswith("assay_signing"):
            sys.modules[name].SIGNER.close()  # type: ignore[attr-defined]
        del sys.modules[name]


def load_pack(host: Host, folder: Path) -> ModuleType:
    return loaded(copied("comfyui", folder) / "__init__.py", "assay_comfyui_pack")


class SaveImage:
    """V1, as the built-in node: a batch of PNG with prompt and workflow as text."""

    OUTPUT_NODE = True
    FUNCTION = "save_images"
    kind: ClassVar[str] = "output"

    def __init__(self) -> None:
        import folder_paths  # type: ignore[import-not-found]

        self.output_dir = Path(folder_paths.get_output_directory())

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        return {"hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"}}

    def save_images(
        self, images: Any, prompt: Any = None, extra_pnginfo: Any = None
    ) -> dict[str, Any]:
        metadata = PngInfo()
        metadata.add_text("prompt", json.dumps(prompt))
        for name, value in (extra_pnginfo or {}).items():
            metadata.add_text(name, json.dumps(value))
        results = []
        for index, image in enumerate(images):
            name = f"ComfyUI_{index:05}_.png"
            Image.fromarray(image).save(self.output_dir / name, pnginfo=metadata)
            results.append({"filename": name, "subfolder": "", "type": self.kind})
        return {"ui": {"images": results}}


class PreviewImage(SaveImage):
    kind = "temp"


def signed_with_both_marks(path: Path) -> Media:
    media = Media.open(path)
    credentials = read(media)
    assert credentials.state == "trusted"
    assert find(media, key=watermark_key()) is not None
    return media


def test_a_batch_leaves_signed_and_without_secrets(
    host: Host, tmp_path: Path, chelsea: np.ndarray
) -> None:
    host.classes.update(SaveImage=type("SaveImage", (SaveImage,), {}))
    load_pack(host, tmp_path)
    node = host.classes["SaveImage"]()
    prompt = json.loads(json.dumps(PROMPT))
    node.save_images(images=[chelsea[:192, :192]] * 2, prompt=prompt, extra_pnginfo=WORKFLOW)
    assert prompt == PROMPT  # the queue's own copy is not touched
    files = sorted(host.output.iterdir())
    assert [path.name for path in files] == ["ComfyUI_00000_.png", "ComfyUI_00001_.png"]
    labels = set()
    for path in files:
        media = signed_with_both_marks(path)
        labels.add(read(media).manifest_label)
        assert b"do-not-tell" not in media.data
        assert b"/home/jo" not in media.data
        assert "tiny-1.5" in json.dumps(read(media).raw["reader"])
        with Image.open(path) as image:
            assert json.loads(image.text["prompt"])["2"]["inputs"]["seed"] == 1
    assert len(labels) == 2


def test_what_cannot_be_signed_is_gone_and_the_node_fails(host: Host, tmp_path: Path) -> None:
    host.classes.update(SaveImage=type("SaveImage", (SaveImage,), {}))
    load_pack(host, tmp_path)
    black = np.zeros((64, 64, 3), np.uint8)
    with pytest.raises(RuntimeError, match="was not signed"):
        host.classes["SaveImage"]().save_images(images=[black])
    assert list(host.output.iterdir()) == []
    kept = sorted(path.name for path in (tmp_path / "unsigned").iterdir())
    assert len(kept) == 2
    assert kept[1].endswith(".reason.txt")


def test_a_missing_command_fails_closed(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chelsea: np.ndarray
) -> None:
    host.classes.update(SaveImage=type("SaveImage", (SaveImage,), {}))
    monkeypatch.setenv("ASSAY_COMMAND", str(tmp_path / "not-there"))
    load_pack(host, tmp_path)
    with pytest.raises(RuntimeError, match="was not signed"):
        host.classes["SaveImage"]().save_images(images=[chelsea])
    assert list(host.output.iterdir()) == []


def test_the_new_interface_video_and_sound(
    host: Host, tmp_path: Path, video: Path, astronaut: np.ndarray
) -> None:
    """V3: an asynchronous class method, metadata in `hidden`, results in `NodeOutput.ui`."""
    seen = []

    class SaveVideo:
        OUTPUT_NODE = True
        FUNCTION = "EXECUTE_NORMALIZED"
        hidden = SimpleNamespace(prompt=PROMPT, extra_pnginfo=WORKFLOW, unique_id="7")

        @classmethod
        def define_schema(cls) -> None: ...

        @classmethod
        async def execute(cls, frames: Any) -> Any:
            seen.append((cls.hidden.prompt, cls.hidden.unique_id))
            folder = host.output / "video"
            folder.mkdir()
            _write_video(folder / "a.mp4", frames, json.dumps(cls.hidden.extra_pnginfo))
            Image.fromarray(frames[0]).save(
                folder / "b.webp", save_all=True, append_images=[Image.fromarray(frames[1])]
            )
            _write_sound(folder / "c.flac")
            results = [
                {"filename": name, "subfolder": "video", "type": "output"}
                for name in ("a.mp4", "b.webp", "c.flac")
            ]
            return SimpleNamespace(ui=SimpleNamespace(as_dict=lambda: {"images": results}))

    host.classes.update(SaveVideo=SaveVideo)
    load_pack(host, tmp_path)
    frames = [astronaut[60 + shift : 316 + shift, 100:356] for shift in range(12)]
    asyncio.run(SaveVideo.execute(frames=frames))
    [(prompt, unique)] = seen
    assert prompt["2"]["inputs"]["api_key"] == "[removed]"
    assert unique == "7"
    assert b"do-not-tell" not in signed_with_both_marks(host.output / "video" / "a.mp4").data
    for name in ("b.webp", "c.flac"):  # a manifest only: pixels of animations cannot be marked
        assert read(host.output / "video" / name).state == "trusted"


def test_later_packs_are_wrapped_and_previews_left_alone(
    host: Host, tmp_path: Path, chelsea: np.ndarray
) -> None:
    load_pack(host, tmp_path)
    host.classes.update(
        SaveImage=type("SaveImage", (SaveImage,), {}),
        PreviewImage=type("PreviewImage", (PreviewImage,), {}),
    )
    [handler] = host.handlers
    assert handler({"prompt": {}}) == {"prompt": {}}
    handler({"prompt": {}})  # not wrapped twice
    host.classes["PreviewImage"]().save_images(images=[chelsea])
    [preview] = host.output.iterdir()
    assert read(preview).state == "none"
    host.classes["SaveImage"]().save_images(images=[chelsea])
    assert read(preview).state == "trusted"


def test_outside_comfyui_nothing_happens() -> None:
    import assay.provenance.generation.comfyui as pack

    assert pack.NODE_CLASS_MAPPINGS == {}


@pytest.mark.parametrize("name", ["__init__.py", "hooks.py", "assay_signing.py"])
def test_it_needs_nothing_but_the_host_and_the_standard_library(name: str) -> None:
    needed = imports(FOLDERS / "comfyui" / name) - sys.stdlib_module_names
    assert needed <= {"folder_paths", "nodes", "server"}


def _write_video(path: Path, frames: list[np.ndarray], comment: str) -> None:
    with av.open(str(path), "w") as container:
        container.metadata["comment"] = comment
        stream = container.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = 256, 256, "yuv420p"
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def _write_sound(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=8000, layout="mono")
        tone = (np.sin(np.arange(8000) / 10) * 8000).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
