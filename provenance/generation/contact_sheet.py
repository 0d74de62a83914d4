"""Many outputs on one page, marked and signed as they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from assay.errors import ConfigurationError
from assay.provenance.generation.embedding import mark_pixels
from assay.provenance.generation.policy import Policy
from assay.provenance.generation.remembering import MEMORY, Output
from assay.provenance.generation.saving import save
from assay.provenance.marking import Signed
from assay.provenance.matching import Registry
from assay.provenance.reading import read
from assay.provenance.vocabulary import DigitalSourceType

_CELL, _GAP = 256, 8
_PAPER = (244, 244, 244)


def save_contact_sheet(
    outputs: Sequence[Signed],
    path: str | Path,
    *,
    registry: Registry | None = None,
) -> Signed:
    """A page of thumbnails; its manifest names every picture on it as a component.

    Args:
        outputs: signed pictures, at least one.
        path: as `save`.
        registry: as `save`.
    """
    if not outputs:
        raise ConfigurationError("a contact sheet needs at least one picture")
    page = np.asarray(_arranged(outputs), np.uint8)
    components = tuple(signed.media for signed in outputs)
    types = {read(media).digital_source_type for media in components}
    whole = DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA
    part = DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA
    about = Output(
        "Assay", Policy(), source_type=whole if types == {whole} else part, components=components
    )
    made = mark_pixels([page], about)
    MEMORY.put(made.frames, made.output)
    return save(made.frames[0], path, registry=registry)


def _arranged(outputs: Sequence[Signed]) -> Image.Image:
    columns = math.ceil(math.sqrt(len(outputs)))
    rows = math.ceil(len(outputs) / columns)
    step = _CELL + _GAP
    page = Image.new("RGB", (columns * step + _GAP, rows * step + _GAP), _PAPER)
    for index, signed in enumerate(outputs):
        picture = Image.fromarray(signed.media.pixels())
        picture.thumbnail((_CELL, _CELL), Image.Resampling.LANCZOS)
        row, column = divmod(index, columns)
        left = _GAP + column * step + (_CELL - picture.width) // 2
        top = _GAP + row * step + (_CELL - picture.height) // 2
        page.paste(picture, (left, top))
    return page
