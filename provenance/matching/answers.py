"""From what a search decided to what the caller gets."""

from __future__ import annotations

from collections.abc import Mapping

from assay.provenance.matching.manifests import ManifestStore
from assay.provenance.matching.matcher import Decided
from assay.provenance.matching.receipts import Match
from assay.provenance.matching.records import RecoveredManifest
from assay.provenance.matching.work_store import WorkStore


def matches(decided: Mapping[str, Decided], works: WorkStore) -> list[Match]:
    """Works by id, in the same order, without those that were removed meanwhile.

    Receipts get what the registrant said about disputes.
    """
    known = works.find(decided)
    return [
        Match(
            work_id=owner,
            decision=found.decision,
            receipt=found.receipt.model_copy(
                update={"registrant": known[owner].registrant, "dispute": known[owner].dispute}
            ),
        )
        for owner, found in decided.items()
        if owner in known
    ]


def recovered(decided: Mapping[str, Decided], manifests: ManifestStore) -> list[RecoveredManifest]:
    """Manifests by label, in the same order, without those that were removed meanwhile."""
    records = {label: manifests.find(label) for label in decided}
    return [
        RecoveredManifest(record=record, decision=found.decision, receipt=found.receipt)
        for label, found in decided.items()
        if (record := records[label]) is not None
    ]
