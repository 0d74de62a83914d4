"""Attacks by someone who knows the algorithm: what a key protects and what it does not.

    python tests/benchmarks/watermark_attacks.py --images DIR

Averaging: the pilots are estimated from many pictures of one key and subtracted from another.
Known pilots: the same with the true pilots, as anyone can do to marks of the public key.
Copying: the mark of one picture is estimated by denoising and added to another picture.
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assay import watermark
from assay.watermark.carrier import COMB, TILE, carrier_of
from assay.watermark.folding import FoldedSpectrum
from assay.watermark.images import canonical_planes
from assay.watermark.keys import family_of
from assay.watermark.perception import strength_maps
from assay.watermark.whitening import QUIET, whiten

Pixels = NDArray[np.uint8]
KEY = b"the key under attack, 128 bits+"
SIDE = 512


def squares(folder: Path, wanted: int) -> list[Pixels]:
    """Centre squares of 512 pixels from a folder's pictures, in a fixed order."""
    files = [p for p in folder.rglob("*") if p.suffix.lower() in {".png", ".jpg", ".jpeg"}]
    found: list[Pixels] = []
    for path in sorted(files, key=lambda p: zlib.crc32(p.name.encode())):
        with Image.open(path) as picture:
            if min(picture.size) < 320:
                continue
            side = min(picture.size)
            left, top = (picture.width - side) // 2, (picture.height - side) // 2
            square = picture.convert("RGB").crop((left, top, left + side, top + side))
            found.append(np.array(square.resize((SIDE, SIDE), Image.Resampling.LANCZOS)))
        if len(found) == wanted:
            break
    return found


def average_comb(pictures: list[Pixels]) -> NDArray[np.complex128]:
    """Mean amplitude of every comb line over whitened pictures, in noise deviations."""
    total = np.zeros(len(COMB), np.complex128)
    for pixels in pictures:
        view = whiten(canonical_planes(pixels).luma).values[QUIET]
        total += FoldedSpectrum(view).normalised(COMB)
    return total / len(pictures)


def subtract(pixels: Pixels, comb: NDArray[np.complex128], rms: float) -> Pixels:
    """Take a pattern of these comb amplitudes out of a picture, shaped by visibility."""
    spectrum = np.zeros((TILE, TILE), np.complex128)
    spectrum[COMB[:, 1] % TILE, COMB[:, 0] % TILE] = comb
    tile = np.fft.ifft2(spectrum).real
    tile *= rms / tile.std()
    planes = canonical_planes(pixels)
    maps = strength_maps(planes, whiten(planes.luma, deviations=True).deviations).mean(axis=0)
    y, x = (np.arange(SIDE) - SIDE // 2) % TILE, (np.arange(SIDE) - SIDE // 2) % TILE
    pattern = tile[np.ix_(y, x)] * maps
    return np.clip(np.rint(pixels - pattern[..., None]), 0, 255).astype(np.uint8)


def readable(pictures: list[Pixels]) -> str:
    """Share of pictures whose mark is read."""
    return f"{sum(watermark.detect(p, key=KEY) is not None for p in pictures)}/{len(pictures)}"


def main() -> None:
    """Run the attacks and print what they reach."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=200)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    originals = squares(options.images, options.pictures + 10)
    generator = np.random.default_rng(1)
    marked = [
        watermark.embed(p, int(generator.integers(2**60)), key=KEY, existing="replace")
        for p in originals
    ]
    victims, known = marked[:10], marked[10:]
    carrier = carrier_of(family_of(KEY))
    is_pilot = (COMB[:, None] == carrier.pilot_lines[None]).all(axis=2).any(axis=1)
    truth = np.zeros(len(COMB), np.complex128)
    truth[is_pilot] = carrier.pilot_phasors
    print("readable before:", readable(victims))
    for count in (10, 50, len(known)):
        comb = average_comb(known[:count])
        guessed = np.argsort(-np.abs(comb))[: is_pilot.sum()]
        aligned = np.vdot(truth, comb).real / (np.linalg.norm(truth) * np.linalg.norm(comb))
        strongest = np.where(np.isin(np.arange(len(COMB)), guessed), comb, 0)
        for rms in (0.7, 1.4):
            attacked = [subtract(p, strongest, rms) for p in victims]
            print(
                f"averaging {count:3d} pictures: {is_pilot[guessed].mean():.0%} of pilots found,"
                f" correlation {aligned:.2f}, subtracted at {rms}: readable {readable(attacked)}"
            )
    for rms in (0.7, 1.4):
        attacked = [subtract(p, truth, rms) for p in victims]
        print(f"known pilots subtracted at {rms}: readable {readable(attacked)}")
    targets = originals[10:20]
    for strength in (1.0, 2.0):
        forged = []
        for source, target in zip(victims, targets, strict=True):
            smooth = cv2.bilateralFilter(source, 7, 12, 3)
            estimate = source.astype(np.float32) - smooth
            forged.append(np.clip(np.rint(target + strength * estimate), 0, 255).astype(np.uint8))
        print(f"copied at {strength}: readable {readable(forged)}")


if __name__ == "__main__":
    main()
