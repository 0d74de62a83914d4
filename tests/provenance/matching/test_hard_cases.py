"""Pictures that are alike without being copies, and copies that try not to look alike."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from assay.provenance.matching import PoisonousWork, Registry
from assay.provenance.matching.hamming import distance
from assay.provenance.matching.normalising import normalise_v0
from assay.provenance.matching.pdq import FREQUENCIES, GRID, SmoothLuma, pdq_v0
from tests.provenance.matching.test_index import fill, moved, random_codes

Pixels = NDArray[np.uint8]
Artist = Callable[[np.random.Generator], Pixels]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry.sqlite")


def logo(generator: np.random.Generator) -> Pixels:
    picture = Image.new("RGB", (400, 400), "white")
    draw = ImageDraw.Draw(picture)
    margin = int(generator.integers(60, 110))
    colour = tuple(int(level) for level in generator.integers(0, 200, 3))
    draw.ellipse((margin, margin, 400 - margin, 400 - margin), fill=colour)
    draw.text((165, 140), "ABCDEFGHKMNPRS"[generator.integers(14)], "white", font_size=100)
    return np.asarray(picture)


def chart(generator: np.random.Generator) -> Pixels:
    picture = Image.new("RGB", (640, 480), "white")
    draw = ImageDraw.Draw(picture)
    draw.line([(60, 20), (60, 430), (620, 430)], fill="black", width=2)
    heights = np.clip(np.cumsum(generator.integers(-18, 19, 70)) + 225, 30, 420)
    line = [(60 + 8 * step, int(height)) for step, height in enumerate(heights)]
    draw.line(line, fill=(31, 119, 180), width=3)
    return np.asarray(picture)


def page(generator: np.random.Generator) -> Pixels:
    picture = Image.new("RGB", (600, 800), "white")
    draw = ImageDraw.Draw(picture)
    letters = np.array(list("etaoinshrdlucmfwyp     "))
    for y in range(50, 750, 20):
        draw.text((60, y), "".join(generator.choice(letters, 58)), "black", font_size=15)
    return np.asarray(picture)


def template(generator: np.random.Generator, photograph: Pixels) -> Pixels:
    picture = Image.fromarray(photograph)
    draw = ImageDraw.Draw(picture)
    for y in (8, picture.height - 60):
        text = "".join(generator.choice(np.array(list("ETAOINSHRDLU ")), 20))
        draw.text((20, y), text, "white", font_size=40, stroke_width=3, stroke_fill="black")
    return np.asarray(picture)


def test_alike_artwork_never_matches_unreviewed(registry: Registry, china: Pixels) -> None:
    kinds: dict[str, Artist] = {
        "logo": logo,
        "chart": chart,
        "page": page,
        "template": lambda generator: template(generator, china),
    }
    drawn = {
        f"{kind}-{number}": artist(np.random.default_rng(number))
        for kind, artist in kinds.items()
        for number in range(8)
    }
    for name, pixels in list(drawn.items())[::2]:
        registry.add(pixels, {"id": name})

    for name, pixels in list(drawn.items())[1::2]:
        assert [m.work_id for m in registry.match(pixels) if m.decision == "match"] == [], name


def test_the_same_artwork_does_match(registry: Registry) -> None:
    pixels = chart(np.random.default_rng(1))
    registry.add(pixels, {"id": "chart"})
    smaller = np.asarray(Image.fromarray(pixels).resize((480, 360), Image.Resampling.LANCZOS))

    assert [(m.work_id, m.decision) for m in registry.match(smaller)] == [("chart", "match")]


def test_the_same_logo_in_another_colour_is_reviewed(registry: Registry) -> None:
    pixels = logo(np.random.default_rng(1))
    registry.add(pixels, {"id": "logo"})
    recoloured = np.ascontiguousarray(pixels[:, :, ::-1])

    assert [m.decision for m in registry.match(np.rot90(pixels))] == ["match"]
    assert [m.decision for m in registry.match(recoloured)] == ["review"]


def test_declared_kind_asks_for_geometry(registry: Registry, china: Pixels) -> None:
    registry.add(china, {"id": "t", "kind": "template"})
    blurred = cv2.GaussianBlur(china, (0, 0), 14)

    assert all(m.decision == "review" for m in registry.match(np.asarray(blurred, np.uint8)))


def push(pixels: Pixels, wanted: NDArray[np.bool_], steps: int, margin: float = 1.0) -> Pixels:
    """White-box attack on PDQ: move DCT coefficients to the wanted side of their median."""
    k = np.arange(1, FREQUENCIES + 1)[:, None]
    dct = np.sqrt(2 / GRID) * np.cos(np.pi / 2 / GRID * k * (2 * np.arange(GRID)[None, :] + 1))
    height, width = pixels.shape[:2]
    moved_to = pixels.astype(np.float32)
    for _ in range(steps):
        rounded = np.clip(moved_to, 0, 255).astype(np.uint8)
        coefficients = dct @ SmoothLuma.of(normalise_v0(rounded)).grid() @ dct.T
        middle = coefficients - np.median(coefficients)
        short = np.where(wanted, np.maximum(0, margin - middle), -np.maximum(0, margin + middle))
        change = cv2.resize((dct.T @ short @ dct).astype(np.float32), (width, height))
        moved_to = np.clip(moved_to + change[..., None], 0, 255)
    return np.rint(moved_to).astype(np.uint8)


def signs(pixels: Pixels) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    k = np.arange(1, FREQUENCIES + 1)[:, None]
    dct = np.sqrt(2 / GRID) * np.cos(np.pi / 2 / GRID * k * (2 * np.arange(GRID)[None, :] + 1))
    coefficients = dct @ SmoothLuma.of(normalise_v0(pixels)).grid() @ dct.T
    middle = coefficients - np.median(coefficients)
    return np.abs(middle), middle > 0


def psnr(first: Pixels, second: Pixels) -> float:
    return float(10 * np.log10(255**2 / np.mean((first.astype(float) - second) ** 2)))


def test_evasion_at_40_db_is_still_found(registry: Registry, coffee: Pixels) -> None:
    registry.add(coffee, {"id": "coffee"})
    size, positive = signs(coffee)
    wanted = positive.copy()
    wanted.ravel()[np.argsort(size.ravel())[:48]] ^= True
    evading = push(coffee, wanted, 12)
    assert psnr(coffee, evading) > 38
    assert distance(pdq_v0(normalise_v0(coffee))[0], pdq_v0(normalise_v0(evading))[0]) > 31

    assert [(m.work_id, m.decision) for m in registry.match(evading)] == [("coffee", "match")]


def test_forged_collision_is_not_accepted(
    registry: Registry, coffee: Pixels, china: Pixels
) -> None:
    registry.add(china, {"id": "china"})
    _, target = signs(china)
    forged = push(coffee, target, 60, margin=4.0)
    hashes = [pdq_v0(normalise_v0(pixels))[0] for pixels in (forged, china)]
    assert distance(*hashes) <= 31

    assert [m for m in registry.match(forged) if m.decision != "review"] == []


def test_picture_near_many_works_is_refused(registry: Registry, coffee: Pixels) -> None:
    code = pdq_v0(normalise_v0(coffee))[0]
    near = moved(np.frombuffer(code * 5, "<u8").reshape(5, 4), np.full(5, 26))
    apart = [distance(a.tobytes(), b.tobytes()) for a, b in itertools.combinations(near, 2)]
    assert min(apart) > 31
    fill(registry, np.concatenate([near, random_codes(20)]), random_codes(25, seed=4))

    with pytest.raises(PoisonousWork):
        registry.add(coffee, {"id": "coffee"})

    assert registry.stats()["works"] == 25
