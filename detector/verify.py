"""One call that runs every examiner and asks the judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import get_args

from assay.detector.judge import Judge
from assay.errors import AssayError
from assay.evidence import Evidence, Kind, Software, Verification
from assay.extending import EXAMINERS, Examiner, load
from assay.limits import Limits
from assay.media import Media
from assay.version import __version__

_READING_ORDER = get_args(Kind)

Progress = Callable[[str, Sequence[Evidence]], None]
"""Called with the name of an examiner that finished and what it found."""


def verify(
    src: str | Path | bytes | Media,
    *,
    examiners: Mapping[str, Examiner] | None = None,
    judge: Judge | None = None,
    limits: Limits | None = None,
    any_extension: bool = False,
    progress: Progress | None = None,
) -> Verification:
    """Examine media and say what the evidence shows.

    Nothing is sent anywhere: no examiner touches the network.

    Args:
        src: a path, the bytes of a file, or media that is open already.
        examiners: by name; default: all that are installed.
        judge: default: the standard rules.
        limits: default: those of the process's settings.
        any_extension: accept a file name that claims another type than the content.
        progress: called in this thread whenever an examiner finished.

    Returns:
        A verdict with its evidence. An examiner that fails leaves evidence of kind
        "not-scored"; it takes no other examiner down.

    Raises:
        InputRefused: the media cannot be opened or decoded.
    """
    media = _open(src, limits, any_extension)
    media.pixels()  # damaged media are refused once, here, and not by every examiner
    examiners = load(EXAMINERS) if examiners is None else examiners
    found: list[Evidence] = []
    for name, examiner in examiners.items():
        written = _examine(examiner, media)
        found.extend(written)
        if progress:
            progress(name, written)
    evidence = in_order(found)
    return Verification(
        media=media.summary(),
        verdict=(judge or Judge()).decide(evidence),
        evidence=evidence,
        software=Software(
            version=__version__,
            examiners={name: _version(examiner) for name, examiner in examiners.items()},
        ),
    )


def in_order(found: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Evidence in the order of a report, with its ids."""
    ordered = sorted(found, key=lambda evidence: _READING_ORDER.index(evidence.kind))
    return tuple(
        item.model_copy(update={"id": f"e{number}"}) for number, item in enumerate(ordered, 1)
    )


def _open(src: str | Path | bytes | Media, limits: Limits | None, any_extension: bool) -> Media:
    if isinstance(src, Media):
        return src
    if isinstance(src, bytes):
        return Media.from_bytes(src, limits=limits)
    return Media.open(src, limits=limits, any_extension=any_extension)


def _examine(examiner: Examiner, media: Media) -> list[Evidence]:
    """Run one examiner behind an isolation boundary."""
    try:
        found = examiner.examine(media)
        for evidence in found:
            evidence.model_dump_json()  # details that cannot be written fail here, alone
        return found
    except AssayError as refusal:
        return [_not_scored(examiner, refusal.message, type(refusal).__name__)]
    except Exception as failure:
        # Third-party decoders and plug-ins raise anything; the cause is kept as evidence.
        return [_not_scored(examiner, f"the examiner failed: {failure}", type(failure).__name__)]


def _not_scored(examiner: Examiner, why: str, error: str) -> Evidence:
    return Evidence(
        examiner=examiner.name,
        version=_version(examiner),
        kind="not-scored",
        finding="not-scored",
        points_to="nothing",
        strength="weak",
        summary=why,
        details={"error": error},
    )


def _version(examiner: Examiner) -> str:
    """The version may come from a model file, which may be the very thing that is broken."""
    try:
        return examiner.version
    except Exception:
        return "unknown"
