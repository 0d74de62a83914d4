"""A score comes with words, a heat map, a spectrum and maps that anyone can open."""

import io
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from assay.detector import explain
from assay.detector.drawing import coloured
from assay.detector.explanation import maps, reasons
from assay.detector.models import Component, Reading
from assay.encoding import encode_jpeg, encode_png
from assay.media import Media
from assay.reports.verification import page_of

FROM_PIXELS = {
    "heatmap",
    "spectrum",
    "error-level",
    "jpeg-ghost",
    "colour-filter",
    "noise-level",
}


@pytest.fixture(scope="module")
def explanation(coffee):
    return explain(coffee)


@pytest.fixture(scope="module")
def coffee():
    from skimage import data

    return np.asarray(data.coffee(), np.uint8)


def test_pixels_give_every_map_as_png(explanation):
    assert set(explanation.maps) == FROM_PIXELS
    for png in explanation.maps.values():
        with Image.open(io.BytesIO(png)) as image:
            assert image.format == "PNG"
            assert max(image.size) <= 1000


def test_only_the_heat_map_and_the_spectrum_belong_to_the_score(explanation):
    own = {plate.name for plate in explanation.plates if not plate.exploratory}
    assert own == {"heatmap", "spectrum"}
    assert all(plate.caption and plate.title for plate in explanation.plates)


def test_reasons_name_the_heaviest_groups_with_their_direction(explanation):
    found = reasons(explanation.score)
    assert list(explanation.reasons) == found
    weights = [float(text.split(", ")[-1].split()[0]) for text in found]
    assert weights == sorted(weights, key=lambda value: -abs(value))
    for text, weight in zip(found, weights, strict=True):
        assert ("for generation" in text) == (weight > 0)


def test_a_jpeg_has_one_map_more(coffee):
    assert set(maps(Media.from_bytes(encode_jpeg(coffee, 90)))) == {
        *FROM_PIXELS,
        "double-quantisation",
    }


def test_a_tiny_picture_is_explained_without_maps():
    tiny = Media.from_bytes(encode_png(np.zeros((16, 16, 3), np.uint8)))
    assert set(maps(tiny)) == {"heatmap", "spectrum"}


def test_colours_are_ordered_by_lightness():
    ramp = coloured(np.linspace(0, 1, 20, dtype=np.float32)[None].repeat(5, 0), 0, 1)
    lightness = ramp[0].astype(float) @ [0.299, 0.587, 0.114]
    assert (np.diff(lightness) >= -1).all()
    assert lightness[-1] > lightness[0] + 100


def test_the_report_shows_them_folded_and_labelled(coffee):
    from assay.detector import DetectorExaminer
    from assay.detector.verify import verify

    media = Media.from_bytes(encode_png(coffee))
    page = page_of(verify(media, examiners={"detector": DetectorExaminer()}), media)
    assert '<details class="explanation">' in page
    assert page.index("Spectrum against real pictures") < page.index("Exploratory maps")
    for name in FROM_PIXELS:
        assert f'id="plate-{name}"' in page
    assert "take no part in any score" in page


class _Opaque:
    """A model that works neither by place nor by feature group."""

    name, version = "opaque", "1"
    card: ClassVar[dict[str, object]] = {"threshold": {"worst_source_fpr": 0.0}}
    threshold = stability = 0.0
    objection = ""

    def read(self, pixels):
        return Reading(np.array([pixels.mean() / 255 - 2]), (Component("opaque", "1", -2.0),))


def test_without_a_frequency_model_only_exploratory_maps_remain(coffee):
    explanation = explain(coffee, model=_Opaque())
    assert explanation.reasons == ()
    assert set(explanation.maps) == FROM_PIXELS - {"heatmap", "spectrum"}
    assert all(plate.exploratory for plate in explanation.plates)


@pytest.mark.parametrize("shape", [(8, 900), (900, 8), (65, 65), (161, 400), (8, 8)])
def test_odd_sizes_are_explained(shape):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert {"heatmap", "spectrum"} <= set(maps(Media.from_bytes(encode_jpeg(pixels, 80))))
