"""PNG of maps and curves, small enough for a report."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.detector.neutralisation import reduce
from assay.encoding import encode_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONG_SIDE = 512  # pixels; what a report shows beside text
INK, SOFT, ACCENT, PALE = "#1b1f24", "#535c66", "#1f4b6e", "#d5dfe8"
_DPI = 110


def coloured(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint8]:
    """A map in colours that are ordered by lightness (viridis), uint8 HxWx3, long side 512."""
    share = np.clip((values - low) / max(high - low, 1e-6), 0, 1)
    grey = (255 * share).astype(np.uint8)
    scale = LONG_SIDE / max(grey.shape)
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    grey = np.asarray(cv2.resize(grey, size, interpolation=method), np.uint8)
    painted = cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS)
    return np.ascontiguousarray(np.asarray(painted, np.uint8)[..., ::-1])


def outlined(pixels: NDArray[np.uint8], box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """A picture, long side at most 512, with a framed (left, top, right, bottom)."""
    small = np.ascontiguousarray(reduce(pixels, LONG_SIDE)).copy()
    scale = small.shape[1] / pixels.shape[1]
    left, top, right, bottom = (round(side * scale) for side in box)
    for colour, width in (((0, 0, 0), 5), ((255, 255, 255), 2)):
        cv2.rectangle(small, (left, top), (right, bottom), colour, width)
    return small


def picture_png(pixels: NDArray[np.uint8]) -> bytes:
    """sRGB uint8 HxWx3 as PNG."""
    return encode_png(pixels)


def spectrum_png(
    frequencies: NDArray[np.float64],
    profile: NDArray[np.float64],
    band: NDArray[np.float64] | None,
) -> bytes:
    """Log power by frequency over the band of real pictures."""
    figure = new_figure(5.8, 3.0)
    axes = figure.subplots()
    if band is not None:
        axes.fill_between(
            frequencies, band[0], band[1], color=PALE, label="real pictures, 5 to 95 %"
        )
    axes.plot(frequencies, profile, color=ACCENT, linewidth=1.8, label="this picture")
    axes.set(xlabel="cycles per pixel (standard rendition)", ylabel="log power, relative")
    axes.legend(frameon=False, fontsize=8)
    return figure_png(figure)


def new_figure(width: float, height: float) -> Figure:
    """A figure of this size in inches, without a display and without global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def figure_png(figure: Figure) -> bytes:
    """The figure as PNG, the same bytes for the same figure."""
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8, colors=SOFT)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
