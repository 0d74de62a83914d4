"""Matching: known works and stripped manifests, found again by the look of a picture."""

from assay.provenance.matching.errors import (
    NotRegistered,
    PoisonousWork,
    RegistryMissing,
    RegistryUnusable,
    WorkRefused,
)
from assay.provenance.matching.receipts import Match, Receipt
from assay.provenance.matching.records import ManifestRecord, RecoveredManifest, Resemblance
from assay.provenance.matching.registry import Registry
from assay.provenance.matching.sharing import shared_registry
from assay.provenance.matching.thresholds import Budget
from assay.provenance.matching.works import Work

__all__ = [
    "Budget",
    "ManifestRecord",
    "Match",
    "NotRegistered",
    "PoisonousWork",
    "Receipt",
    "RecoveredManifest",
    "Registry",
    "RegistryMissing",
    "RegistryUnusable",
    "Resemblance",
    "Work",
    "WorkRefused",
    "shared_registry",
]
