"""The conditions a picture is presented under when a detector is measured.

Both classes arrive alike: long side 512 (unless the condition says otherwise), the named edit,
320-px centre crop, JPEG 90.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from assay.datasets.laundering_suite import SUITE
from assay.detector.neutralisation import STANDARD, centre_crop, compress, reduce
from assay.errors import ConfigurationError

Pixels = NDArray[np.uint8]
Present = Callable[[Pixels], Pixels]

_DELIVERED_QUALITY = 90
_LARGE = 1024


def present(pixels: Pixels, *, edit: str, long_side: int, crop_first: bool) -> Pixels:
    """Bring a picture to the field of view, apply an edit of the suite, cut and compress.

    Args:
        edit: name in the laundering suite.
        long_side: field of view; shorter pictures stay as they are.
        crop_first: cut before the edit, as when a delivered crop is compressed once more.
    """
    reduced = reduce(pixels, long_side)
    if crop_first:
        return SUITE[edit](compress(centre_crop(reduced, STANDARD.crop), _DELIVERED_QUALITY))
    return compress(centre_crop(SUITE[edit](reduced), STANDARD.crop), _DELIVERED_QUALITY)


def _after_delivery(edit: str) -> Present:
    return partial(present, edit=edit, long_side=STANDARD.long_side, crop_first=True)


def _before_delivery(edit: str, long_side: int = STANDARD.long_side) -> Present:
    return partial(present, edit=edit, long_side=long_side, crop_first=False)


CONDITIONS: Mapping[str, Present] = MappingProxyType(
    {
        "standard": _before_delivery("none"),
        "jpeg-70": _after_delivery("jpeg-70"),
        "jpeg-50": _after_delivery("jpeg-50"),
        "webp-80": _after_delivery("webp-80"),
        "resize-0.75": _before_delivery("resize-0.75"),
        # Shorter than the gates ask for, so nothing is claimed; how well it ranks still shows.
        "resize-0.5": _before_delivery("resize-0.5"),
        "screenshot": _before_delivery("screenshot", 800),
        "social": _before_delivery("social", 1400),
        "long-side-1024": _before_delivery("none", _LARGE),
        "native-crop": _before_delivery("none", 1_000_000),
    }
)
"""What every evaluation measures; `native-crop` shows the field-of-view trap on purpose."""


def named_conditions(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once, after "standard", which every report has.

    Raises:
        ConfigurationError: a name is unknown.
    """
    chosen = tuple(dict.fromkeys(["standard", *names]))
    for name in chosen:
        if name not in CONDITIONS:
            raise ConfigurationError(
                f"no condition {name!r}", advice=f"known: {', '.join(CONDITIONS)}"
            )
    return chosen
