"""Classical forensic maps: leads for a person who looks, never part of a score.

Each comes with a sentence on what it can and what it cannot show. All are computed on decoded
pixels, except double quantisation, which needs the quantisation tables of a JPEG file.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.media import Media

Pixels = NDArray[np.uint8]
Values = NDArray[np.float32]

# Only the central part of a larger picture is mapped, so that cost is bounded; a multiple of 16
# keeps the grid of JPEG blocks.
MOST_SIDE = 2048
_BLOCK = 16
_ELA_QUALITY = 90
_GHOST_QUALITIES = tuple(range(50, 96, 5))
_SHALLOWEST_DIP = 0.1
_NO_GHOST = 95.0
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_SMALLEST_SIDE = 64


@dataclass(frozen=True)
class ExploratoryMap:
    """One map.

    Attributes:
        name: stable kebab-case code.
        title: in words.
        caption: what it can and what it cannot show.
        values: float32, one value per pixel or block.
        low, high: values at the two ends of the colour scale.
    """

    name: str
    title: str
    caption: str
    values: Values
    low: float
    high: float


def exploratory_maps(media: Media) -> list[ExploratoryMap]:
    """Every map that the media allow, of the first frame; none for a very small picture.

    Raises:
        DamagedMedia: the content does not decode.
    """
    pixels = window(media.pixels())
    if min(pixels.shape[:2]) < _SMALLEST_SIDE:
        return []
    maps = [measure(pixels) for measure in _FROM_PIXELS]
    double = double_quantisation(media)
    return maps if double is None else [*maps, double]


def window(pixels: Pixels) -> Pixels:
    """The central part of at most MOST_SIDE px a side, on the grid of 16-px blocks."""
    height, width = pixels.shape[:2]
    top = max(0, (height - MOST_SIDE) // (2 * _BLOCK)) * _BLOCK
    left = max(0, (width - MOST_SIDE) // (2 * _BLOCK)) * _BLOCK
    return np.ascontiguousarray(pixels[top : top + MOST_SIDE, left : left + MOST_SIDE])


def error_level(pixels: Pixels) -> ExploratoryMap:
    """Error level analysis (Krawetz, "A Picture's Worth", 2007): change under one more JPEG."""
    again = _compressed(pixels, _ELA_QUALITY)
    difference = np.abs(pixels.astype(np.float32) - again).mean(2)
    values = np.asarray(cv2.blur(difference, (5, 5)), np.float32)
    return ExploratoryMap(
        "error-level",
        "Error level analysis",
        f"How much one more JPEG compression at quality {_ELA_QUALITY} changes each place. A part "
        "that was compressed differently can stand out. Edges and texture always do, and a "
        "picture that was saved again as a whole hides everything.",
        values,
        0.0,
        max(4.0, float(np.percentile(values, 99.5))),
    )


def jpeg_ghost(pixels: Pixels) -> ExploratoryMap:
    """Farid, "Exposing Digital Forgeries from JPEG Ghosts", IEEE TIFS 2009, section II."""
    errors = []
    for quality in _GHOST_QUALITIES:
        square = ((pixels.astype(np.float32) - _compressed(pixels, quality)) ** 2).mean(2)
        errors.append(cv2.blur(_block_mean(square), (3, 3)))
    stack = np.stack(errors)
    # The error falls with quality; what was compressed before shows as a dip below its neighbours.
    expected = (stack[:-2] + stack[2:]) / 2
    dips = (expected - stack[1:-1]) / (expected + 0.5)
    qualities = np.asarray(_GHOST_QUALITIES[1:-1], np.float32)
    best = np.where(dips.max(0) > _SHALLOWEST_DIP, qualities[dips.argmax(0)], _NO_GHOST)
    values = np.asarray(cv2.medianBlur(best.astype(np.float32), 5), np.float32)
    return ExploratoryMap(
        "jpeg-ghost",
        "JPEG ghost",
        "The JPEG quality (55 brightest, 90 darkest) at which a block changes less than at the "
        "ones next to it, which hints at an earlier compression there; dark where there is none. "
        "A patch of another tone can have come from another file. Flat areas and anything "
        "resized after pasting mean nothing here.",
        _NO_GHOST - values,
        0.0,
        float(_NO_GHOST - _GHOST_QUALITIES[0]),
    )


def colour_filter_array(pixels: Pixels) -> ExploratoryMap:
    """Ferrara et al., "Image Forgery Localization via Fine-Grained Analysis of CFA Artifacts".

    IEEE TIFS 2012, section III: on a Bayer sensor half of the green values are interpolated, and
    interpolated ones are predicted better from their neighbours than measured ones.
    """
    green = pixels[..., 1].astype(np.float32)
    kernel = np.array([[0, 0.25, 0], [0.25, -1, 0.25], [0, 0.25, 0]], np.float32)
    square = np.asarray(cv2.filter2D(green, cv2.CV_32F, kernel) ** 2, np.float32)
    odd = np.indices(green.shape).sum(0) % 2 == 1
    values = np.log((_block_mean(square * odd) + 0.05) / (_block_mean(square * ~odd) + 0.05))
    values = np.asarray(cv2.medianBlur(values.astype(np.float32), 3), np.float32)
    return ExploratoryMap(
        "colour-filter",
        "Colour filter array",
        "Whether green pixels alternate as a camera's colour filter makes them: blue or "
        "yellow all over where the pattern is intact, and a different tone where it was replaced. "
        "Resizing and ordinary JPEG compression erase the pattern, and then the map is noise.",
        values,
        -1.0,
        1.0,
    )


def noise_level(pixels: Pixels) -> ExploratoryMap:
    """Noise per block: median of diagonal details (Donoho and Johnstone, Biometrika 1994)."""
    luma = pixels.astype(np.float32) @ _LUMA
    diagonal = np.abs(luma[:-1, :-1] - luma[:-1, 1:] - luma[1:, :-1] + luma[1:, 1:]) / 2
    height, width = (side // _BLOCK * _BLOCK for side in diagonal.shape)
    blocks = diagonal[:height, :width].reshape(height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
    values = np.median(blocks.swapaxes(1, 2).reshape(*blocks.shape[::2], -1), axis=2) / 0.6745
    return ExploratoryMap(
        "noise-level",
        "Noise level",
        "Estimated noise of each block in grey levels. A pasted part can be quieter or noisier "
        "than its surroundings. Texture counts as noise, and dark, bright or blurred areas "
        "are quiet in every photograph.",
        values.astype(np.float32),
        0.0,
        max(2.0, float(np.percentile(values, 99))),
    )


def double_quantisation(media: Media) -> ExploratoryMap | None:
    """Lin et al., "Fast, automatic and fine-grained tampered JPEG image detection", 2009.

    Blocks that were compressed twice on the same grid have periodic histograms of DCT
    coefficients; pasted ones have not. None unless the file is a JPEG.
    """
    table = luma_quantisation(media)
    if table is None:
        return None
    pixels = window(media.pixels())
    height, width = (side // 8 * 8 for side in pixels.shape[:2])
    luma = pixels[:height, :width].astype(np.float32) @ _LUMA - np.float32(128)
    blocks = luma.reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2)
    coefficients = _dct8(blocks)
    log_ratio = np.zeros(blocks.shape[:2], np.float64)
    used = 0
    for row, column in ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1), (0, 3), (3, 0)):
        levels = np.rint(coefficients[..., row, column] / table[row, column]).astype(int)
        ratio = _pasted_log_ratio(levels)
        if ratio is not None:
            log_ratio += ratio
            used += 1
    probability = (1 / (1 + np.exp(-np.clip(log_ratio, -30, 30)))).astype(np.float32)
    found = (
        f"{used} of 9 frequencies show two compressions."
        if used
        else "No frequency shows two compressions, so the map is empty."
    )
    return ExploratoryMap(
        "double-quantisation",
        "Double quantisation",
        "How likely each block lacks the traces of a first JPEG compression that the rest has. "
        f"{found} It works only when the first compression was the stronger one and its grid "
        "was kept; cropping and resizing end it.",
        np.asarray(cv2.medianBlur(probability, 5), np.float32)
        if used
        else np.zeros_like(probability),
        0.0,
        1.0,
    )


def luma_quantisation(media: Media) -> NDArray[np.float64] | None:
    """The luma quantisation table of a JPEG file, 8x8; None for anything else."""
    if media.media_type != "image/jpeg":
        return None
    from PIL import Image, JpegImagePlugin

    with Image.open(io.BytesIO(media.data), formats=("JPEG", "MPO")) as image:
        if not isinstance(image, JpegImagePlugin.JpegImageFile) or not image.quantization:
            return None
        values = next(iter(image.quantization.values()))
    return np.asarray(values, np.float64).reshape(8, 8)


def _pasted_log_ratio(levels: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """Log of P(level | compressed once) over P(level | compressed twice); None without a period."""
    reach = 40
    counts = np.bincount(np.clip(levels.ravel() + reach, 0, 2 * reach), minlength=2 * reach + 1)
    # The ends collect everything beyond.
    inner: NDArray[np.float64] = counts[1:-1].astype(np.float64)
    period = _period(inner)
    if period < 2:
        return None
    inside = np.abs(levels) < reach
    index = np.clip(levels + reach - 1, 0, len(inner) - 1)
    start = (reach - 1) % period
    whole = np.array(
        [
            inner[max(0, first) : first + period].sum()
            for first in (np.arange(len(inner)) - start) // period * period + start
        ]
    )
    twice = (inner + 1) / (whole + period)
    ratio: NDArray[np.float64] = np.where(inside, -np.log(twice[index] * period), 0.0)
    return np.clip(ratio, -2, 2)


def _period(counts: NDArray[np.float64]) -> int:
    """Spacing of the peaks in a histogram, 1 when it is smooth (section 3.2)."""
    middle = len(counts) // 2
    best, found = 0.0, 1
    total = counts.sum()
    if total < 500:
        return 1
    for period in range(2, 11):
        phase = np.zeros(period)
        np.add.at(phase, (np.arange(len(counts)) - middle) % period, counts)
        # Without 0, which is the peak of every histogram.
        phase[0] -= counts[middle]
        share = phase / max(phase.sum(), 1)
        excess = share[0] * period - 1 if period > 1 else 0.0
        empty = (share < 0.25 / period).mean()
        if excess * empty > best:
            best, found = float(excess * empty), period
    return found if best > 0.1 else 1


def _dct8(blocks: NDArray[np.float32]) -> NDArray[np.float64]:
    from scipy import fft

    return np.asarray(fft.dctn(blocks, axes=(2, 3), norm="ortho"), np.float64)


def _compressed(pixels: Pixels, quality: int) -> Values:
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    encoded = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]), options)[1]
    decoded = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))
    return decoded[..., ::-1].astype(np.float32)


def _block_mean(plane: NDArray[np.float32]) -> Values:
    height, width = (side // _BLOCK * _BLOCK for side in plane.shape)
    blocks = plane[:height, :width].reshape(height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
    return np.asarray(blocks.mean((1, 3)), np.float32)


_FROM_PIXELS: tuple[Callable[[Pixels], ExploratoryMap], ...] = (
    error_level,
    jpeg_ghost,
    colour_filter_array,
    noise_level,
)
