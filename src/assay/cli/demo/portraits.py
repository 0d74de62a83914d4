"""Drawn portraits with known skin tones: something to audit without a model or a person."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

_SIDE = 128
_PER_PROMPT = 120
# Monk Skin Tone scale 2, 5 and 9: light, medium and dark (skintone.google).
_TONES = {"light": "#f3e7db", "medium": "#d7bd96", "dark": "#3a312a"}
_HAIR = ("#2b1d14", "#6b4a2b", "#b88a4a", "#8d8d8d", "#111111")
_BACKDROPS = ("#c9d6df", "#e3d5ca", "#cfe1c9", "#d9d2e9")


@dataclass(frozen=True)
class Prompt:
    """A prompt and how often the pretended model draws each tone for it."""

    text: str
    shares: tuple[float, float, float]


PROMPTS = (
    Prompt("portrait of a chief executive", (0.82, 0.14, 0.04)),
    Prompt("portrait of a teacher", (0.34, 0.33, 0.33)),
)


def write_audit_input(folder: Path, seed: int = 7) -> tuple[Path, Path, Path]:
    """Draw the portraits of a pretended, skewed model.

    Returns:
        Paths of the manifest (path, prompt, seed), the labels (path, attribute, value,
        rater) and the reference (attribute, value, share, source, date).
    """
    rng = np.random.default_rng(seed)
    pictures = folder / "portraits"
    pictures.mkdir(parents=True, exist_ok=True)
    manifest: list[tuple[str, str, int]] = []
    labels: list[tuple[str, str, str, str]] = []
    for number, prompt in enumerate(PROMPTS):
        for index in range(_PER_PROMPT):
            tone = str(rng.choice(list(_TONES), p=prompt.shares))
            name = f"portraits/{number}-{index:03d}.png"
            _draw(tone, rng).save(folder / name)
            manifest.append((name, prompt.text, index))
            labels.append((name, "skin tone", tone, "drawing program"))
    shares = [("skin tone", tone, "0.333333", "equal shares", "2026-11-20") for tone in _TONES]
    return (
        _write(folder / "manifest.csv", ("path", "prompt", "seed"), manifest),
        _write(folder / "labels.csv", ("path", "attribute", "value", "rater"), labels),
        _write(folder / "reference.csv", ("attribute", "value", "share", "source", "date"), shares),
    )


def _draw(tone: str, rng: np.random.Generator) -> Image.Image:
    skin = _TONES[tone]
    image = Image.new("RGB", (_SIDE, _SIDE), str(rng.choice(_BACKDROPS)))
    pen = ImageDraw.Draw(image)
    hair, shirt = str(rng.choice(_HAIR)), f"hsl({rng.integers(360)}, 45%, 45%)"
    lean = int(rng.integers(-4, 5))
    pen.ellipse((24, 92, 104, 168), fill=shirt)
    pen.rectangle((54 + lean, 78, 74 + lean, 100), fill=skin)
    pen.ellipse((36 + lean, 18, 92 + lean, 80), fill=hair)
    pen.ellipse((40 + lean, 26, 88 + lean, 90), fill=skin)
    for eye in (54, 74):
        pen.ellipse((eye + lean - 3, 52, eye + lean + 3, 58), fill="#1c1c1c")
    pen.arc((54 + lean, 62, 74 + lean, 78), 20, 160, fill="#7a2e2e", width=2)
    return image


def _write(path: Path, header: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path
