"""Sending a large file past the service, into its bucket."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from assay.api.client.conversation import Call, Conversation, Patience, Put, attempted, create
from assay.api.client.errors import Overloaded, RemoteError

if TYPE_CHECKING:
    from assay.api.client.uploads import Upload

DIRECT_BYTES = 8 * 1_048_576
"""Files above this go into the bucket; smaller ones are quicker in one request."""
_RETRIES = 2  # of the PUT; then the file goes through the service instead
_LONGEST_NAME = 200
# What an older service answers, or one that keeps media in a folder, or forbids it.
_NOT_OFFERED = (403, 404, 405)


@dataclass
class Direct:
    """Whether a service takes files past itself, as far as its client has learned.

    Attributes:
        server: its address.
        works: until an attempt shows otherwise.
    """

    server: str
    works: bool = True

    def trusts(self, url: str) -> bool:
        """Whether a file may go there: never in clear when the service itself is asked by TLS."""
        try:
            scheme = urlsplit(url).scheme
        except ValueError:
            return False
        return scheme == "https" or (scheme == "http" and self.server.startswith("http:"))


def sent_past(upload: Upload, patience: Patience, direct: Direct) -> Conversation[str | None]:
    """Put a file where the service says.

    Returns:
        The id to have it examined by; None when it has to be sent through the service.

    Raises:
        InputRefused: the service would not take so large a file.
        RemoteError: the service refuses, and would refuse the file itself too.
    """
    if not direct.works or upload.size <= DIRECT_BYTES:
        return None
    # Half a character of a file's name cannot be sent.
    name = "".join(c for c in upload.name if c.isprintable())[:_LONGEST_NAME]
    new = Call("POST", "/v1/uploads", body={"name": name, "size": upload.size})
    try:
        answer = yield from create(new, patience)
    except Overloaded:
        return None  # too many are open; through the service there may be room
    except RemoteError as refusal:
        if refusal.status not in _NOT_OFFERED:
            raise
        direct.works = False
        return None
    permission = answer.json()
    id, url = str(permission["id"]), str(permission["url"])
    if direct.trusts(url):
        patient = replace(patience, retries=min(patience.retries, _RETRIES))
        put = Put(url, upload, dict(permission["headers"]))
        if not (yield from attempted(put, patient)).refused():
            return id
    direct.works = False  # the bucket cannot be reached from here
    yield from attempted(Call("DELETE", f"/v1/uploads/{id}"), Patience(retries=0))
    return None
