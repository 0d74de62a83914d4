"""The registry as evidence: is this a known work, or a signed file that lost its manifest?"""

from __future__ import annotations

from typing import Any

from assay.evidence import Evidence, PointsTo, Strength
from assay.media import Media
from assay.provenance.matching.fingerprints import ALGORITHM
from assay.provenance.matching.receipts import Decision, Match, Receipt
from assay.provenance.matching.records import RecoveredManifest
from assay.provenance.matching.sharing import shared_registry
from assay.settings import settings

# A file signed with a trusted key is worth more than the look of it: never "conclusive".
_STRENGTH: dict[Decision, Strength] = {"match": "strong", "verify": "moderate", "review": "weak"}
MOST_FINDINGS = 3  # of a kind, best first: one picture may have been signed many times
_CERTAINTY: dict[Decision, str] = {
    "match": "This is",
    "verify": "This is probably",
    "review": "This may be",
}


class FingerprintExaminer:
    """Looks the picture up in the registry of the settings, if there is one.

    Findings: `known-work`, `manifest-recovered-by-fingerprint`, `not-registered`.
    """

    name = "fingerprint"
    version = ALGORITHM

    def examine(self, media: Media) -> list[Evidence]:
        registry = shared_registry(settings().registry_url)
        if registry is None:
            return []
        recovered, matches = registry.look_up(media)
        titles = {match.work_id: registry.work(match.work_id).title for match in matches}
        evidence = [self._recovered(found) for found in recovered[:MOST_FINDINGS]]
        evidence += [self._known(match, titles[match.work_id]) for match in matches[:MOST_FINDINGS]]
        return evidence or [self._unknown()]

    def _recovered(self, found: RecoveredManifest) -> Evidence:
        record = found.record
        points_to = record.origin if found.decision != "review" else "nothing"
        return self._evidence(
            "manifest-recovered-by-fingerprint",
            points_to,
            found.decision,
            f"{_CERTAINTY[found.decision]} a copy of the signed file of manifest "
            f"{record.label}; {record.description}",
            found.receipt,
            {"manifest": record.label, "digital_source_type": record.digital_source_type},
        )

    def _known(self, match: Match, title: str) -> Evidence:
        name = f"{title!r} ({match.work_id})" if title else match.work_id
        return self._evidence(
            "known-work",
            "known-work",
            match.decision,
            f"{_CERTAINTY[match.decision]} a copy of the registered work {name}. "
            f"{match.receipt.reason}",
            match.receipt,
            {"work": match.work_id, "title": title},
        )

    def _evidence(
        self,
        finding: str,
        points_to: PointsTo,
        decision: Decision,
        summary: str,
        receipt: Receipt,
        details: dict[str, Any],
    ) -> Evidence:
        return Evidence(
            examiner=self.name,
            version=self.version,
            kind="fingerprint",
            finding=finding,
            points_to=points_to,
            strength=_STRENGTH[decision],
            log10_false_alarm=receipt.log10_false_match,
            summary=summary,
            details={**details, "decision": decision, "receipt": receipt.model_dump(mode="json")},
        )

    def _unknown(self) -> Evidence:
        return Evidence(
            examiner=self.name,
            version=self.version,
            kind="fingerprint",
            finding="not-registered",
            points_to="nothing",
            strength="weak",
            summary="Resembles nothing in the registry.",
        )
