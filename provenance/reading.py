"""Reading Content Credentials. Nothing here touches the network, unless `fetch` is handed in."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from assay.errors import AssayError, InputRefused, LimitExceeded, UnreadableFile
from assay.media import Media
from assay.provenance import jumbf, revocation, trust
from assay.provenance.credentials import Credentials, Problem
from assay.provenance.formats import guess_media_type
from assay.provenance.interpreting import interpret
from assay.provenance.isolating import validate_isolated
from assay.provenance.statuscodes import REMOTE_FAILED, REMOTE_NOT_FETCHED, UNREADABLE
from assay.provenance.validating import ValidatorError, validate
from assay.settings import settings

REMOTE_SECONDS = 15.0
"""For a manifest on a server, redirects included."""
_NO_MANIFEST = ("ManifestNotFound", "NotSupported")
_REMOTE = "Remote: must fetch remote manifests from url "


def read(
    src: str | Path | bytes | Media,
    *,
    manifest: bytes | None = None,
    media_type: str | None = None,
    trust_lists: tuple[trust.TrustList, ...] | None = None,
    isolated: bool | None = None,
    fetch: Callable[[str], bytes] | None = None,
) -> Credentials:
    """Read and validate the Content Credentials of a file.

    Args:
        src: a path, the bytes, or opened media. Audio, PDF and SVG are read too.
        manifest: a detached manifest store; what the file embeds is then ignored.
        media_type: of bytes that no signature identifies; needed for detached manifests
            only to name the asset.
        trust_lists: default every list of the trust folder.
        isolated: validate in a child process with limits on time and memory; default the
            setting `isolate_validation`.
        fetch: gets a manifest that the file says is elsewhere, from its URL. Without it
            nothing is ever asked. The URL comes from the file: only hand in a client that
            refuses private addresses and limits size and time, such as `fetch_manifest`.

    Returns:
        Credentials, with state "none" when there is no manifest. A damaged manifest is
        state "invalid", not an error. Opened media are validated once, however often they
        are read.

    Raises:
        UnreadableFile: the path cannot be read.
        LimitExceeded: the file or its manifest store is over the limits, or validation took
            too long.
    """
    lists = trust.installed() if trust_lists is None else trust_lists
    revoked = revocation.installed()
    if isolated is None:
        isolated = settings().isolate_validation

    def validated(data: bytes, kind: str | None, store: bytes | None) -> Credentials:
        found = read_bytes(
            data, media_type=kind, manifest=store, trust_lists=lists, isolated=isolated
        )
        return revocation.applied(found, revoked)

    if isinstance(src, Media):
        data, media_type = src.data, src.media_type
    else:
        data = src if isinstance(src, bytes) else _read_file(Path(src))
    if isinstance(src, Media) and manifest is None:
        key = ("credentials", lists, revoked, isolated)
        credentials = src.once(key, lambda: validated(data, media_type, None))
    else:
        credentials = validated(data, media_type, manifest)
    if fetch is None or credentials.remote_url is None:
        return credentials
    url = credentials.remote_url
    try:
        elsewhere = validated(data, media_type, fetch(url))
    except AssayError as error:
        note = Problem(REMOTE_FAILED, error.message)
        return replace(credentials, notes=(*credentials.notes, note))
    return replace(elsewhere, remote_url=url)


def fetch_manifest(url: str) -> bytes:
    """Get a manifest from where a file says it is: public addresses only, 16 MB at most.

    Raises:
        FetchRefused, FetchFailed, LimitExceeded: as `assay.fetching.fetch`.
    """
    from assay.fetching import fetch

    headers = {"Accept": "application/c2pa"}
    return fetch(url, max_bytes=jumbf.MAX_STORE_BYTES, timeout=REMOTE_SECONDS, headers=headers).data


def read_bytes(
    data: bytes,
    *,
    media_type: str | None = None,
    manifest: bytes | None = None,
    trust_lists: tuple[trust.TrustList, ...] | None = None,
    isolated: bool | None = None,
) -> Credentials:
    """As `read`, for bytes."""
    if not data:
        raise InputRefused("empty file")
    lists = trust.installed() if trust_lists is None else trust_lists
    store = manifest if manifest is not None else jumbf.find_store(data)
    if store is not None:
        jumbf.check_limits(store)
    guessed = guess_media_type(data)
    kind = guessed or media_type
    if kind is None and manifest is None:
        return Credentials("none", validator=validator())
    kind = kind or "application/octet-stream"
    if isolated is None:
        isolated = settings().isolate_validation
    credentials = _validate(data, kind, manifest, store, lists, isolated)
    if credentials.state == "trusted" and not _for_manifests(credentials.trust_list, lists):
        only = tuple(entry for entry in lists if entry.kind == "manifest")
        return _as_trusted_by(_validate(data, kind, manifest, store, only, isolated), credentials)
    return credentials


def _for_manifests(name: str | None, lists: tuple[trust.TrustList, ...]) -> bool:
    return any(entry.name == name and entry.kind == "manifest" for entry in lists)


def _as_trusted_by(strict: Credentials, lenient: Credentials) -> Credentials:
    """The lenient reading, trusted only if the strict one is.

    The library lets every list vouch for signers, those for time stamps and identities too,
    and does not say which it prefers when several could. So where another kind of list
    vouched, a second reading with manifest lists alone decides.
    """
    if strict.state == "trusted":
        return replace(lenient, trust_list=strict.trust_list)
    problem = Problem(
        "signingCredential.untrusted",
        f"found only in {lenient.trust_list}, which is not a list of manifest signers",
    )
    problems = (*lenient.problems, problem)
    return replace(lenient, state="valid", trust_list=None, problems=problems)


def _validate(
    data: bytes,
    media_type: str,
    manifest: bytes | None,
    store: bytes | None,
    lists: tuple[trust.TrustList, ...],
    isolated: bool,
) -> Credentials:
    options = _settings(lists)
    try:
        if isolated:
            answer = validate_isolated(data, media_type, manifest, options)
        else:
            answer = validate(io.BytesIO(data), media_type, manifest, options)
    except ValidatorError as error:
        return _failed(str(error), store, holds_marker=b"c2pa" in data)
    documents = {name: json.loads(text) for name, text in answer.items()}
    return interpret(documents, store, lists, validator())


@lru_cache(maxsize=8)
def _settings(lists: tuple[trust.TrustList, ...]) -> str:
    return json.dumps(
        {
            "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
            "trust": trust.validator_settings(lists),
        }
    )


def _failed(message: str, store: bytes | None, *, holds_marker: bool) -> Credentials:
    """Credentials for what the library answers with an exception instead of a status."""
    if _REMOTE in message:
        url = message.partition(_REMOTE)[2].strip()
        note = Problem(REMOTE_NOT_FETCHED, message)
        return Credentials("none", notes=(note,), remote_url=url, validator=validator())
    if store is None and message.startswith(_NO_MANIFEST):
        return Credentials("none", validator=validator())
    if store is None and not holds_marker:
        # The library cannot parse this file; nothing says that there was ever a manifest.
        note = Problem(UNREADABLE, message)
        return Credentials("none", notes=(note,), validator=validator())
    return Credentials(
        "invalid",
        problems=(Problem(UNREADABLE, message),),
        manifest_bytes=store,
        validator=validator(),
    )


@lru_cache(maxsize=1)
def validator() -> str:
    """Name and version of the C2PA validator in use."""
    import c2pa

    return f"c2pa-rs {c2pa.sdk_version()}"


def _read_file(path: Path) -> bytes:
    limit = settings().limits.max_bytes
    try:
        if path.stat().st_size > limit:
            raise LimitExceeded(f"{path}: {path.stat().st_size:,} bytes, the limit is {limit:,}")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error
