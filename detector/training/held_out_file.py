"""Held-out scores beside a model, so that models can be combined by what they did not learn."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.datasets.manifests import Row
from assay.errors import InputRefused, UnreadableFile
from assay.files import atomic_path

_COLUMNS = ["path", "label", "generator", "source", "licence", "log_odds", "contrast"]


@dataclass(frozen=True)
class HeldOutFile:
    """Calibrated log-odds by models that saw neither a picture's source nor its generator."""

    rows: tuple[Row, ...]
    log_odds: NDArray[np.float64]
    contrast: NDArray[np.float32]


def path_for(card: str | Path) -> Path:
    """Where the held-out scores of a model lie: `<name>.held-out.csv` beside its card."""
    return Path(card).with_suffix(".held-out.csv")


def write_held_out(
    path: str | Path,
    rows: Sequence[Row],
    log_odds: NDArray[np.float64],
    contrast: NDArray[np.float32],
) -> Path:
    """Write one line for each picture with a score; NaN means without.

    Raises:
        OutputRefused: the file cannot be written.
    """
    path = Path(path)
    with atomic_path(path) as temporary, temporary.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(_COLUMNS)
        for row, value, level in zip(rows, log_odds, contrast, strict=True):
            if np.isfinite(value):
                named = [str(row.path), row.label, row.generator, row.source, row.licence]
                writer.writerow([*named, f"{value:.6f}", f"{level:.3f}"])
    return path


def read_held_out(path: str | Path) -> HeldOutFile:
    """Read what `write_held_out` wrote.

    Raises:
        UnreadableFile: it cannot be opened.
        InputRefused: it is no such file, or empty.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            lines = list(csv.DictReader(handle))
        rows = [
            Row(
                Path(line["path"]),
                "generated" if line["label"] == "generated" else "real",
                line["generator"],
                line["source"],
                line["licence"],
            )
            for line in lines
        ]
        log_odds = np.array([float(line["log_odds"]) for line in lines])
        contrast = np.array([float(line["contrast"]) for line in lines], np.float32)
    except OSError as error:
        raise UnreadableFile(
            f"{path}: {error.strerror or error}",
            advice="`assay train frequency` and `assay train vit` write it beside the model",
        ) from error
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputRefused(f"{path}: not a file of held-out scores ({error})") from error
    if not rows:
        raise InputRefused(f"{path}: holds no scores")
    return HeldOutFile(tuple(rows), log_odds, contrast)
