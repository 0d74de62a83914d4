"""A verification as its page shows it: the verdict first, then evidence by kind, kept apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from assay.api.pages import credentials, steps
from assay.api.pages.known_work import KnownWork, known_work
from assay.api.pages.work_pictures import WorkPicture
from assay.evidence import Evidence, MediaSummary, Software, Verdict, Verification
from assay.reports.details import Detail, details_of
from assay.reports.headlines import headline
from assay.reports.verification import KIND_TITLES, POINTS_TO

TITLES = {**KIND_TITLES, "provenance": "Content Credentials and signatures"}
SCALE = 400  # width of the drawing on which a probability is shown
RECOVERED = ("manifest-recovered", "manifest-recovered-by-fingerprint")


@dataclass(frozen=True)
class Scored:
    """A probability on a line from 0 to `SCALE`."""

    point: float
    low: float
    high: float
    told: str


@dataclass(frozen=True)
class Item:
    """One piece of evidence."""

    id: str
    kind_title: str
    finding: str
    summary: str
    points_to: str
    strength: str
    probability: float | None
    log10_false_alarm: float | None
    cited: bool
    examiner: str
    version: str
    rows: tuple[Detail, ...]
    credentials: credentials.Shown | None
    work: KnownWork | None
    score: Scored | None


@dataclass(frozen=True)
class Group:
    """All evidence of one kind."""

    kind: str
    title: str
    items: list[Item]


@dataclass(frozen=True)
class Result:
    """Everything on the page of one verification."""

    address: str
    link: str
    name: str
    created: datetime
    headline: str
    verdict: Verdict
    media: MediaSummary
    software: Software
    cited: list[Item]
    groups: list[Group]
    not_scored: list[tuple[str, str]]
    recovered: bool
    is_kept: bool
    has_media: bool
    may_delete: bool
    sealed: bool
    json: str


def result(
    verification: Verification,
    *,
    address: str,
    link: str,
    has_media: bool,
    may_delete: bool,
    sealed: bool,
    works: Mapping[str, WorkPicture],
) -> Result:
    """What the page shows.

    Args:
        address: path of the page.
        link: the whole address, to be shared.
        has_media: whether the file is still kept; pictures are made of one that has pixels.
        sealed: whether its report is signed.
        works: pictures of the works that the evidence names, as far as they are kept.
    """
    name = verification.media.name or "A picture without a name"
    cited = set(verification.verdict.because)
    items = {
        evidence.id: _item(evidence, evidence.id in cited, name, works, verification.media)
        for evidence in verification.evidence
    }
    groups = [
        Group(kind, title, found)
        for kind, title in TITLES.items()
        if kind != "not-scored"
        and (found := [items[e.id] for e in verification.evidence if e.kind == kind])
    ]
    return Result(
        address=address,
        link=link,
        name=name,
        created=verification.created,
        headline=headline(verification),
        verdict=verification.verdict,
        media=verification.media,
        software=verification.software,
        cited=[items[id] for id in verification.verdict.because if id in items],
        groups=groups,
        not_scored=[
            (steps.TITLES.get(item.what, item.what), item.why)
            for item in verification.verdict.not_scored
        ],
        recovered=recovered_label(verification) is not None,
        is_kept=has_media,
        has_media=has_media and verification.media.width is not None,
        may_delete=may_delete,
        sealed=sealed,
        json=json.dumps(verification.model_dump(mode="json"), indent=2, ensure_ascii=False),
    )


def recovered_label(verification: Verification) -> str | None:
    """Manifest of the signed file that this is a copy of, if one was recovered for it."""
    if any(item.finding.startswith("c2pa-") for item in verification.evidence):
        return None  # the file has credentials of its own
    for item in verification.evidence:
        if item.finding in RECOVERED and item.points_to != "nothing":
            label = item.details.get("manifest")
            return label if isinstance(label, str) else None
    return None


def named_works(verification: Verification) -> list[str]:
    """Ids of the registered works that the evidence names."""
    return [
        item.details["work"]
        for item in verification.evidence
        if item.finding == "known-work" and isinstance(item.details.get("work"), str)
    ]


def _item(
    evidence: Evidence,
    cited: bool,
    name: str,
    works: Mapping[str, WorkPicture],
    media: MediaSummary,
) -> Item:
    is_manifest = evidence.kind in ("provenance", "integrity")
    return Item(
        id=evidence.id,
        kind_title=TITLES[evidence.kind],
        finding=evidence.finding,
        summary=evidence.summary,
        points_to=POINTS_TO[evidence.points_to],
        strength=evidence.strength,
        probability=evidence.probability,
        log10_false_alarm=evidence.log10_false_alarm,
        cited=cited,
        examiner=evidence.examiner,
        version=evidence.version,
        rows=details_of(evidence),
        credentials=credentials.shown(evidence.details, name) if is_manifest else None,
        work=_known_work(evidence, works, media) if evidence.finding == "known-work" else None,
        score=_scored(evidence) if evidence.kind == "detector" else None,
    )


def _scored(evidence: Evidence) -> Scored | None:
    interval = evidence.details.get("interval")
    if evidence.probability is None or not isinstance(interval, list | tuple):
        return None
    low, high = interval
    return Scored(
        point=SCALE * evidence.probability,
        low=SCALE * low,
        high=SCALE * high,
        told=f"The classifier by itself gives {100 * evidence.probability:.0f} % that a model "
        f"made it, between {100 * low:.0f} and {100 * high:.0f} % depending on what it was "
        "trained on. No other evidence is mixed into this figure.",
    )


def _known_work(
    evidence: Evidence, works: Mapping[str, WorkPicture], media: MediaSummary
) -> KnownWork:
    work = str(evidence.details.get("work"))
    receipt = evidence.details.get("receipt") or {}
    return known_work(work, receipt, works.get(work), (media.width or 0, media.height or 0))
