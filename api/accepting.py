"""Taking in what is to be examined: an upload, or an address where that is allowed."""

from __future__ import annotations

import io
import re
from pathlib import PurePosixPath
from typing import IO
from urllib.parse import unquote, urlsplit

from fastapi import Request
from pydantic import ValidationError

from assay.api.capacity import slot
from assay.api.problems import InvalidRequest
from assay.api.records import Record
from assay.api.records.store import Priority
from assay.api.runtime import Runtime
from assay.api.verification_resources import Address, UrlInputOff
from assay.errors import InputRefused, UnsupportedMedia
from assay.settings import settings
from assay.sniffing import sniff

DEFAULT_WAIT = 20.0  # seconds that an answer is waited for; most pictures take less than one
LONGEST_WAIT = 60.0
_HEADER_BYTES = 4096


def accept_upload(
    runtime: Runtime, file: IO[bytes], name: str | None, caller: str, priority: Priority = "live"
) -> Record:
    """Refuse at once what no examiner would open, keep the rest.

    Raises:
        InputRefused: it is empty, or of no type that Assay handles.
        Busy, StoreUnavailable, QueueUnavailable: as `Runtime.accept`.
    """
    file.seek(0)
    header = file.read(_HEADER_BYTES)
    if not header:
        raise InputRefused("upload: empty file")
    if sniff(header) is None:
        raise UnsupportedMedia(
            "upload: not a picture or video format that Assay handles",
            advice="handled: JPEG, PNG, WebP, AVIF, HEIC, GIF, TIFF, MP4, MOV, WebM",
        )
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


async def json_address(request: Request) -> Address:
    """The body of a request that sends an address as JSON.

    Raises:
        InvalidRequest: it is not of this form.
    """
    try:
        return Address.model_validate_json(await request.body())
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
