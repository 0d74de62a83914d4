"""All extension points on one page.

A plug-in is a class registered under a Python entry point group; Assay's own parts are
registered the same way (see `[project.entry-points]` in pyproject.toml) and enjoy no
privilege. `assay.testing` has a test base class for each protocol.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from assay.errors import ConfigurationError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from assay.evidence import Evidence
    from assay.media import Media

EXAMINERS = "assay.examiners"
MARKERS = "assay.markers"
ANNOTATORS = "assay.annotators"


@runtime_checkable
class Examiner(Protocol):
    """Looks at media and writes down evidence; never decides.

    Raising is allowed: `verify` turns an exception into evidence of kind "not-scored"
    with its reason, and no examiner takes another down.
    """

    name: str
    version: str

    def examine(self, media: Media) -> list[Evidence]: ...


@dataclass
class MarkingContext:
    """What the markers of one output share while it passes from one to the next."""

    profile: str = "generated"
    manifest_label: str = ""
    payload: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)


@runtime_checkable
class Marker(Protocol):
    """Leaves one mark on media.

    `order` fixes the sequence: visible label (10), watermark (20), embedded metadata (30),
    C2PA (40, always last because it seals the bytes).
    """

    name: str
    version: str
    order: int

    def mark(self, media: Media, context: MarkingContext) -> Media: ...


@dataclass(frozen=True)
class Observation:
    """One value of one attribute seen in one picture by one annotator.

    `value` may be "unclear" or "no-face": missing answers are data, never dropped.
    """

    attribute: str
    value: str
    rater: str
    confidence: float | None = None
    box: tuple[int, int, int, int] | None = None
    reason: str | None = None


@runtime_checkable
class Annotator(Protocol):
    """Describes what is perceived in a picture, for audits.

    `image` is upright sRGB uint8 HxWx3; `boxes` are (left, top, right, bottom) in pixels.
    """

    name: str
    version: str

    def annotate(
        self,
        image: NDArray[np.uint8],
        boxes: Sequence[tuple[int, int, int, int]] | None = None,
    ) -> list[Observation]: ...


def load(group: str) -> dict[str, Any]:
    """Instantiate every plug-in of an entry point group, by name, in name order.

    Raises:
        ConfigurationError: a plug-in cannot be imported or constructed.
    """
    plugins: dict[str, Any] = {}
    for entry in installed(group):
        try:
            plugins[entry.name] = entry.load()()
        except (ImportError, AttributeError, TypeError) as error:
            raise ConfigurationError(
                f"plug-in {entry.name!r} of {group} cannot be loaded: {error}",
                advice=f"reinstall or remove the package that provides {entry.value}",
            ) from error
    return plugins


@cache
def installed(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group in name order, as they were when the process first asked.

    Finding them reads the metadata of every installed package, 5 ms for each signature.
    """
    return tuple(sorted(entry_points(group=group), key=lambda entry: entry.name))
