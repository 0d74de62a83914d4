"""Sign at generation time: every marker in order, then a gate that reads the marks back.

Nothing is released on trust. The result is written to a temporary file, both marks are read
from it as a stranger would read them, the manifest is registered, and only then does the
file get its name.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from assay.encoding import encode_png
from assay.errors import AlreadyMarked, MarkFailed, OutputRefused
from assay.extending import MARKERS, MarkingContext, load
from assay.files import atomic_path, refuse_same_file
from assay.media import Media
from assay.provenance import stories, watermarking
from assay.provenance.credentials import Credentials
from assay.provenance.examiner import C2paExaminer, describe
from assay.provenance.keys import watermark_key
from assay.provenance.markers import PREVIEW
from assay.provenance.matching import Registry
from assay.provenance.public_hashes import public_hashes
from assay.provenance.reading import read
from assay.provenance.transparency import Log
from assay.settings import settings
from assay.sniffing import name_contradicts


class Receipt(BaseModel):
    """What the signer keeps: enough to find the manifest again when it was stripped."""

    model_config = ConfigDict(frozen=True)

    manifest_label: str
    payload: str | None
    fingerprints: dict[str, str]
    profile: str
    signer: str
    time: datetime
    sha256_before: str
    sha256_after: str
    log_index: int = Field(description="Number of the entry in the transparency log.")
    log_proof: str = Field(description="Proof of inclusion, a c2sp.org/tlog-proof text.")


@dataclass(frozen=True)
class Signed:
    """Marked media, its receipt, and where it was written."""

    media: Media
    receipt: Receipt
    path: Path | None


def sign(
    src: str | Path | bytes | Media,
    *,
    profile: str = "generated",
    out: str | Path | None = None,
    watermark: bool = True,
    any_extension: bool = False,
    registry: Registry | None = None,
    carries: int | None = None,
    checks: Sequence[Callable[[Media], None]] = (),
    preview: bytes | None = None,
    **context: Any,
) -> Signed:
    """Mark, sign, read back, register, release.

    Args:
        src: a path, the bytes of a file, media that is open, or sRGB uint8 HxWx3 pixels
            (which become a PNG). The source is never touched.
        profile: what happened: `generated` by AI, `edited` with AI, `captured` by a camera,
            `composite` of several parts, `converted` to another format, `redacted`
            (statements removed from its manifest, which the registry then forgets).
        out: where the result goes; None returns it without writing a file.
        any_extension: accept file names that claim another type than the content.
        watermark: False leaves the pixels alone and binds by fingerprint only.
        registry: default: the one of the settings.
        carries: payload of a watermark that the generator embedded already: none is added,
            and the gate looks for this one.
        checks: called with the finished media before anything is registered or released;
            each raises what it does not accept.
        preview: the JPEG that the manifest shows, from `previewing.preview`; by default it is
            made here.
        **context: more for the manifest: `generator` (name of the model or tool) and
            `generator_version`, `parent` (path of what was edited or converted; of a
            composite several paths), `inputs` (paths of what a model was given: references,
            masks), `source_type` (IPTC, instead of the profile's own), `redact` (labels of
            the assertions to remove), `title`,
            `prompt`, `negative_prompt` and `seed` with a `prompt_policy` ("omit", which is
            the default, "commit" or "full"), `training` ("allowed" or "notAllowed");
            `progress`, called with (frames done, frames in all or None) for video, and
            `extend`, called with the manifest, which gives the one that is signed.

    Returns:
        The signed media with its receipt.

    Raises:
        AlreadyMarked: the source carries a manifest, or a watermark of this key.
        KeysUnavailable: there are no keys; `assay keys init` makes development keys.
        MarkFailed: a mark does not read back; nothing was written.
        InputRefused, OutputRefused: the source cannot be read, the result not written.
    """
    stories.check(profile, context)
    original = _open(src, any_extension)
    _refuse_signed(original, profile)
    if out is not None:
        _refuse_destination(Path(out), original, [src, *stories.parents_of(context)], any_extension)
    shared = MarkingContext(
        profile=profile,
        manifest_label=f"urn:c2pa:{uuid.uuid4()}",
        payload=carries,
        options={"watermark": watermark and carries is None, **context},
    )
    if preview is not None:
        shared.notes[PREVIEW] = preview
    marked = original
    for marker in sorted(load(MARKERS).values(), key=lambda part: part.order):
        marked = marker.mark(marked, shared)
    with _opened(registry) as held:
        if out is None:
            receipt = _release(original, marked, shared, held, checks)
            _withdraw(original, profile, held)
            return Signed(marked, receipt, None)
        destination = Path(out)
        with atomic_path(destination) as temporary:
            temporary.write_bytes(marked.data)
            read_again = Media.open(temporary, limits=original.limits, any_extension=True)
            written = replace(read_again, name=destination.name)
            receipt = _release(original, written, shared, held, checks)
        _withdraw(original, profile, held)
        return Signed(written, receipt, destination)


def _opened(registry: Registry | None) -> AbstractContextManager[Registry]:
    """The registry that was handed in, which stays open, or the one of the settings."""
    return Registry(settings().registry_url) if registry is None else nullcontext(registry)


def _open(src: Any, any_extension: bool) -> Media:
    if isinstance(src, Media):
        return src
    if isinstance(src, bytes):
        return Media.from_bytes(src)
    if isinstance(src, str | Path):
        return Media.open(src, any_extension=any_extension)
    return Media.from_bytes(encode_png(src))


def _refuse_destination(
    out: Path, original: Media, sources: Sequence[Any], any_extension: bool
) -> None:
    """Neither the source nor its parent is ever written; the name must fit the content."""
    for source in sources:
        if isinstance(source, str | Path):
            refuse_same_file(source, out)
    if not any_extension and name_contradicts(out.name, original.media_type):
        raise OutputRefused(
            f"{out}: named {out.suffix} but the result is {original.media_type}",
            advice="Assay keeps the format; choose a name that fits it",
        )


def _refuse_signed(original: Media, profile: str) -> None:
    """A new creation may not silently drop the history that a file carries."""
    if profile not in stories.WITH_HISTORY and read(original).state != "none":
        raise AlreadyMarked(
            f"{original.name or 'input'}: already carries Content Credentials",
            advice="sign an edit of it with --profile edited --parent ORIGINAL",
        )


def _release(
    original: Media,
    marked: Media,
    context: MarkingContext,
    registry: Registry,
    checks: Sequence[Callable[[Media], None]],
) -> Receipt:
    """Read both marks back, register the manifest, and write the receipt."""
    credentials, manifest = _read_back(marked, context)
    for check in checks:
        check(marked)
    [told, *_] = C2paExaminer().evidence_of(credentials)
    proof = Log().record(context.manifest_label, marked.sha256)
    fingerprints = registry.register_manifest(
        context.manifest_label,
        manifest,
        payload=context.payload,
        pixels=marked,
        sha256_before=original.sha256,
        sha256_after=marked.sha256,
        summary=told.summary,
        width=marked.width,
        height=marked.height,
        log_proof=proof.to_text(),
        **describe(credentials),
    )
    return Receipt(
        manifest_label=context.manifest_label,
        payload=None if context.payload is None else f"{context.payload:015x}",
        fingerprints=fingerprints | public_hashes(marked.pixels()),
        profile=context.profile,
        signer=str(credentials.signer),
        time=datetime.now(UTC),
        sha256_before=original.sha256,
        sha256_after=marked.sha256,
        log_index=proof.index,
        log_proof=proof.to_text(),
    )


def _withdraw(original: Media, profile: str, registry: Registry) -> None:
    """What a redaction took out of the file is not handed out by the registry either.

    Copies of the original that lost their manifest are led to the redacted one.
    """
    label = read(original).manifest_label if profile == "redacted" else None
    if label is not None:
        registry.remove_manifest(label)


def _read_back(marked: Media, context: MarkingContext) -> tuple[Credentials, bytes]:
    """The gate: what a verifier would find must be what was meant.

    Raises:
        MarkFailed: a mark is missing, damaged, or names something else.
    """
    label = marked.name or "input"
    # Our own bytes: no need to keep the validator at a distance.
    credentials = read(marked, isolated=False)
    if credentials.state not in ("valid", "trusted"):
        raise MarkFailed(f"{label}: the manifest reads back as {credentials.state}")
    manifest = credentials.manifest_bytes
    if credentials.manifest_label != context.manifest_label or manifest is None:
        raise MarkFailed(f"{label}: the manifest reads back under another label")
    if context.payload is None:
        return credentials, manifest
    found = watermarking.find(marked, key=watermark_key())
    if found is None:
        raise MarkFailed(
            f"{label}: the watermark does not read back from this picture",
            advice="it may be too small or too flat; --no-watermark signs without it",
        )
    if found.payload != context.payload & ((1 << found.payload_bits) - 1):
        raise MarkFailed(f"{label}: the watermark reads back with another payload")
    return credentials, manifest
