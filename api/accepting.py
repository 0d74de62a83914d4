"""Taking in what is to be examined: an upload, one past the service, or an address."""

from __future__ import annotations

import io
import re
from contextlib import suppress
from pathlib import PurePosixPath
from typing import IO
from urllib.parse import unquote, urlsplit

from fastapi import Request
from pydantic import ValidationError

from assay.api.capacity import slot
from assay.api.direct_uploads.store import AlreadyUsed, DirectUpload, use
from assay.api.direct_uploads.taking import take
from assay.api.media_store import StoreUnavailable
from assay.api.problems import InvalidRequest
from assay.api.records import Record
from assay.api.records.store import Priority
from assay.api.runtime import Runtime
from assay.api.uploads import HEADER_BYTES, refuse_by_header
from assay.api.verification_resources import Source, UrlInputOff
from assay.errors import AssayError, InputRefused
from assay.settings import settings

DEFAULT_WAIT = 20.0  # seconds that an answer is waited for; most pictures take less than one
LONGEST_WAIT = 60.0


def accept_upload(
    runtime: Runtime, file: IO[bytes], name: str | None, caller: str, priority: Priority = "live"
) -> Record:
    """Refuse at once what no examiner would open, keep the rest.

    Raises:
        InputRefused: it is empty, or of no type that Assay handles.
        Busy, StoreUnavailable, QueueUnavailable: as `Runtime.accept`.
    """
    file.seek(0)
    refuse_by_header(file.read(HEADER_BYTES), name)
    return runtime.accept(file, name=name, caller=caller, priority=priority)


def accept_url(runtime: Runtime, url: str, caller: str, priority: Priority = "live") -> Record:
    """Fetch an address through the client that refuses private ones, then as `accept_upload`.

    Raises:
        UrlInputOff: this service does not do that.
        InputRefused: the address may not be fetched, or gives no answer.
    """
    if not settings().allow_url_input:
        raise UrlInputOff("this service does not fetch addresses", advice="upload the file")
    from assay.fetching import fetch

    with slot():
        fetched = fetch(url, max_bytes=settings().limits.max_bytes)
    name = PurePosixPath(unquote(urlsplit(fetched.final_url).path)).name
    printable = "".join(c for c in name if c.isprintable())[:200]
    return accept_upload(runtime, io.BytesIO(fetched.data), printable or None, caller, priority)


def accept_direct(runtime: Runtime, id: str, caller: str, priority: Priority = "live") -> Record:
    """Have what the caller put into the bucket examined; asked again, the same verification.

    Two requests at once may both copy the file. The transaction that writes the record also
    notes that the upload is used, so that only one of them makes a verification.

    Raises:
        UnknownUpload: there is none of this caller, or its time is over.
        UploadMissing: the file is not there yet.
        InputRefused: the file is over the limit, empty, or of no type that Assay handles; it is
            deleted.
        Busy, StoreUnavailable, QueueUnavailable: nothing came of it, and it can be asked again.
    """
    upload = runtime.uploads.find(id, caller)
    if upload.verification is not None:
        return runtime.find(upload.verification, caller)
    try:
        with slot(), runtime.new_media() as key:
            sha256, size = take(runtime.store, upload.key, key)
            record = runtime.queue(
                key,
                caller=caller,
                name=upload.name,
                sha256=sha256,
                size=size,
                priority=priority,
                also=lambda connection, made: use(connection, upload, made),
            )
    except AlreadyUsed:
        return accept_direct(runtime, id, caller, priority)
    except AssayError as error:
        other = runtime.uploads.find(id, caller).verification
        if other is not None:  # made meanwhile; its maker removed the file
            return runtime.find(other, caller)
        if isinstance(error, InputRefused):
            _remove(runtime, upload)
        raise
    _remove(runtime, upload)
    return record


def _remove(runtime: Runtime, upload: DirectUpload) -> None:
    with suppress(StoreUnavailable):  # the caretaker removes it later
        runtime.store.delete(upload.key)


async def json_source(request: Request) -> Source:
    """The body of a request that says as JSON where the media are.

    Raises:
        InvalidRequest: it is not of this form.
    """
    try:
        return Source.model_validate_json(await request.body())
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}"
            for item in error.errors(include_url=False)
        )
        raise InvalidRequest(told) from error


def seconds_to_wait(prefer: str | None) -> float:
    """How long `Prefer` asks to wait (RFC 7240); what is not understood is ignored."""
    wanted = re.search(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?(?:$|[,;\s])", prefer or "")
    if wanted:
        return min(float(wanted[1]), LONGEST_WAIT)
    at_once = re.search(r"(?:^|[,;\s])respond-async(?:$|[,;\s])", prefer or "")
    return 0.0 if at_once else DEFAULT_WAIT
