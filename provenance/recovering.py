"""Stripped copies: finding the manifest again, and giving it back."""

from __future__ import annotations

from dataclasses import dataclass, replace

from assay.errors import AlreadyMarked, AssayError, InputRefused, KeysUnavailable
from assay.media import Media
from assay.provenance import manifests, watermarking
from assay.provenance.claims import CLAIM_GENERATOR, STORE_TYPE, IngredientInput
from assay.provenance.credentials import Credentials
from assay.provenance.keys import watermark_key
from assay.provenance.matching import ManifestRecord, Registry
from assay.provenance.reading import read, read_bytes
from assay.provenance.signers import Signer
from assay.provenance.signing import sign_bytes
from assay.provenance.vocabulary import FINGERPRINT_ALGORITHM, WATERMARK_ALGORITHM


class NothingRecovered(AssayError):
    """No registered manifest belongs to this file."""

    code = "nothing-recovered"
    exit_code = 3


@dataclass(frozen=True)
class Recovery:
    """A registered manifest that belongs to a copy.

    Attributes:
        record: the registry's entry.
        found_by: soft binding algorithm that led to it.
        similarity: 0 to 100, as the Soft Binding Resolution API reports it.
    """

    record: ManifestRecord
    found_by: str
    similarity: int


def recover(media: Media, registry: Registry) -> list[Recovery]:
    """Manifests of signed files that this is a copy of, best first.

    A watermark counts only when the registered picture resembles this one: marks can be
    copied from one picture to another. Fingerprints count when they match by themselves.
    """
    found = {item.record.label: item for item in _by_watermark(media, registry)}
    for candidate in registry.recover(media):
        if candidate.decision == "match" and candidate.record.label not in found:
            found[candidate.record.label] = Recovery(candidate.record, FINGERPRINT_ALGORITHM, 90)
    return list(found.values())


def _by_watermark(media: Media, registry: Registry) -> list[Recovery]:
    try:
        key = watermark_key()
    except KeysUnavailable:
        return []
    mark = watermarking.find(media, key=key)
    if mark is None:
        return []
    named = registry.manifests_for_payload(mark.payload, mark.payload_bits)
    return [
        Recovery(record, WATERMARK_ALGORITHM, 100)
        for record in named
        if registry.resembles(record.label, media).same
    ]


def read_store(store: bytes) -> Credentials:
    """Read a manifest store whose file is not there.

    Its content hash cannot hold; everything else is validated. State is "invalid" only when
    something besides the content hash fails.
    """
    credentials = read_bytes(store, media_type=STORE_TYPE)
    problems = tuple(
        problem for problem in credentials.problems if not problem.code.endswith("Hash.mismatch")
    )
    if any(problem.breaks_integrity for problem in problems) or not credentials.manifest_label:
        return credentials
    trusted = credentials.trust_list is not None and not problems
    return replace(credentials, state="trusted" if trusted else "valid", problems=problems)


def reattach(
    media: Media, registry: Registry, *, signer: Signer | None = None
) -> tuple[bytes, Recovery]:
    """Sign a stripped copy with the manifest that was found for it as its parent.

    Args:
        media: the copy; it must carry no manifest.
        registry: where to look.
        signer: default the installed one.

    Returns:
        The signed bytes, and what was found.

    Raises:
        AlreadyMarked: the copy carries a manifest, so nothing was stripped.
        NothingRecovered: nothing registered belongs to it.
        InputRefused: the registered manifest itself does not hold.
        KeysUnavailable, MarkFailed: as `sign_bytes`.
    """
    label = media.name or "input"
    if read(media).state != "none":
        raise AlreadyMarked(f"{label}: carries a manifest; nothing to reattach")
    found = recover(media, registry)
    if not found:
        raise NothingRecovered(f"{label}: no registered manifest belongs to it")
    best = found[0]
    original = read_store(best.record.manifest)
    if original.state == "invalid":
        raise InputRefused(f"{label}: the manifest {best.record.label} does not hold")
    parent = IngredientInput.recovered(best.record.manifest, original.title or "original")
    manifest = manifests.recovered(CLAIM_GENERATOR, parent, found_by=best.found_by)
    return sign_bytes(media, manifest, signer), best
