"""One examination in a child, and the honest answer when the child does not live through it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import IO, Any

from assay import errors
from assay.api.examining.pool import ChildDied, Pool, TookTooLong
from assay.detector.judge import Judge
from assay.detector.verify import in_order
from assay.errors import InputRefused
from assay.evidence import Evidence, MediaSummary, Software, Verification
from assay.extending import EXAMINERS
from assay.provenance.formats import guess_media_type
from assay.settings import settings
from assay.sniffing import sniff
from assay.version import __version__

Progress = Callable[[str, list[dict[str, Any]]], bool]
"""Called with an examiner's name and its evidence as JSON; False ends the examination."""

_HEADER_BYTES = 4096


class Stopped(Exception):
    """Whoever follows the progress does not want the result any more."""


class Refused(Exception):
    """The media cannot be examined.

    Attributes:
        error: why, with the problem document of the child.
    """

    def __init__(self, error: InputRefused) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True)
class Examined:
    """What came of it.

    Attributes:
        verification: JSON, ready to be stored.
        category: of the verdict.
        survived: False when the child ended and part of the evidence is missing.
    """

    verification: str
    category: str
    survived: bool = True


@dataclass
class _Heard:
    """What a child has said so far."""

    media: MediaSummary | None = None
    evidence: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    verification: Examined | None = None
    refusal: InputRefused | None = None
    failure: str | None = None


def examiners() -> list[str]:
    """The names of the installed examiners, in the order in which they run."""
    return sorted(entry.name for entry in entry_points(group=EXAMINERS))


def examine(
    pool: Pool,
    file: IO[bytes],
    *,
    name: str | None,
    sha256: str,
    size: int,
    progress: Progress | None = None,
) -> Examined:
    """Run `assay.verify` on an open file in a child process.

    A crash, a hang, or an end for want of memory gives a verification too: with the evidence
    that was there by then, and the rest not scored.

    Args:
        file: open for reading; it needs no name.
        name, sha256, size: of the file, for the answer of a child that never opened it.

    Raises:
        Refused: the media cannot be opened or decoded.
        Stopped: `progress` returned False.
        PoolClosed: the service is stopping.
        ChildFailed: no child starts.
    """
    heard = _Heard()
    try:
        with pool.child() as child:
            request = {"do": "verify", "name": name}
            for answer in child.ask(file, request, settings().examine_seconds):
                _note(answer, heard, progress)
        why = f"the examination failed: {heard.failure or 'without an answer'}"
    except TookTooLong as error:
        why = f"the examination was ended: {error}"
    except ChildDied as error:
        why = f"the examination crashed: {error}"
    if heard.refusal:
        raise Refused(heard.refusal)
    if heard.verification:
        return heard.verification
    media = heard.media or MediaSummary(
        name=name, sha256=sha256, media_type=_media_type(file), size=size
    )
    verification = _incomplete(media, heard.evidence, why)
    return Examined(verification.model_dump_json(), verification.verdict.category, survived=False)


def interrupted(
    file: IO[bytes], times: int, *, name: str | None, sha256: str, size: int
) -> Examined:
    """The answer for media whose examination was broken off so often that it is given up."""
    media = MediaSummary(name=name, sha256=sha256, media_type=_media_type(file), size=size)
    verification = _incomplete(media, {}, f"the examination was broken off {times} times")
    return Examined(verification.model_dump_json(), verification.verdict.category, survived=False)


def render(pool: Pool, file: IO[bytes], what: str) -> bytes | None:
    """A picture of media, one of `child.PICTURES`, as PNG; None when none can be made.

    Raises:
        PoolClosed: the service is stopping.
        ChildFailed: no child starts.
    """
    picture: bytes | None = None
    try:
        with pool.child() as child:
            for answer in child.ask(file, {"do": what, "name": None}, settings().examine_seconds):
                picture = answer.get("png", picture)
    except (TookTooLong, ChildDied):
        return None
    return picture


def _note(answer: dict[str, Any], heard: _Heard, progress: Progress | None) -> None:
    """Keep what an answer says."""
    match answer:
        case {"opened": media}:
            heard.media = MediaSummary.model_validate(media)
        case {"examined": examiner, "evidence": evidence}:
            heard.evidence[examiner] = evidence
            if progress and not progress(examiner, evidence):
                raise Stopped
        case {"verification": text, "category": category}:
            heard.verification = Examined(text, category)
        case {"refused": kind, "problem": problem}:
            heard.refusal = _refusal(kind, problem)
        case {"failed": failure}:
            heard.failure = failure


def _refusal(kind: str, problem: dict[str, str]) -> InputRefused:
    known: type[InputRefused] = getattr(errors, kind, InputRefused)
    return known(problem["detail"], advice=problem.get("advice"))


def _incomplete(
    media: MediaSummary, finished: dict[str, list[dict[str, Any]]], why: str
) -> Verification:
    """A verification on the evidence that there is; what is missing is named with the reason."""
    found = [Evidence.model_validate(item) for found in finished.values() for item in found]
    missing = [name for name in examiners() if name not in finished]
    for position, name in enumerate(missing or ["examination"]):
        reason = why if position == 0 else f"not reached, because {why}"
        found.append(_not_scored(name, reason))
    evidence = in_order(found)
    return Verification(
        media=media,
        verdict=Judge().decide(evidence),
        evidence=evidence,
        software=Software(version=__version__),
    )


def _not_scored(examiner: str, why: str) -> Evidence:
    return Evidence(
        examiner=examiner,
        version="unknown",
        kind="not-scored",
        finding="not-scored",
        points_to="nothing",
        strength="weak",
        summary=why,
        details={"error": "ExaminationEnded"},
    )


def _media_type(file: IO[bytes]) -> str:
    """By content, without a decoder."""
    header = os.pread(file.fileno(), _HEADER_BYTES, 0)
    return sniff(header) or guess_media_type(header) or "application/octet-stream"
