"""Opening the picture files of an audit, and telling in one form why one cannot be opened."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from assay.errors import AssayError
from assay.media import Media
from assay.reports.inputs import Finding

_EXAMPLES = 5


def open_picture(folder: Path, name: str) -> Media:
    """A picture of an audit, whatever its name says it is.

    Raises:
        InputRefused: it cannot be examined.
    """
    return Media.open(folder / name, any_extension=True)


def reason(error: AssayError, folder: Path, name: str) -> str:
    """Why a picture was refused, after its path as the manifest spells it."""
    told = error.message
    for prefix in (folder / name, Path(name).name):
        told = told.removeprefix(f"{prefix}: ")
    return f"{name}: {told}"


def some(reasons: Iterable[str]) -> tuple[str, ...]:
    """The first few, for a finding."""
    return tuple(list(reasons)[:_EXAMPLES])


def left_out(reasons: Iterable[str]) -> Finding:
    """The finding about pictures that cannot be examined."""
    told = list(reasons)
    return Finding(
        code="unreadable-pictures",
        summary="Pictures that cannot be examined were left out, with their labels.",
        count=len(told),
        excluded=len(told),
        examples=some(told),
    )
