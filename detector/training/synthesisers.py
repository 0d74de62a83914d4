"""Aligned fakes: photographs re-drawn through many small decoders that we train on them.

A re-drawn photograph shows the same scene, from the same camera, at the same size as the real
one; only the decoder's traces differ (the idea of "Aligned Datasets Improve Detection of Latent
Diffusion-Generated Images", Rajan et al. 2024, with decoders of our own).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from assay.datasets.manifests import Row, write_manifest
from assay.detector.labels import SYNTHESISER
from assay.detector.neutralisation import reduce
from assay.detector.training.renditions import write_png
from assay.detector.training.synthesiser_models import KINDS, Synthesiser
from assay.errors import InputRefused
from assay.files import atomic_path
from assay.media import Media

Pixels = NDArray[np.uint8]
Steps = Callable[[Iterable[int], int], Iterable[int]]
Progress = Callable[[Iterable[Row], int], Iterable[Row]]

_PATCH = 64
_BATCH = 16
_LEARNING_RATE = 2e-3
# Sides must divide by 8 pixels a token times 8 tokens a window; the rest is cut off.
_MULTIPLE = 64
# Photographs held in memory while decoders are trained.
_TRAINING_PICTURES = 200
_ENERGY_WEIGHT = 0.05


@dataclass(frozen=True)
class Redrawn:
    """What `redraw` wrote.

    Attributes:
        manifest: rows of the re-drawn pictures; each has the source of its photograph.
        psnr: mean PSNR of each kind in dB, over the pictures of this run.
    """

    manifest: Path
    psnr: dict[str, float]


def train_synthesisers(
    rows: Sequence[Row],
    folder: str | Path,
    *,
    steps: int = 400,
    side: int = 768,
    seed: int = 0,
    kinds: Sequence[str] = KINDS,
    progress: Steps | None = None,
) -> list[Path]:
    """Train one decoder of each kind on photographs; a kind that is there already is kept.

    Args:
        rows: the manifest; only its real pictures are used.
        folder: for `<kind>.safetensors`.
        steps: optimiser steps for each kind.
        side: photographs are reduced to this long side first, pixels.
        seed: of weights and patches.
        kinds: some of `KINDS`.
        progress: wraps the iterator over all steps.

    Returns:
        The weight files.

    Raises:
        InputRefused: no photograph can be read.
        OutputRefused: the folder cannot be written.
    """
    folder = Path(folder)
    missing = [kind for kind in kinds if not (folder / f"{kind}.safetensors").exists()]
    if missing:
        photographs = _photographs(rows, side)
        work: Iterable[int] = range(len(missing) * steps)
        counter = iter(progress(work, len(missing) * steps) if progress else work)
        for kind in missing:
            synthesiser = _fit(kind, photographs, steps, seed, counter)
            with atomic_path(folder / f"{kind}.safetensors") as temporary:
                save_file(synthesiser.state_dict(), temporary)
        for _ in counter:  # lets a progress bar close
            pass
    return [folder / f"{kind}.safetensors" for kind in kinds]


def redraw(
    rows: Sequence[Row],
    weights: Sequence[Path],
    folder: str | Path,
    *,
    side: int = 768,
    seed: int = 0,
    progress: Progress | None = None,
) -> Redrawn:
    """Re-draw every real picture through one decoder, drawn by its content.

    Pictures that are there already are kept, so an interrupted run goes on.

    Args:
        rows: the manifest; only its real pictures are used.
        weights: files of `train_synthesisers`.
        folder: for the PNG files and `manifest.csv`.
        side: photographs are reduced to this long side first, pixels.
        seed: of the draw of decoders.
        progress: wraps the iterator over photographs.

    Raises:
        InputRefused: no photograph can be read.
        OutputRefused: the folder cannot be written.
    """
    folder = Path(folder)
    synthesisers = {path.stem: _load(path) for path in weights}
    real = [row for row in rows if not row.generated]
    done: list[Row] = []
    quality: dict[str, list[float]] = {kind: [] for kind in synthesisers}
    for row in progress(real, len(real)) if progress else real:
        try:
            media = Media.open(row.path, any_extension=True)
            digest = zlib.crc32(media.data)
            kind = _draw(sorted(synthesisers), seed, digest)
            path = folder / f"{media.sha256[:24]}-{kind}.png"
            if not path.exists():
                photograph = _cut(reduce(media.pixels(), side))
                redrawn = _apply(synthesisers[kind], photograph)
                quality[kind].append(_psnr(photograph, redrawn))
                write_png(redrawn, path)
        except InputRefused:
            continue
        done.append(
            Row(
                path,
                "generated",
                generator=SYNTHESISER + kind,
                source=row.source,
                licence=row.licence,
                extra={"photograph": row.path.name},
            )
        )
    if not done:
        raise InputRefused("no photograph of the manifest could be read")
    write_manifest(done, folder / "manifest.csv")
    return Redrawn(
        folder / "manifest.csv",
        {kind: float(np.mean(values)) for kind, values in quality.items() if values},
    )


def _draw(kinds: Sequence[str], seed: int, digest: int) -> str:
    """The decoder of a photograph: random, but always the same one for the same file."""
    return kinds[int(np.random.default_rng([seed, digest]).integers(len(kinds)))]


def _photographs(rows: Sequence[Row], side: int) -> list[Pixels]:
    real = [row for row in rows if not row.generated]
    step = max(1, len(real) // _TRAINING_PICTURES)
    found = []
    for row in real[::step][:_TRAINING_PICTURES]:
        try:
            pixels = reduce(Media.open(row.path, any_extension=True).pixels(), side)
        except InputRefused:
            continue
        if min(pixels.shape[:2]) >= _PATCH:
            found.append(pixels)
    if not found:
        raise InputRefused("synthesisers are trained on photographs, and none could be read")
    return found


def _fit(
    kind: str, photographs: Sequence[Pixels], steps: int, seed: int, counter: Iterable[int]
) -> Synthesiser:
    torch.manual_seed(seed + zlib.crc32(kind.encode()) % 1000)
    rng = np.random.default_rng([seed, zlib.crc32(kind.encode())])
    synthesiser = Synthesiser(kind)
    optimiser = torch.optim.AdamW(synthesiser.parameters(), lr=_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _, _ in zip(range(steps), counter, strict=False):
        patches = _tensor(np.stack([_patch(photographs, rng) for _ in range(_BATCH)]))
        optimiser.zero_grad()
        _loss(synthesiser(patches), patches).backward()
        optimiser.step()
        schedule.step()
    synthesiser.eval()
    return synthesiser


def _loss(redrawn: Tensor, original: Tensor) -> Tensor:
    """Absolute error, plus equal energy of detail: a soft copy would teach "soft is fake"."""
    detail = [_energy(picture) for picture in (redrawn, original)]
    return functional.l1_loss(redrawn, original) + _ENERGY_WEIGHT * functional.l1_loss(*detail)


def _energy(pictures: Tensor) -> Tensor:
    residual = pictures - functional.avg_pool2d(pictures, 3, 1, 1)
    return residual.square().mean((1, 2, 3)).add(1e-6).log()


def _patch(photographs: Sequence[Pixels], rng: np.random.Generator) -> Pixels:
    picture = photographs[int(rng.integers(len(photographs)))]
    top = int(rng.integers(picture.shape[0] - _PATCH + 1))
    left = int(rng.integers(picture.shape[1] - _PATCH + 1))
    return picture[top : top + _PATCH, left : left + _PATCH]


def _load(path: Path) -> Synthesiser:
    synthesiser = Synthesiser(path.stem)
    synthesiser.load_state_dict(load_file(path))
    synthesiser.eval()
    return synthesiser


def _cut(pixels: Pixels) -> Pixels:
    height, width = (length // _MULTIPLE * _MULTIPLE for length in pixels.shape[:2])
    if not height or not width:
        raise InputRefused(f"smaller than {_MULTIPLE} px")
    return np.ascontiguousarray(pixels[:height, :width])


def _apply(synthesiser: Synthesiser, pixels: Pixels) -> Pixels:
    with torch.inference_mode():
        redrawn = synthesiser(_tensor(pixels[None]))[0]
    levels = redrawn.permute(1, 2, 0).numpy() * 127.5 + 127.5
    return np.asarray(np.clip(levels + 0.5, 0, 255), np.uint8)


def _tensor(pictures: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def _psnr(one: Pixels, other: Pixels) -> float:
    error = np.square(one.astype(np.float64) - other).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))
