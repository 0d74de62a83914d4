"""From distances and geometry to a decision, with its reason."""

from __future__ import annotations

from dataclasses import dataclass

from assay.provenance.matching.geometry import Alignment
from assay.provenance.matching.receipts import Decision
from assay.provenance.matching.thresholds import Thresholds

GRAPHIC_COVERAGE = 0.9  # of the shown part; less and only the layout may be shared


@dataclass(frozen=True)
class Findings:
    """What is known about one candidate.

    Attributes:
        pdq, difference: distances in bits at the best probe.
        alignment: geometric agreement, None when there is none.
        graphic: the work is flat artwork or lettering, by its look or as declared.
        hashable: neither side is featureless or graphic, so hashes alone mean something.
        same_colours: the colours are laid out alike.
        same_file: byte for byte the registered file.
        in_force: the registration is valid today.
    """

    pdq: int
    difference: int
    alignment: Alignment | None
    graphic: bool
    hashable: bool
    same_colours: bool
    same_file: bool
    in_force: bool


def decide(found: Findings, limits: Thresholds) -> tuple[Decision, str] | None:
    """The decision band and one sentence that says why, or None when nothing points to a copy."""
    decision = _decide(found, limits)
    if decision is None or found.in_force:
        return decision
    return "review", f"{decision[1]} The registration is not in force today."


def _decide(found: Findings, limits: Thresholds) -> tuple[Decision, str] | None:
    if found.same_file:
        return "match", "The file is the registered file, byte for byte."
    if found.alignment is not None and found.alignment.accepted:
        return _by_geometry(found, found.alignment, limits)
    return _by_hashes(found, limits)


def _by_geometry(found: Findings, alignment: Alignment, limits: Thresholds) -> tuple[Decision, str]:
    places = f"{alignment.inliers} places agree in one geometric transform"
    if not found.graphic and alignment.firm:
        return "match", f"{places}."
    if not found.graphic:
        by_hashes = _by_hashes(found, limits)
        if by_hashes is not None and by_hashes[0] == "match":
            return by_hashes
        return "verify", (
            f"{places}, over {alignment.coverage:.0%} of what is shown: a shared object, face or "
            "layout would explain as much."
        )
    if (
        alignment.coverage >= GRAPHIC_COVERAGE
        and found.pdq <= limits.match_pdq
        and found.same_colours
    ):
        return "match", f"{places}, over {alignment.coverage:.0%} of it, in the same colours."
    return "review", (
        f"{places}, but only over {alignment.coverage:.0%} of a work of shared layout "
        "(logo, chart, text or caption): the content may differ."
    )


def _by_hashes(found: Findings, limits: Thresholds) -> tuple[Decision, str] | None:
    first = found.pdq <= limits.review_pdq
    second = found.difference <= limits.review_difference
    agree = found.difference <= limits.match_difference
    if not (first or second):
        return None
    if not found.hashable:
        if first and agree:
            return "review", (
                "Both perceptual hashes are near, but on artwork, lettering or a featureless "
                "picture they are near by chance, and no geometry confirms it."
            )
        return None
    if first and agree:
        if found.pdq <= limits.match_pdq:
            return "match", "Both perceptual hashes are near enough for a registry of this size."
        return "verify", "Both perceptual hashes are near, but no geometry confirms it."
    if found.pdq <= limits.match_pdq:
        return "review", (
            "One perceptual hash is near and the second is not: a coincidence or a forgery."
        )
    which = "first" if first else "second"
    return "review", f"The {which} of two perceptual hashes is near, without geometry."
