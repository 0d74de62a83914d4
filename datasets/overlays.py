"""Captions, badges, screenshots and stock lettering: what is put over or around a copy."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from assay.datasets.laundering_suite import Pixels, jpeg, resized

# fmt: off
_WORDS = [
    "when", "the", "new", "update", "drops", "and", "nobody", "reads", "the", "patch",
    "notes", "breaking", "news", "exclusive", "follow", "for", "more", "share", "this",
]
# fmt: on


def overlaid_text(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """A line of outlined capitals, a tenth of the height, at the top or the bottom."""
    picture = Image.fromarray(pixels)
    draw = ImageDraw.Draw(picture)
    size = picture.height * 0.1
    place = (picture.width * 0.04, picture.height * (0.04 if generator.random() < 0.5 else 0.84))
    draw.text(
        place,
        _sentence(generator, 4).upper(),
        font=_font(size),
        fill="white",
        stroke_width=max(1, int(size * 0.08)),
        stroke_fill="black",
    )
    return np.array(picture)


def corner_logo(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """A round badge, a fifth of the shorter side, in one corner."""
    picture = Image.fromarray(pixels)
    draw = ImageDraw.Draw(picture)
    side = int(min(picture.size) * 0.2)
    left, top = (
        int(generator.choice([0.02 * length, 0.98 * length - side])) for length in picture.size
    )
    colour = tuple(int(level) for level in generator.integers(0, 256, 3))
    draw.ellipse((left, top, left + side, top + side), fill=colour)
    letter = "ABCDEFGH"[int(generator.integers(8))]
    draw.text((left + side * 0.2, top + side * 0.2), letter, font=_font(side * 0.5), fill="white")
    return np.array(picture)


def meme_caption(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """A white bar above, a fifth of the height, with two lines of black text."""
    bar = int(pixels.shape[0] * 0.2)
    picture = Image.fromarray(np.pad(pixels, ((bar, 0), (0, 0), (0, 0)), constant_values=255))
    draw = ImageDraw.Draw(picture)
    for line in (0.1, 0.5):
        place = (picture.width * 0.03, bar * line)
        draw.text(place, _sentence(generator, 5), font=_font(bar * 0.3), fill="black")
    return np.array(picture)


def app_screenshot(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Shown in the feed of a phone's app, 720 pixels wide, captured as JPEG 85."""
    width, header, footer = 720, 150, 220
    height = max(8, round(pixels.shape[0] * width / pixels.shape[1]))
    screen = Image.new("RGB", (width, header + height + footer), (250, 250, 250))
    draw = ImageDraw.Draw(screen)
    draw.text((20, 12), "9:41", font=_font(26), fill="black")
    draw.text((600, 12), "5G 87%", font=_font(24), fill="black")
    colour = tuple(int(level) for level in generator.integers(0, 256, 3))
    draw.ellipse((20, 70, 80, 130), fill=colour)
    user = f"user_{generator.integers(100, 9999)}"
    draw.text((95, 75), user, font=_font(28), fill="black")
    draw.text((95, 105), "2h ago", font=_font(20), fill="gray")
    screen.paste(Image.fromarray(resized(pixels, width, height)), (0, header))
    below = header + height
    for button in range(4):
        left = 20 + button * 80
        draw.rectangle((left, below + 20, left + 45, below + 65), outline="black", width=4)
    likes = f"{generator.integers(3, 99999)} likes"
    draw.text((20, below + 90), likes, font=_font(28), fill="black")
    draw.text((20, below + 135), _sentence(generator, 6), font=_font(26), fill="black")
    return jpeg(85)(np.array(screen), generator)


def stock_watermark(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Rows of slanted half-transparent lettering over everything."""
    height, width = pixels.shape[:2]
    mask = Image.new("L", (int(width * 1.6), int(height * 1.6)))
    draw = ImageDraw.Draw(mask)
    for y in range(0, mask.height, max(10, int(height * 0.22))):
        for x in range(0, mask.width, max(20, int(width * 0.45))):
            draw.text((x, y), "STOCKPIX", font=_font(height * 0.09), fill=int(255 * 0.35))
    left, top = int(width * 0.3), int(height * 0.3)
    mask = mask.rotate(30).crop((left, top, left + width, top + height))
    picture = Image.fromarray(pixels)
    picture.paste(Image.new("RGB", picture.size, "white"), (0, 0), mask)
    return np.array(picture)


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=max(8, int(size)))


def _sentence(generator: np.random.Generator, words: int) -> str:
    return " ".join(generator.choice(_WORDS, words, replace=False))
