"""What is no photograph is never called generated, whatever the model thinks of it."""

import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from assay.detector import score
from assay.detector.degradation import examine_condition
from assay.detector.domain import examine_domain
from assay.detector.linear import default_model

WORDS = ("provenance", "picture", "shown", "doubted", "where", "from")
FONT = font_manager.findfont("DejaVu Sans")


def drawn(figure: Figure) -> np.ndarray:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    return np.asarray(Image.open(buffer).convert("RGB"))


def bars(rng):
    figure = Figure((7, 5))
    figure.subplots().bar(range(8), rng.random(8))
    return drawn(figure)


def lines(rng):
    figure = Figure((7, 5))
    axes = figure.subplots()
    axes.plot(np.cumsum(rng.normal(size=(300, 4)), axis=0))
    axes.grid()
    return drawn(figure)


def pie(rng):
    figure = Figure((7, 5))
    figure.subplots().pie(rng.random(6), labels=list("abcdef"))
    return drawn(figure)


def density(rng):
    figure = Figure((7, 5))
    smooth = cv2.GaussianBlur(rng.random((100, 150)), (0, 0), 8)
    figure.subplots().imshow(smooth, cmap="magma")
    return drawn(figure)


def page(rng, paper=255, ink=20, noise=0.0):
    image = Image.new("RGB", (1000, 1300), (paper,) * 3)
    draw, font = ImageDraw.Draw(image), ImageFont.truetype(FONT, 22)
    for top in range(60, 1220, 35):
        draw.text((60, top), " ".join(rng.choice(WORDS, 9)), fill=(ink,) * 3, font=font)
    pixels = np.asarray(image).astype(float)
    if noise:
        light = cv2.resize(rng.normal(0, 3, (6, 5)), (1000, 1300), interpolation=cv2.INTER_CUBIC)
        pixels = cv2.GaussianBlur(pixels, (0, 0), 0.8) + light[..., None]
        pixels += rng.normal(0, noise, pixels.shape)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def scan(rng):
    return page(rng, paper=235, noise=3)


def screenshot(rng, dark=False):
    image = Image.new("RGB", (1440, 900), (30, 30, 34) if dark else (246, 246, 248))
    draw, font = ImageDraw.Draw(image), ImageFont.truetype(FONT, 18)
    draw.rectangle((0, 0, 1440, 48), fill=(50, 60, 90))
    draw.rectangle((0, 48, 230, 900), fill=(40, 42, 48) if dark else (228, 230, 236))
    ink = (220,) * 3 if dark else (20,) * 3
    for row in range(22):
        draw.text((20, 70 + row * 36), str(rng.choice(WORDS)), fill=ink, font=font)
        draw.text((260, 80 + row * 36), " ".join(rng.choice(WORDS, 8)), fill=ink, font=font)
    return np.asarray(image)


def dark_screenshot(rng):
    return screenshot(rng, dark=True)


def drawing(rng):
    image = Image.new("RGB", (900, 700), tuple(int(v) for v in rng.integers(150, 255, 3)))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y, reach = (int(v) for v in rng.integers(20, 700, 3))
        colour = tuple(int(v) for v in rng.integers(0, 255, 3))
        box = (x - reach / 4, y - reach / 4, x + reach / 4, y + reach / 5)
        draw.ellipse(box, fill=colour, outline=(0, 0, 0), width=4)
    return np.asarray(image)


def pencil(rng):
    image = Image.new("L", (900, 700), 245)
    draw = ImageDraw.Draw(image)
    for x, y, u, v in rng.integers(0, 900, (90, 4)):
        draw.line((x, y, (x + u) / 2, (y + v) / 2), fill=60, width=2)
    pixels = cv2.GaussianBlur(np.asarray(image).astype(float), (0, 0), 1)
    pixels += rng.normal(0, 3, pixels.shape)
    return np.repeat(np.clip(pixels, 0, 255).astype(np.uint8)[..., None], 3, 2)


def noise(rng):
    return rng.integers(0, 256, (600, 800, 3), dtype=np.uint8)


def gentle_noise(rng):
    return np.clip(rng.normal(128, 30, (600, 800, 3)), 0, 255).astype(np.uint8)


def gradient(rng):
    return np.repeat(np.tile(np.linspace(0, 255, 800), (600, 1))[..., None], 3, 2).astype(np.uint8)


def clouds(rng):
    smooth = cv2.GaussianBlur(rng.normal(0, 1, (600, 800, 3)), (0, 0), 30)
    return np.clip(128 + 4000 * smooth, 0, 255).astype(np.uint8)


def solid(rng):
    return np.full((600, 800, 3), rng.integers(0, 256, 3), np.uint8)


def black(rng):
    return np.zeros((600, 800, 3), np.uint8)


FOREIGN = (
    bars, lines, pie, density, page, scan, screenshot, dark_screenshot, drawing, pencil,
    noise, gentle_noise, gradient, clouds, solid, black,
)  # fmt: skip


def as_jpeg(pixels, quality=80):
    encoded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1])


def eager_model():
    """Claims whatever no gate objects to."""
    model = default_model()
    return replace(model, threshold=-1e9, stability=-1e9, domain=1.0, card=dict(model.card))


@pytest.mark.parametrize("make", FOREIGN, ids=lambda make: make.__name__)
@pytest.mark.parametrize("deliver", [np.ascontiguousarray, as_jpeg], ids=["png", "jpeg"])
def test_what_is_no_photograph_is_out_of_domain(make, deliver):
    pixels = deliver(make(np.random.default_rng(7)))
    result = score(pixels, model=eager_model())
    assert result.abstained
    assert result.gate in ("domain", "degradation")
    assert result.reason


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "flower", "china"])
def test_photographs_are_in_the_domain(name, request):
    photograph = request.getfixturevalue(name)
    assert examine_domain(photograph).objection() is None
    assert examine_condition(photograph).objection() is None
    assert score(photograph, model=eager_model()).gate is None


@pytest.mark.parametrize(("before", "after"), [(512, 2048), (180, 720)])
def test_enlargement_is_noticed(astronaut, before, after):
    small = cv2.resize(astronaut, (before, before), interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, (after, after), interpolation=cv2.INTER_CUBIC)
    result = score(large, model=eager_model())
    assert result.gate == "degradation"
    assert "enlarged" in result.reason


def test_hard_compression_is_noticed(coffee):
    result = score(as_jpeg(coffee, 5), model=eager_model())
    assert result.gate in ("degradation", "domain")
    assert "compress" in result.reason


def test_small_pictures_are_noticed(coffee):
    small = cv2.resize(coffee, (300, 200), interpolation=cv2.INTER_AREA)
    assert "too small" in score(small, model=eager_model()).reason
    dot = score(np.full((8, 8, 3), 90, np.uint8), model=eager_model())
    assert dot.gate == "degradation"
    assert "too small: the shorter side is 8 px" in dot.reason


def test_gates_object_in_their_order(coffee):
    model = eager_model()
    assert score(coffee, model=replace(model, threshold=1e9)).gate == "threshold"
    assert score(coffee, model=replace(model, stability=1e9)).gate == "stability"
    assert score(coffee, model=replace(model, domain=-1.0)).gate == "domain"
    distrusted = replace(model, card={**model.card, "trustworthy": False})
    assert score(coffee, model=distrusted).gate == "model"
