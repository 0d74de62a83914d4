"""`assay generate` with tiny models in local folders, loaded as any other."""

from __future__ import annotations

import importlib.util
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assay.media import Media
from assay.provenance import keys
from assay.provenance.reading import read
from assay.settings import settings

from ..command_line import Run

PIPELINES = Path(__file__).parents[1] / "provenance" / "generation" / "pipelines.py"
pytestmark = [
    pytest.mark.filterwarnings(rf"ignore::{kind}:{library}\..*")
    for kind in ("DeprecationWarning", "FutureWarning")
    for library in ("diffusers", "transformers", "torch")
]


def _pipelines() -> Any:
    """The builders of the generation tests, which are no package."""
    spec = importlib.util.spec_from_file_location("tiny_pipelines", PIPELINES)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny models, saved as a downloaded one would lie there."""
    built = _pipelines()
    folder = tmp_path_factory.mktemp("models")
    found = {}
    for name, build in (
        ("text2img", built.text_to_image),
        ("inpaint", built.inpainting),
        ("upscale", built.upscaling),
        ("text2video", built.flow_text_to_video),
        ("img2video", built.image_to_video),
    ):
        found[name] = folder / name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            build().save_pretrained(found[name])
    controlnet = built.with_controlnet().controlnet
    controlnet.save_pretrained(folder / "controlnet")
    return found | {"controlnet": folder / "controlnet"}


@pytest.fixture(autouse=True)
def development_keys() -> None:
    keys.init()


@pytest.fixture
def photograph(tmp_path: Path, astronaut: np.ndarray) -> Path:
    path = tmp_path / "photograph.png"
    Image.fromarray(astronaut).resize((192, 192)).save(path)
    return path


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    picture = Image.new("L", (192, 192))
    picture.paste(255, (24, 24, 168, 168))
    picture.save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def _options(models: dict[str, Path], name: str, out: Path) -> list[object]:
    return ["--model", models[name], "--steps", 2, "--out", out, "--device", "cpu"]


SIZE = ("--height", 192, "--width", 192)


def test_text_to_images_with_sheet_and_sidecar(
    assay: Run, models: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = [*_options(models, "text2img", out), *SIZE, "--num-images", 3, "--seed", 7, "--json"]

    outcome = assay("generate", "text2img", "--prompt", "a private cat", *options)

    assert outcome.code == 0
    assert [document["seed"] for document in outcome.documents] == [7, 8, 9]
    assert sorted(path.name for path in out.iterdir()) == [
        "text2img-0001-sheet.png",
        "text2img-0001.json",
        "text2img-0001.png",
        "text2img-0002.png",
        "text2img-0003.png",
    ]
    for document in outcome.documents:
        assert document["receipt"]["payload"]
        assert read(Path(document["file"])).state == "trusted"
        assert b"private cat" not in Path(document["file"]).read_bytes()
    sheet = read(out / "text2img-0001-sheet.png")
    assert (sheet.state, sheet.origin, len(sheet.ingredients)) == ("trusted", "generated", 3)
    sidecar = json.loads((out / "text2img-0001.json").read_text())
    assert sidecar["prompt"] == "a private cat"
    assert [entry["seed"] for entry in sidecar["outputs"]] == [7, 8, 9]
    assert sidecar["steps"] == 2
    assert all("/" in name for name in sidecar["weights"])


def test_a_second_run_replaces_nothing_and_the_same_seed_gives_the_same_picture(
    assay: Run, models: dict[str, Path], tmp_path: Path
) -> None:
    options = [*_options(models, "text2img", tmp_path), *SIZE, "--seed", 7]
    for _ in range(2):
        assert assay("generate", "text2img", "--prompt", "a cat", *options).code == 0
    first, second = (
        Media.open(tmp_path / f"text2img-000{number}.png").pixels().astype(int) for number in (1, 2)
    )
    assert np.abs(first - second).mean() < 5  # each has its own watermark


def test_inpainting_with_a_strict_mask(
    assay: Run, models: dict[str, Path], photograph: Path, mask: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = [*_options(models, "inpaint", out), "--image", photograph, "--mask", mask]

    outcome = assay("generate", "inpaint", "--prompt", "a hat", "--strict-mask", "inside", *options)

    assert outcome.code == 0
    finished = Media.open(out / "inpaint-0001.png").pixels()
    base = Media.open(photograph).pixels()
    outside = np.asarray(Image.open(mask)) < 128
    assert np.array_equal(finished[outside], base[outside])
    assert not np.array_equal(finished, base)
    assert read(out / "inpaint-0001.png").origin == "edited"


@pytest.mark.parametrize("task", ["img2img", "variation", "upscale"])
def test_from_a_base_image(
    assay: Run, models: dict[str, Path], photograph: Path, tmp_path: Path, task: str
) -> None:
    out = tmp_path / "out"
    base = photograph
    if task == "upscale":
        base = tmp_path / "small.png"
        Image.open(photograph).resize((48, 48)).save(base)
    options = _options(models, "upscale" if task == "upscale" else "text2img", out)
    more = ["--num-images", 2] if task == "variation" else []
    more += ["--prompt", "a cat"] if task == "img2img" else []

    outcome = assay("generate", task, "--image", base, *options, *more, "--json")

    assert outcome.code == 0
    assert len(outcome.documents) == (2 if task == "variation" else 1)
    credentials = read(Path(outcome.documents[0]["file"]))
    assert str(credentials.ingredients[0].relationship) == "parentOf"
    assert str(tmp_path).encode() not in Path(outcome.documents[0]["file"]).read_bytes()


def test_following_a_control_image(
    assay: Run, models: dict[str, Path], photograph: Path, tmp_path: Path
) -> None:
    options = [*_options(models, "text2img", tmp_path / "out"), *SIZE]
    control = ["--controlnet", models["controlnet"], "--control-image", photograph]
    outcome = assay("generate", "text2img", "--prompt", "a", *options, *control, "--json")
    assert outcome.code == 0
    [part] = read(Path(outcome.documents[0]["file"])).ingredients
    assert (part.title, str(part.relationship)) == ("control map", "inputTo")


def test_with_a_lora_from_a_file(assay: Run, models: dict[str, Path], tmp_path: Path) -> None:
    from diffusers import StableDiffusionPipeline
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    pipeline = StableDiffusionPipeline.from_pretrained(models["text2img"], local_files_only=True)
    pipeline.unet.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_v"]))
    layers = get_peft_model_state_dict(pipeline.unet)
    StableDiffusionPipeline.save_lora_weights(tmp_path / "lora", unet_lora_layers=layers)
    [file] = (tmp_path / "lora").iterdir()
    brush = file.rename(file.with_name("brush.safetensors"))

    options = [*_options(models, "text2img", tmp_path / "out"), *SIZE, "--lora", brush, "--json"]
    outcome = assay("generate", "text2img", "--prompt", "a", *options)

    assert outcome.code == 0
    credentials = read(Path(outcome.documents[0]["file"]))
    manifest = credentials.raw["reader"]["manifests"][credentials.manifest_label]
    [facts] = [a["data"] for a in manifest["assertions"] if a["label"] == "org.assay.generation"]
    [adapter] = facts["adapters"]
    assert (adapter["kind"], adapter["name"], adapter["active"]) == ("lora", "brush", True)
    sidecar = json.loads((tmp_path / "out" / "text2img-0001.json").read_text())
    assert sidecar["adapters"] == [adapter]


@pytest.mark.filterwarnings("ignore")  # codecarbon takes a warning for a failure and is silent
def test_energy_goes_to_the_settings_and_not_into_the_manifest(
    assay: Run, models: dict[str, Path], tmp_path: Path
) -> None:
    pytest.importorskip("codecarbon")
    options = [*_options(models, "text2img", tmp_path), *SIZE, "--energy", "FRA"]
    outcome = assay("generate", "text2img", "--prompt", "a", *options)
    assert outcome.code == 0
    assert "energy, an estimate: about" in outcome.err
    energy = json.loads((tmp_path / "text2img-0001.json").read_text())["energy"]
    assert energy["isEstimate"] is True
    assert energy["kWh"] > 0
    assert energy["country"] == "FRA"
    assert b"kWh" not in (tmp_path / "text2img-0001.png").read_bytes()


def test_text_to_video(assay: Run, models: dict[str, Path], tmp_path: Path) -> None:
    options = [*_options(models, "text2video", tmp_path), "--height", 128, "--width", 128]
    outcome = assay("generate", "text2video", "--prompt", "waves", "--num-frames", 5, *options)
    assert outcome.code == 0
    media = Media.open(tmp_path / "text2video-0001.mp4")
    assert media.frames == 5
    assert read(media).state == "trusted"


def test_image_to_video(
    assay: Run, models: dict[str, Path], photograph: Path, tmp_path: Path
) -> None:
    options = [*_options(models, "img2video", tmp_path / "out")]
    size = ["--height", 128, "--width", 128, "--num-frames", 4]
    outcome = assay("generate", "img2video", "--image", photograph, *size, *options)
    assert outcome.code == 0
    [part] = read(tmp_path / "out" / "img2video-0001.mp4").ingredients
    assert part.title == "first frame"


def test_odd_settings_are_announced(assay: Run, models: dict[str, Path], tmp_path: Path) -> None:
    options = [*_options(models, "text2img", tmp_path), "--guidance", 30]
    outcome = assay(
        "generate", "text2img", "--prompt", "a", *options, "--height", 96, "--width", 96
    )
    assert "2 steps are few" in outcome.err
    assert "guidance 30 is high" in outcome.err
    assert "far from the 256 pixels" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["text2img", "--prompt", "a", "--model", "/nowhere"], 3, "no such folder"),
        (["text2img", "--prompt", "a", "--model", "MODEL", "--height", "100"], 2, "multiple of 8"),
        (["text2img", "--prompt", "a", "--model", "MODEL", "--width", "0"], 2, "multiple of 8"),
        (["text2video", "--prompt", "a", "--model", "MODEL"], 2, "does not do text2video"),
        (["text2img", "--prompt", "a", "--model", "MODEL", "--device", "tpu"], 2, "auto, cpu"),
        (["text2img", "--prompt", "a", "--model", "MODEL", "--format", "gif"], 2, "png, jpg"),
        (["text2img", "--prompt", "a", "--model", "MODEL", "--controlnet", "x"], 2, "go together"),
        (["text2img", "--prompt", "a", "--model", "MODEL", "--energy", "Mars"], 2, "three letters"),
        (["img2img", "--prompt", "a", "--model", "MODEL", "--image", "/no.png"], 3, "not exist"),
    ],
)
def test_what_is_refused(
    assay: Run,
    models: dict[str, Path],
    tmp_path: Path,
    arguments: list[str],
    code: int,
    says: str,
) -> None:
    named = [str(models["text2img"]) if item == "MODEL" else item for item in arguments]
    outcome = assay("generate", *named, "--out", tmp_path / "out")
    assert outcome.code == code
    assert says in outcome.err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_model(assay: Run, tmp_path: Path) -> None:
    outcome = assay("generate", "text2img", "--prompt", "a", "--model", tmp_path)
    assert outcome.code == 3
    assert "cannot be loaded" in outcome.err


def test_masks_of_another_size_are_refused(
    assay: Run, models: dict[str, Path], photograph: Path, tmp_path: Path
) -> None:
    Image.new("L", (64, 64), 255).save(tmp_path / "mask.png")
    options = _options(models, "inpaint", tmp_path / "out")
    pictures = ["--image", photograph, "--mask", tmp_path / "mask.png"]
    outcome = assay("generate", "inpaint", "--prompt", "a", *pictures, *options)
    assert outcome.code == 2
    assert "the mask has 64 x 64" in outcome.err


def test_without_the_extra_it_is_named(
    assay: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from assay.provenance.generation import loading

    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    outcome = assay("generate", "text2img", "--prompt", "a", "--model", tmp_path)
    assert outcome.code == 2
    assert "assay[generate]" in outcome.err


def test_without_keys_nothing_is_generated(
    assay: Run, models: dict[str, Path], tmp_path: Path
) -> None:
    (settings().keys_folder / "watermark.key").unlink()
    options = [*_options(models, "text2img", tmp_path / "out"), *SIZE]
    outcome = assay("generate", "text2img", "--prompt", "a", *options)
    assert outcome.code == 3
    assert "assay keys init" in outcome.err


def test_help_loads_nothing_heavy() -> None:
    import subprocess

    code = (
        "import sys; from typer.testing import CliRunner; from assay.cli import app;"
        "r = CliRunner().invoke(app, ['generate', 'text2img', '--help']);"
        "assert r.exit_code == 0, r.output;"
        "heavy = {'torch', 'diffusers', 'transformers', 'c2pa', 'cv2', 'sqlalchemy'};"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
