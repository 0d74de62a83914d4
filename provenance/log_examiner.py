"""The transparency log as evidence: was the signing of exactly this file recorded here?"""

from __future__ import annotations

from assay.evidence import Evidence
from assay.media import Media
from assay.provenance.matching import ManifestRecord, shared_registry
from assay.provenance.transparency import Log, LogProof, check
from assay.settings import settings


class LogExaminer:
    """Checks, offline, the proof of inclusion that the registry keeps with each signed file.

    Findings: `signing-logged`, `log-proof-broken`; none for files that were not signed here.
    """

    name = "log"
    version = "1"

    def examine(self, media: Media) -> list[Evidence]:
        registry = shared_registry(settings().registry_url)
        if registry is None:
            return []
        record = registry.manifest_for_file(media.sha256)
        if record is None or not record.details.get("log_proof"):
            return []
        return [self._evidence(record, media.sha256)]

    def _evidence(self, record: ManifestRecord, digest: str) -> Evidence:
        proof = LogProof.parse(str(record.details["log_proof"]))
        holds = check(proof, record.label, digest, Log().key())
        summary = (
            f"The signing of exactly this file is entry {proof.index} of this machine's log."
            if holds
            else "The registry holds a log proof for this file that does not check."
        )
        return Evidence(
            examiner=self.name,
            version=self.version,
            kind="provenance",
            finding="signing-logged" if holds else "log-proof-broken",
            points_to="nothing",
            strength="strong" if holds else "moderate",
            summary=summary,
            details={"index": proof.index, "manifest": record.label},
        )
