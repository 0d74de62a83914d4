"""Pictures that go into a generator, with the file and the manifest they came with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from assay.encoding import encode_png
from assay.errors import InputRefused
from assay.media import Media
from assay.provenance.formats import EMBEDDABLE
from assay.provenance.generation.pixels import to_pixels

_HINT = "assay_source"
"""Key in `Image.info`; Pillow keeps it through copy, crop, resize and convert."""


@dataclass(frozen=True)
class Source:
    """A picture that was handed to a generator.

    Attributes:
        media: its file; made on the spot (PNG) when only pixels were handed in.
        path: where the file is, so that no result is written over it. Never recorded.
        altered: whether the pixels handed in are not those of the file any more.
    """

    media: Media
    path: Path | None = None
    altered: bool = False

    def embeddable(self) -> Media:
        """The file as a manifest can refer to it: as it is, or as PNG where C2PA cannot."""
        if self.media.media_type in EMBEDDABLE:
            return self.media
        return Media.from_bytes(encode_png(self.media.pixels()), limits=self.media.limits)


def load_image(path: str | Path) -> Image.Image:
    """A picture to hand to a pipeline, that remembers its file.

    With it the result's manifest names the file's own manifest, checked, as an ingredient.
    Orientation is applied, colours are converted to sRGB, transparency is composed over white.

    Raises:
        InputRefused: a subclass says why; a video is refused too.
    """
    media = Media.open(path)
    if not media.is_image:
        raise InputRefused(f"{path}: a video, expected a picture")
    image = Image.fromarray(media.pixels())
    image.info[_HINT] = Source(media, Path(path))
    return image


def source_of(picture: Any) -> Source:
    """The file behind a picture that was handed to a pipeline.

    Raises:
        UnusablePicture: it is none.
    """
    hint = picture.info.get(_HINT) if isinstance(picture, Image.Image) else None
    if not isinstance(hint, Source):
        return Source(
            Media.from_bytes(encode_png(np.ascontiguousarray(to_pixels(picture)[..., :3])))
        )
    same = np.array_equal(to_pixels(picture), hint.media.pixels())
    return hint if same else Source(hint.media, hint.path, altered=True)
