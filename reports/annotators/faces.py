"""Face boxes for audits: found in the picture, or read from the user's table."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assay.detector.faces import finding
from assay.detector.faces.finding import Box, largest_first
from assay.errors import InputRefused
from assay.reports.tables import read_table


class FaceFinder(Protocol):
    """Finds faces; boxes are (left, top, right, bottom) in pixels, largest first."""

    name: str

    def find(self, path: str, image: NDArray[np.uint8]) -> list[Box]: ...


class CascadeFaces:
    """scikit-image's cascade; missing faces are data: the report counts them by prompt.

    Raises:
        MissingExtra: scikit-image is not installed.
    """

    name = finding.CascadeFaces.name

    def __init__(self) -> None:
        self._finder = finding.CascadeFaces()

    def find(self, path: str, image: NDArray[np.uint8]) -> list[Box]:
        return self._finder.find(image)


class YunetFaces:
    """OpenCV's YuNet detector from a model file that the user has.

    Raises:
        ConfigurationError: the file is not a YuNet model.
    """

    name = finding.YunetFaces.name

    def __init__(self, model: Path) -> None:
        self._finder = finding.YunetFaces(model)

    def find(self, path: str, image: NDArray[np.uint8]) -> list[Box]:
        return self._finder.find(image)


class TableFaces:
    """Boxes from a CSV with columns `path,left,top,right,bottom`.

    Raises:
        InputRefused: unreadable, a column is missing, or a side is not a number.
    """

    name = "table of boxes"

    def __init__(self, table: Path) -> None:
        sides = ("left", "top", "right", "bottom")
        rows = read_table(table, role="boxes", required=("path", *sides)).rows
        self._boxes: dict[str, list[Box]] = {}
        for path, *values in rows[["path", *sides]].itertuples(index=False):
            try:
                left, top, right, bottom = (round(float(v)) for v in values)
            except ValueError as error:
                raise InputRefused(f"{table}: box of {path} is not four numbers") from error
            self._boxes.setdefault(str(path), []).append((left, top, right, bottom))

    def find(self, path: str, image: NDArray[np.uint8]) -> list[Box]:
        return largest_first(self._boxes.get(path, []))
