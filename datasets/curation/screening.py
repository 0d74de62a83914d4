"""Which files of a training set copy registered works, or have a licence that is not allowed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from assay.datasets.curation.folders import Folder, Item, Refused
from assay.datasets.curation.licences import LicenceFilter
from assay.datasets.curation.likeness import Likeness, Pair, pair_of
from assay.datasets.curation.verdicts import FileVerdict, refused
from assay.errors import InputRefused
from assay.media import Media


@dataclass(frozen=True)
class Terms:
    """What a rights holder says about a registered work."""

    title: str
    rights_holder: str
    licence: str
    opted_out: bool


class Works(Protocol):
    """Registered works."""

    def like(self, media: Media) -> list[Likeness]:
        """Every work that this picture may copy, best first."""
        ...

    def terms(self, work_id: str) -> Terms:
        """The terms of a work."""
        ...


@dataclass(frozen=True)
class Screening:
    """A verdict for each file, and each work that a file may copy."""

    items: dict[str, Item]
    refused: list[Refused]
    verdicts: list[FileVerdict]
    pairs: list[Pair]
    terms: dict[str, Terms]


def screen(
    folder: Folder, names: Iterable[str], works: Works, licences: LicenceFilter | None = None
) -> Screening:
    """Compare every file with the registered works.

    Dropped are: files that cannot be examined; whose own licence is not allowed; that copy a
    work whose rights holder reserved training; that copy any other work unless its licence is
    allowed. A probable or possible copy is left to a person.

    Args:
        names: those of `folder`, perhaps wrapped to show progress.
        licences: without, licences are not looked at.
    """
    items: dict[str, Item] = {}
    failed: list[Refused] = []
    verdicts: list[FileVerdict] = []
    pairs: list[Pair] = []
    terms: dict[str, Terms] = {}
    seen: dict[str, list[Likeness]] = {}
    for name in names:
        try:
            media = folder.open(name)
            item = Item.of(name, media)
            if item.sha256 not in seen:
                seen[item.sha256] = works.like(media)
        except InputRefused as error:
            failed.append(Refused.because(name, error))
            continue
        items[name] = item
        found = seen[item.sha256]
        terms |= {one.of: works.terms(one.of) for one in found if one.of not in terms}
        pairs += [pair_of(item, one) for one in found]
        verdicts.append(_verdict(name, found, terms, licences))
    return Screening(items, failed, [*verdicts, *refused(failed)], pairs, terms)


def _verdict(
    name: str,
    found: list[Likeness],
    terms: dict[str, Terms],
    licences: LicenceFilter | None,
) -> FileVerdict:
    reasons = [_copied(name, one, terms[one.of], licences) for one in found]
    if licences is not None and not licences.allows(licences.of(name)):
        why = f"Its licence is {licences.of(name)!r}, which is not allowed."
        reasons.insert(0, FileVerdict(name, "drop", "licence", why=why))
    # Of several reasons the one that settles most is told; an opt-out before all others.
    severity = {"drop": 0, "look": 1, "keep": 2}
    return min(
        reasons,
        key=lambda verdict: (severity[verdict.verdict], verdict.reason != "opted-out"),
        default=FileVerdict(name, "keep"),
    )


def _copied(
    name: str, found: Likeness, terms: Terms, licences: LicenceFilter | None
) -> FileVerdict:
    verdict = FileVerdict(name, "drop", "opted-out", found.of, found.reason)
    if found.decision != "match":
        reason = "perhaps-opted-out" if terms.opted_out else "perhaps-registered-work"
        return replace(verdict, verdict="look", reason=reason)
    if terms.opted_out:
        return verdict
    if licences is not None and licences.allows(terms.licence):
        return replace(verdict, verdict="keep", reason="licensed-work")
    return replace(verdict, reason="registered-work")
