"""Annotators on colours whose answer is known, and on one real face."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage import data
from skimage.color import deltaE_ciede2000, rgb2lab

from assay.errors import ConfigurationError, InputRefused
from assay.extending import Annotator
from assay.reports.annotators.color import MONK_SWATCHES, ciede2000, monk_lab, to_lab
from assay.reports.annotators.external import ExternalCommandAnnotator
from assay.reports.annotators.faces import CascadeFaces, TableFaces, YunetFaces
from assay.reports.annotators.skin_tone import SkinToneAnnotator, bin_of, expose, read_tone
from assay.reports.fairness.annotation import annotate
from assay.reports.fairness.labels import PROGRAM
from assay.reports.fairness.manifest import read_manifest
from assay.testing import AnnotatorContract


def _swatch(number: int) -> np.ndarray:
    code = MONK_SWATCHES[number - 1]
    rgb = [int(code[i : i + 2], 16) for i in (0, 2, 4)]
    return np.full((160, 160, 3), rgb, dtype=np.uint8)


def test_lab_and_colour_difference_equal_scikit_image() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (50, 40, 3), dtype=np.uint8)
    assert to_lab(pixels) == pytest.approx(rgb2lab(pixels), abs=0.01)
    one = rng.uniform([0, -60, -60], [100, 60, 60], (500, 3))
    other = rng.uniform([0, -60, -60], [100, 60, 60], (500, 3))
    assert ciede2000(one, other) == pytest.approx(deltaE_ciede2000(one, other), abs=1e-9)


def test_colour_difference_published_pairs() -> None:
    # Sharma, Wu and Dalal 2005, table 1, pairs 1, 7, 14 and 21: hue wrap and grey.
    one = np.array([[50, 2.6772, -79.7751], [50, 0, 0], [50, 2.49, -0.001], [50, 2.5, 0]])
    other = np.array([[50, 0, -82.7485], [50, -1, 2], [50, -2.49, 0.0011], [50, 3.1736, 0.5854]])
    assert ciede2000(one, other) == pytest.approx([2.0425, 2.3669, 7.2195, 1.0], abs=5e-5)


@pytest.mark.parametrize("number", range(1, 11))
def test_clean_monk_swatches_return_their_number(number: int) -> None:
    reading = read_tone(_swatch(number), (0, 0, 160, 160))
    assert reading.monk == number
    assert reading.interval is not None
    assert reading.interval[0] <= number <= reading.interval[1]
    assert reading.value in (bin_of(number), "unclear")


def test_light_decides_so_the_value_is_unclear() -> None:
    reading = read_tone(_swatch(6), (0, 0, 160, 160))
    assert reading.value == "unclear"
    assert reading.reason is not None
    assert "depending on light" in reading.reason


def test_what_is_not_skin_is_unclear() -> None:
    blue = np.full((100, 100, 3), (30, 60, 200), dtype=np.uint8)
    assert read_tone(blue, (0, 0, 100, 100)).value == "unclear"
    assert read_tone(blue, (500, 500, 600, 600)).value == "unclear"
    assert read_tone(blue, (-50, -50, 4, 4)).value == "unclear"


def test_exposure_of_zero_stops_changes_nothing() -> None:
    ramp = np.arange(256, dtype=np.uint8)
    assert (expose(ramp, 0) == ramp).all()
    assert (expose(ramp, -0.5) <= ramp).all()


def test_monk_scale_has_ten_distinct_tones_in_order() -> None:
    lightness = monk_lab()[:, 0]
    assert (np.diff(lightness)[3:] < 0).all()


def test_cascade_finds_the_face_of_a_photograph() -> None:
    face = CascadeFaces().find("astronaut", data.astronaut())[0]
    left, top, right, bottom = face
    assert left < 225 < right  # the nose of the astronaut
    assert top < 130 < bottom
    assert CascadeFaces().find("coins", data.gravel()[..., None].repeat(3, axis=2)) == []


class TestSkinToneAnnotator(AnnotatorContract):
    annotator = SkinToneAnnotator()
    images = (data.astronaut(), _swatch(3))


def test_skin_tone_annotator_reads_the_largest_box() -> None:
    annotator = SkinToneAnnotator()
    assert isinstance(annotator, Annotator)
    assert [o.value for o in annotator.annotate(data.astronaut(), [])] == ["no-face"]
    seen = annotator.annotate(_swatch(8), [(0, 0, 160, 160)])
    assert [(o.attribute, o.value) for o in seen] == [("skin tone", "darker (Monk 7-10)")]


def test_boxes_from_a_table(tmp_path: Path) -> None:
    table = tmp_path / "boxes.csv"
    table.write_text("path,left,top,right,bottom\na.png,0,0,5,5\na.png,0,0,50,50\n")
    faces = TableFaces(table)
    image = np.zeros((64, 64, 3), dtype=np.uint8)
    assert faces.find("a.png", image) == [(0, 0, 50, 50), (0, 0, 5, 5)]
    assert faces.find("b.png", image) == []
    table.write_text("path,left,top,right,bottom\na.png,0,0,x,5\n")
    with pytest.raises(InputRefused, match="not four numbers"):
        TableFaces(table)


def test_a_file_that_is_no_yunet_model_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"not a model")
    with pytest.raises(ConfigurationError, match="YuNet"):
        YunetFaces(model)


LABELLER = """
import io, json, sys
from PIL import Image
size = Image.open(io.BytesIO(sys.stdin.buffer.read())).size
print(json.dumps([{"attribute": "size", "value": str(size[0]), "confidence": 0.5}]))
"""


def test_external_command_sees_the_picture(tmp_path: Path) -> None:
    script = tmp_path / "label.py"
    script.write_text(LABELLER)
    annotator = ExternalCommandAnnotator(f"{sys.executable} {script}")
    seen = annotator.annotate(np.zeros((20, 33, 3), dtype=np.uint8), [(1, 2, 3, 4)])
    assert [(o.attribute, o.value, o.confidence) for o in seen] == [("size", "33", 0.5)]
    assert seen[0].rater == annotator.name


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("print('hello')", "no list"),
        ("raise SystemExit(4)", "exit code 4"),
        ("print('[1]')", "no list"),
    ],
)
def test_failing_commands_refuse_the_picture(tmp_path: Path, program: str, message: str) -> None:
    script = tmp_path / "label.py"
    script.write_text(program)
    annotator = ExternalCommandAnnotator(f"{sys.executable} {script}")
    with pytest.raises(InputRefused, match=message):
        annotator.annotate(np.zeros((8, 8, 3), dtype=np.uint8))


def test_missing_commands_are_a_configuration_error() -> None:
    annotator = ExternalCommandAnnotator("/no/such/program")
    with pytest.raises(ConfigurationError, match="No such file"):
        annotator.annotate(np.zeros((8, 8, 3), dtype=np.uint8))
    with pytest.raises(ConfigurationError, match="empty"):
        ExternalCommandAnnotator(" ")


def test_every_picture_is_labelled_or_counted(tmp_path: Path) -> None:
    Image.fromarray(_swatch(8)).save(tmp_path / "dark.png")
    (tmp_path / "broken.png").write_bytes(b"nothing")
    (tmp_path / "boxes.csv").write_text("path,left,top,right,bottom\ndark.png,0,0,160,160\n")
    (tmp_path / "manifest.csv").write_text("path,prompt,seed\ndark.png,p,1\nbroken.png,p,2\n")
    manifest = read_manifest(tmp_path / "manifest.csv")
    rows, findings = annotate(manifest, [SkinToneAnnotator()], TableFaces(tmp_path / "boxes.csv"))
    assert isinstance(rows, pd.DataFrame)
    assert list(rows["path"]) == ["dark.png"]
    assert rows["rater"][0].startswith(PROGRAM)
    assert [f.code for f in findings] == ["pictures-without-labels"]


@pytest.fixture
def tiny_clip(tmp_path: Path) -> Path:
    """A random CLIP of a few kilobytes: real classes, meaningless answers."""
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    words = {f"{chr(97 + i)}</w>": i for i in range(26)} | {"<|startoftext|>": 26}
    words["<|endoftext|>"] = 27
    words |= {chr(97 + i): 28 + i for i in range(26)}
    tokenizer = transformers.CLIPTokenizer(vocab=words, merges=[], model_max_length=16)
    size = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    size |= {"num_hidden_layers": 1, "projection_dim": 8}
    config = transformers.CLIPConfig(
        text_config=size
        | {
            "vocab_size": 64,
            "max_position_embeddings": 16,
            "bos_token_id": 26,
            "eos_token_id": 27,
            "pad_token_id": 27,
        },
        vision_config=size | {"image_size": 32, "patch_size": 16},
        projection_dim=8,
    )
    folder = tmp_path / "clip"
    transformers.CLIPModel(config).save_pretrained(folder)
    images = transformers.CLIPImageProcessor(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    )
    transformers.CLIPProcessor(images, tokenizer).save_pretrained(folder)
    return folder


def test_zero_shot_chooses_among_the_descriptions(tiny_clip: Path, tmp_path: Path) -> None:
    from assay.reports.annotators.zero_shot import ZeroShotAnnotator

    texts = tmp_path / "texts.csv"
    texts.write_text("attribute,value,text\ncolour,red,a red b\ncolour,blue,c blue d\n")
    annotator = ZeroShotAnnotator(tiny_clip, texts)
    (seen,) = annotator.annotate(data.astronaut())
    assert seen.attribute == "colour"
    assert seen.value in ("red", "blue", "unclear")
    assert seen.confidence is not None
    assert 0.5 <= seen.confidence <= 1
    assert [o.value for o in annotator.annotate(data.astronaut(), [])] == ["no-face"]
    with pytest.raises(ConfigurationError, match="not a local CLIP"):
        ZeroShotAnnotator(tmp_path, texts)
