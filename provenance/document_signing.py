"""`assay.sign` for files without a picture: a manifest, read back, and an entry in the log.

There is no watermark and no fingerprint: a document whose manifest is stripped is not found
again, and nothing here pretends that it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.errors import AlreadyMarked, MarkFailed, OutputRefused
from assay.extending import MarkingContext
from assay.files import atomic_path, refuse_same_file
from assay.provenance import stories
from assay.provenance.claims import new_label
from assay.provenance.credentials import Credentials
from assay.provenance.documents import DETACHED_SUFFIX, Document, beside_of
from assay.provenance.marking import Receipt
from assay.provenance.reading import read
from assay.provenance.signing import embed, sign_detached
from assay.provenance.transparency import Log
from assay.sniffing import claimed_type


@dataclass(frozen=True)
class SignedDocument:
    """A signed document, its receipt, and where the result was written.

    `path` is the signed file, or for JSON and HTML the manifest that stands beside it.
    """

    document: Document
    receipt: Receipt
    path: Path | None


def sign_document(
    src: str | Path | Document,
    *,
    profile: str = "generated",
    out: str | Path | None = None,
    any_extension: bool = False,
    **context: Any,
) -> SignedDocument:
    """Sign, read back, log, release.

    Args:
        src: M4A, WAV, MP3, FLAC, PDF or SVG, which carry the manifest; JSON or HTML, which
            get one beside them and are not changed.
        profile, any_extension: as `assay.sign`.
        out: where the signed file goes, or for JSON and HTML the manifest; None writes
            nothing.
        **context: as `assay.sign`; `watermark` and `progress` have no meaning here.

    Raises:
        AlreadyMarked: the source carries a manifest that the profile would drop.
        KeysUnavailable: there are no keys.
        MarkFailed: the manifest does not read back; nothing was written.
        InputRefused, OutputRefused: the source cannot be read, the result not written.
    """
    stories.check(profile, context)
    original = src if isinstance(src, Document) else Document.open(src, any_extension=any_extension)
    before = read(original.data, manifest=original.manifest, media_type=original.media_type)
    if profile not in stories.WITH_HISTORY and before.state != "none":
        raise AlreadyMarked(
            f"{original.name or 'input'}: already carries Content Credentials",
            advice="sign an edit of it with --profile edited --parent ORIGINAL",
        )
    if out is not None:
        _refuse_destination(Path(out), src, original, context)
    label = new_label()
    story = stories.tell(MarkingContext(profile, label, options=context), original)
    if original.is_embedded:
        # `_read_back` reads what is released; once is enough.
        data, _ = embed(original.data, original.media_type, story, read_back=False)
        signed = Document(data, original.media_type, original.name)
    else:
        store = sign_detached(original.data, original.media_type, story)
        signed = Document(original.data, original.media_type, original.name, store)
    if out is None:
        return SignedDocument(signed, _receipt(original, signed, profile, label), None)
    destination = Path(out)
    with atomic_path(destination) as temporary:
        temporary.write_bytes(signed.data if signed.manifest is None else signed.manifest)
        written = temporary.read_bytes()
        signed = (
            Document(written, signed.media_type, destination.name)
            if signed.manifest is None
            else Document(signed.data, signed.media_type, signed.name, written)
        )
        receipt = _receipt(original, signed, profile, label)
    return SignedDocument(signed, receipt, destination)


def default_destination(source: Path, document: Document) -> Path:
    """`song.signed.mp3`, or `report.html.c2pa` beside the page."""
    if document.is_embedded:
        return source.with_name(f"{source.stem}.signed{source.suffix}")
    return beside_of(source)


def _refuse_destination(
    out: Path, src: str | Path | Document, original: Document, context: dict[str, Any]
) -> None:
    for source in (src, *stories.parents_of(context)):
        if isinstance(source, str | Path):
            refuse_same_file(source, out)
    if not original.is_embedded and out.suffix.lower() != DETACHED_SUFFIX:
        raise OutputRefused(
            f"{out}: the result is a manifest that stands beside the {original.media_type}",
            advice=f"choose a name that ends in {DETACHED_SUFFIX}",
        )
    if original.is_embedded and claimed_type(out.name) not in (None, original.media_type):
        raise OutputRefused(f"{out}: named {out.suffix} but the result is {original.media_type}")


def _receipt(original: Document, signed: Document, profile: str, label: str) -> Receipt:
    """The gate: what a stranger reads is what was meant; then the log."""
    credentials = _read_back(signed, label)
    proof = Log().record(label, signed.sha256)
    return Receipt(
        manifest_label=label,
        payload=None,
        fingerprints={},
        profile=profile,
        signer=str(credentials.signer),
        time=datetime.now(UTC),
        sha256_before=original.sha256,
        sha256_after=signed.sha256,
        log_index=proof.index,
        log_proof=proof.to_text(),
    )


def _read_back(signed: Document, label: str) -> Credentials:
    credentials = read(signed.data, manifest=signed.manifest, media_type=signed.media_type)
    if credentials.state not in ("valid", "trusted") or credentials.manifest_label != label:
        raise MarkFailed(
            f"{signed.name or 'input'}: the manifest reads back as {credentials.state}, "
            f"{credentials.manifest_label}"
        )
    return credentials
