"""From an object that a caller put to media that nobody outside can change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from assay.api.errors import ServiceError
from assay.api.media_store import MediaGone, MediaStore
from assay.api.uploads import refuse_by_header, refuse_by_size


class UploadMissing(ServiceError):
    """The file of this upload is not in the store yet."""

    code = "upload-missing"
    http_status = 409


def take(store: MediaStore, source: str, target: str) -> tuple[str, int]:
    """Copy an upload to a key of our own, and hash the copy as it streams by.

    The holder of the address can put another file until it expires. Only the copy is looked
    at, so that what is hashed is what is examined.

    Returns:
        SHA-256 in hexadecimal, and bytes.

    Raises:
        UploadMissing: nothing was put there yet.
        LimitExceeded: more bytes than allowed.
        InputRefused: it is empty, or of no type that Assay handles.
        StoreUnavailable: the store does not answer.
    """
    try:
        refuse_by_size(store.size(source))  # before it is copied
        store.copy(source, target)
    except MediaGone as error:
        raise UploadMissing(
            "the file is not there yet",
            advice="send it with PUT to the address of the upload, then ask again",
        ) from error
    refuse_by_size(store.size(target))  # another one may have come in between
    return _hashed(store.pieces(target))


def _hashed(pieces: Iterator[bytes]) -> tuple[str, int]:
    first = next(pieces, b"")
    refuse_by_header(first)
    digest, size = hashlib.sha256(first), len(first)
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size
