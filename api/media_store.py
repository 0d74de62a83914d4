"""Uploads, as objects under random keys: a folder by default, an S3 bucket by URL."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from assay.api.errors import RetryLater, ServiceError
from assay.errors import ConfigurationError
from assay.settings import settings

if TYPE_CHECKING:
    from obstore.store import ObjectStore, RetryConfig

PIECE = 1_048_576  # bytes copied at once
# A request that needs a bucket which is away is answered in seconds, not after minutes.
_PATIENCE: RetryConfig = {
    "max_retries": 10,
    "retry_timeout": timedelta(seconds=5),
    "backoff": {
        "init_backoff": timedelta(seconds=0.1),
        "max_backoff": timedelta(seconds=2),
        "base": 2,
    },
}

_log = logging.getLogger("assay")


class MediaGone(ServiceError):
    """The media were deleted."""

    code = "media-gone"
    http_status = 410


class StoreUnavailable(RetryLater):
    """The media store cannot be written or read."""

    code = "store-unavailable"

    def __init__(self, message: str) -> None:
        super().__init__(message, seconds=30)


class DirectUploadOff(ServiceError):
    """This service takes no uploads past itself."""

    code = "direct-upload-off"
    http_status = 403


@dataclass(frozen=True)
class SignedPut:
    """Permission to put one object, for whoever holds it.

    Attributes:
        url: a secret while it is valid.
        headers: what the request must carry.
    """

    url: str = field(repr=False)
    headers: dict[str, str]


class MediaStore:
    """Objects under keys. A key is made of random ids, never of anything that a caller chose.

    An object appears whole or not at all.

    Args:
        store: of obstore.
        folder: where it keeps its objects, if it is a folder.
        outside: the same bucket by the address that callers reach it at, to sign for them.
    """

    def __init__(
        self, store: ObjectStore, folder: Path | None = None, outside: ObjectStore | None = None
    ) -> None:
        self._store = store
        self._folder = folder
        self._outside = outside or store

    @classmethod
    def open(cls, url: str | None = None) -> MediaStore:
        """The store at a URL that obstore understands; default: that of the settings.

        Credentials of buckets come from the environment (`AWS_ACCESS_KEY_ID`, ...).

        Raises:
            ConfigurationError: the URL is of no known kind, or the folder cannot be made.
        """
        return _open(url or settings().media_location)

    def put(self, key: str, data: IO[bytes] | bytes) -> None:
        """Store an object.

        Raises:
            StoreUnavailable: it could not be written; nothing is left of it.
        """
        import obstore

        with _told("did not accept the upload", may_be_gone=False):
            obstore.put(self._store, key, data)
            if self._folder:
                _flush(self._folder / key)

    def get(self, key: str) -> IO[bytes]:
        """An object as an open file without a name, to be closed by the caller.

        Raises:
            MediaGone: there is none under this key.
            StoreUnavailable: the store does not answer.
        """
        import obstore

        with _told("does not answer"):
            if self._folder:
                return (self._folder / key).open("rb")
            return _anonymous(obstore.get(self._store, key).stream(PIECE))

    def pieces(self, key: str) -> Iterator[bytes]:
        """The content of an object as it comes, at least `PIECE` bytes at a time but for the last.

        Raises:
            MediaGone, StoreUnavailable: as `get`, when the first piece is asked for or later.
        """
        import obstore

        with _told("does not answer"):
            for piece in obstore.get(self._store, key).stream(PIECE):
                yield bytes(piece)

    def size(self, key: str) -> int:
        """Bytes of an object.

        Raises:
            MediaGone, StoreUnavailable: as `get`.
        """
        import obstore

        with _told("does not answer"):
            return obstore.head(self._store, key)["size"]

    def copy(self, source: str, target: str) -> None:
        """Copy an object within the store; its bytes do not come here.

        Raises:
            MediaGone, StoreUnavailable: as `get`.
        """
        import obstore

        with _told("cannot copy"):
            obstore.copy(self._store, source, target)

    def sign_put(self, key: str, seconds: float) -> SignedPut:
        """Let whoever holds the answer put this one object, as often as they like, for a while.

        Raises:
            DirectUploadOff: the store is a folder, or the settings forbid it.
            StoreUnavailable: there are no credentials to sign with.
        """
        import obstore
        from obstore.store import AzureStore, GCSStore, S3Store

        if not settings().direct_uploads or not isinstance(
            self._outside, S3Store | GCSStore | AzureStore
        ):
            raise DirectUploadOff(
                "this service takes no uploads past itself", advice="send the file as multipart"
            )
        with _told("cannot sign"):
            url = obstore.sign(self._outside, "PUT", key, timedelta(seconds=seconds))
        azure = isinstance(self._outside, AzureStore)
        return SignedPut(url, {"x-ms-blob-type": "BlockBlob"} if azure else {})

    def delete(self, key: str) -> None:
        """Remove an object and what an interrupted `put` left; nothing happens without one.

        Raises:
            StoreUnavailable: it could not be removed.
        """
        import obstore

        with suppress(MediaGone), _told("cannot delete"):
            if self._folder:
                for staged in self._folder.glob(f"{key}#*"):
                    staged.unlink(missing_ok=True)
            obstore.delete(self._store, key)

    def reach(self) -> None:
        """Do nothing but ask the store for an answer.

        Raises:
            StoreUnavailable: it does not answer.
        """
        with suppress(MediaGone):
            self.size("no-object-has-this-key")

    def keys(self) -> list[str]:
        """The key of every object."""
        import obstore

        return [found["path"] for page in obstore.list(self._store) for found in page]


@cache
def _open(url: str) -> MediaStore:
    from obstore.exceptions import BaseError
    from obstore.store import LocalStore, from_url

    try:
        parts = urlsplit(url)
        if parts.scheme == "file":
            folder = Path(url2pathname(parts.path))
            return MediaStore(LocalStore(folder, mkdir=True), folder)
        endpoint = settings().upload_endpoint
        outside = from_url(url, endpoint=endpoint) if endpoint else None
        return MediaStore(from_url(url, retry_config=_PATIENCE), outside=outside)
    except (BaseError, OSError, ValueError) as error:
        raise ConfigurationError(
            f"media store {url}: {error}", advice="check ASSAY_MEDIA_URL"
        ) from error


@contextmanager
def _told(failure: str, *, may_be_gone: bool = True) -> Iterator[None]:
    """Turn what a store reports into errors of ours; particulars are for the log alone.

    Raises:
        MediaGone: there is no such object.
        StoreUnavailable: everything else.
    """
    import obstore

    try:
        yield
    except (obstore.exceptions.BaseError, OSError) as error:
        if may_be_gone and isinstance(error, FileNotFoundError):
            raise MediaGone("the media were deleted") from error
        _log.warning("the media store %s: %s", failure, str(error).partition("\n")[0])
        raise StoreUnavailable(f"the media store {failure}") from error


def _anonymous(pieces: Iterable[bytes]) -> IO[bytes]:
    """A file in memory where the system can, so that no crash leaves a copy on the disk."""
    made = _unnamed()
    for piece in pieces:
        made.write(piece)
    made.flush()
    made.seek(0)
    return made


def _unnamed() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("assay-media"), "w+b")
    return tempfile.TemporaryFile()


def _flush(path: Path) -> None:
    """Put a file and its name on the disk: what was accepted survives power loss."""
    for each in (path, path.parent):
        handle = os.open(each, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
