"""Signing: bytes in, signed bytes out, nothing released that does not read back as meant."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from assay.errors import ConfigurationError, MarkFailed, UnsupportedMedia
from assay.provenance import trust
from assay.provenance.claims import IngredientInput, Manifest, ingredient_id
from assay.provenance.formats import signing_format
from assay.provenance.installed_signer import installed
from assay.provenance.previewing import LONG_EDGE
from assay.provenance.signers import Signer
from assay.provenance.timestamping import with_policy
from assay.provenance.validating import ValidatorError, validate

if TYPE_CHECKING:
    import c2pa

    from assay.media import Media

THUMBNAIL = {"enabled": True, "format": "jpeg", "long_edge": LONG_EDGE, "quality": "low"}
_PREVIEW = "preview.jpg"

# Assertions that the library makes by itself and that we vouch for.
_CREATED = ["c2pa.actions", "c2pa.ingredient", "c2pa.soft-binding", "c2pa.thumbnail"]


def sign_bytes(
    media: Media,
    manifest: Manifest,
    signer: Signer | None = None,
    *,
    thumbnail: bool | bytes = True,
    read_back: bool = True,
) -> bytes:
    """Embed and sign a manifest.

    The result has been read back: its manifest is the active one, its hard binding holds
    and its claim signature is valid.

    Args:
        media: the asset; its own manifest, if any, is replaced (make it a parent to keep it).
        manifest: what to claim.
        signer: default the one of the keys folder.
        thumbnail: embed a small preview; only raster formats get one. Bytes are the JPEG to
            embed, from `previewing.preview`; otherwise the library decodes the picture.
        read_back: False only where the caller reads the finished file itself.

    Raises:
        UnsupportedMedia: the format cannot carry a manifest.
        KeysUnavailable: no usable signer.
        MarkFailed: the result does not read back as meant.
    """
    signed, _ = embed(
        media.data, media.media_type, manifest, signer, thumbnail=thumbnail, read_back=read_back
    )
    return signed


def embed(
    data: bytes,
    media_type: str,
    manifest: Manifest,
    signer: Signer | None = None,
    *,
    thumbnail: bool | bytes = True,
    read_back: bool = True,
) -> tuple[bytes, bytes]:
    """As `sign_bytes`, for any format of the table, audio and documents too.

    Returns:
        The signed asset and its manifest store (JUMBF bytes, media type application/c2pa).
    """
    target = io.BytesIO()
    native = signing_format(media_type)
    store = _sign(data, native, manifest, signer, target, embedded=True, thumbnail=thumbnail)
    signed = target.getvalue()
    if read_back:
        _read_back(signed, media_type, manifest.label)
    return signed, store


def sign_detached(
    data: bytes, media_type: str, manifest: Manifest, signer: Signer | None = None
) -> bytes:
    """Sign any bytes without changing them: HTML or JSON reports, formats that embed nothing.

    Returns:
        The manifest store, to keep beside the file as `<name>.c2pa`.

    Raises:
        KeysUnavailable, MarkFailed: as `sign_bytes`.
    """
    if not data:
        raise ConfigurationError("nothing to sign: empty document")
    store = _sign(data, media_type, manifest, signer, io.BytesIO(), embedded=False, thumbnail=False)
    _read_back(data, media_type, manifest.label, store)
    return store


def _sign(
    data: bytes,
    native_format: str,
    manifest: Manifest,
    signer: Signer | None,
    target: io.BytesIO,
    *,
    embedded: bool,
    thumbnail: bool | bytes,
) -> bytes:
    import c2pa

    holder: Signer = signer if signer is not None else installed()
    preview = THUMBNAIL if thumbnail is True else {"enabled": False}

    def attempt(timestamp: bool) -> bytes:
        target.seek(0)
        target.truncate()
        with (
            c2pa.Context.from_dict(_settings(preview)) as context,
            holder.open(timestamp=timestamp) as native,
            c2pa.Builder(definition, context=context) as builder,
        ):
            if not embedded:
                builder.set_no_embed()
            if isinstance(thumbnail, bytes):
                builder.add_resource(_PREVIEW, io.BytesIO(thumbnail))
            _add_ingredients(builder, manifest, stores)
            return bytes(builder.sign(native, native_format, io.BytesIO(data), target))

    try:
        definition, stores = _definition(manifest, native_format)
        if isinstance(thumbnail, bytes):
            definition["thumbnail"] = {"format": "image/jpeg", "identifier": _PREVIEW}
        return with_policy(attempt, has_authority=holder.timestamp_url is not None)
    except ValidatorError as error:
        raise MarkFailed(f"a recovered manifest cannot be read: {error}") from error
    except c2pa.C2paError as error:
        if "NotSupported" in str(error):
            raise UnsupportedMedia(
                f"{native_format} cannot carry an embedded manifest",
                advice="`provenance.sign_detached` makes one that stands beside it",
            ) from error
        raise MarkFailed(f"signing failed: {error}") from error


def _definition(manifest: Manifest, native_format: str) -> tuple[dict[str, Any], list[bytes]]:
    """The manifest definition, and the stores that its recovered ingredients refer to."""
    definition = manifest.definition(native_format)
    stores: list[bytes] = []
    for index, ingredient in enumerate(manifest.ingredients):
        if ingredient.is_recovered:
            name = _store_name(len(stores))
            part = _recovered(ingredient, ingredient_id(index), name)
            definition.setdefault("ingredients", []).append(part)
            stores.append(ingredient.data)
    return definition, stores


def _store_name(index: int) -> str:
    return f"recovered-{index}.c2pa"


def _recovered(ingredient: IngredientInput, identifier: str, store_name: str) -> dict[str, Any]:
    """An ingredient of which only the manifest store is there.

    Its signature and assertions are validated now. Its content hash can be neither matched
    nor refuted without its file, so that result is left out.
    """
    options = json.dumps(_settings({"enabled": False}))
    store = io.BytesIO(ingredient.data)
    report = json.loads(validate(store, ingredient.media_type, None, options)["reader"])
    results = report["validation_results"]
    active = results["activeManifest"]
    active["failure"] = [
        entry for entry in active["failure"] if not entry["code"].endswith("Hash.mismatch")
    ]
    return {
        "title": ingredient.title,
        "relationship": str(ingredient.relationship),
        "label": identifier,
        "instance_id": report["manifests"][report["active_manifest"]]["instance_id"],
        "active_manifest": report["active_manifest"],
        "manifest_data": {"format": "application/c2pa", "identifier": store_name},
        "validation_results": results,
    }


def _add_ingredients(builder: c2pa.Builder, manifest: Manifest, stores: list[bytes]) -> None:
    for index, store in enumerate(stores):
        builder.add_resource(_store_name(index), io.BytesIO(store))
    for index, ingredient in enumerate(manifest.ingredients):
        if ingredient.is_recovered:
            continue
        description = {
            "title": ingredient.title,
            "relationship": str(ingredient.relationship),
            "label": ingredient_id(index),
        }
        builder.add_ingredient(description, ingredient.media_type, io.BytesIO(ingredient.data))


def _settings(thumbnail: dict[str, Any]) -> dict[str, Any]:
    return {
        "verify": {
            # The library writes the bad file before it complains; `_read_back` looks at
            # the asset hash too and lets nothing out.
            "verify_after_sign": False,
            "remote_manifest_fetch": False,
            "ocsp_fetch": False,
        },
        "builder": {"thumbnail": thumbnail, "created_assertion_labels": _CREATED},
        "trust": trust.validator_settings(trust.installed()),
    }


def _read_back(signed: bytes, media_type: str, label: str, store: bytes | None = None) -> None:
    from assay.provenance.reading import read_bytes

    # Our own bytes: no need to keep the validator at a distance.
    credentials = read_bytes(signed, media_type=media_type, manifest=store, isolated=False)
    if credentials.manifest_label != label:
        raise MarkFailed(
            f"the manifest read back is {credentials.manifest_label}, signed was {label}"
        )
    if credentials.state not in ("valid", "trusted"):
        codes = ", ".join(problem.code for problem in credentials.problems) or "no code"
        raise MarkFailed(f"the signed file does not validate: {codes}")
