"""Pictures for the demo: real photographs that ship with Assay, and generated ones.

With the `generate` extra installed the generated picture comes out of a diffusers pipeline
(tiny, untrained, built on the spot: no weights are downloaded); without it, out of a
procedural landscape generator.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

PHOTOGRAPHS = ("chelsea.png", "coffee.png", "rocket.jpg")
_HEIGHT, _WIDTH = 512, 768


def copy_photographs(folder: Path) -> list[Path]:
    """Copy the photographs that ship with Assay into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    copies = []
    for name in PHOTOGRAPHS:
        with as_file(files("assay.datasets") / "photographs" / name) as source:
            copies.append(folder / name)
            copies[-1].write_bytes(source.read_bytes())
    return copies


def generated(seed: int) -> tuple[Pixels, str]:
    """A generated picture and the name of what generated it."""
    if find_spec("diffusers") and find_spec("torch"):
        from assay.cli.demo.diffusion import tiny_diffusion

        return tiny_diffusion(seed), "tiny untrained diffusers pipeline"
    return landscape(seed), "procedural landscape generator"


def landscape(seed: int) -> Pixels:
    """A fractal mountain landscape at dusk, 512x768 sRGB uint8."""
    rng = np.random.default_rng(seed)
    rows = np.linspace(0, 1, _HEIGHT)[:, None, None]
    hue = rng.uniform(0, 40)
    high, low = np.array([60.0 + hue, 92, 150]), np.array([245.0, 190 - hue, 140 + hue / 2])
    picture = high * (1 - rows) ** 1.3 + low * (1 - (1 - rows) ** 1.3)
    picture = np.repeat(picture, _WIDTH, axis=1) + 26 * _fractal(rng, 1.9)[..., None]
    _sun(picture, rng)
    for depth in np.linspace(0.25, 1.0, 5):
        _ridge(picture, rng, depth, np.array([52.0 + hue, 60, 88]))
    picture += rng.normal(0, 1.2, picture.shape)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _fractal(rng: np.random.Generator, slope: float) -> NDArray[np.float64]:
    """Noise with a 1/f^slope amplitude spectrum, zero mean and unit deviation."""
    spectrum = np.fft.rfft2(rng.normal(size=(_HEIGHT, _WIDTH)))
    radius = np.hypot(np.fft.fftfreq(_HEIGHT)[:, None], np.fft.rfftfreq(_WIDTH)[None])
    radius[0, 0] = np.inf
    noise = np.fft.irfft2(spectrum / radius**slope, (_HEIGHT, _WIDTH))
    return np.asarray((noise - noise.mean()) / noise.std())


def _sun(picture: NDArray[np.float64], rng: np.random.Generator) -> None:
    y, x = np.mgrid[:_HEIGHT, :_WIDTH]
    centre = rng.uniform(0.2, 0.8) * _WIDTH, rng.uniform(0.15, 0.4) * _HEIGHT
    distance = np.hypot(x - centre[0], y - centre[1])
    glow = 90 * np.exp(-distance / 90) + 60 / (1 + np.exp((distance - 26) / 2.5))
    picture += glow[..., None] * np.array([1.0, 0.85, 0.6])


def _ridge(
    picture: NDArray[np.float64],
    rng: np.random.Generator,
    depth: float,
    colour: NDArray[np.float64],
) -> None:
    """Paint one mountain range; `depth` runs from 0 (far, hazy) to 1 (near, dark)."""
    steps = rng.normal(size=_WIDTH)
    spectrum = np.fft.rfft(steps) / np.maximum(np.arange(_WIDTH // 2 + 1), 2) ** (1.9 - depth / 2)
    line = np.fft.irfft(spectrum, _WIDTH)
    height = _HEIGHT * (0.42 + 0.46 * depth) - 60 * line / np.abs(line).max()
    below = np.arange(_HEIGHT)[:, None] > height[None, :]
    texture = 1 + 0.22 * _fractal(rng, 1.1) * (0.3 + depth)
    shade = (colour * (1.6 - 1.15 * depth))[None, None] * texture[..., None]
    picture[below] = shade[below]
