"""Uploads, as objects under random keys: a folder by default, an S3 bucket by URL."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from assay.api.errors import RetryLater, ServiceError
from assay.errors import ConfigurationError
from assay.settings import settings

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PIECE = 1_048_576  # bytes copied at once


class MediaGone(ServiceError):
    """The media were deleted."""

    code = "media-gone"
    http_status = 410


class StoreUnavailable(RetryLater):
    """The media store cannot be written or read."""

    code = "store-unavailable"

    def __init__(self, message: str) -> None:
        super().__init__(message, seconds=30)


class MediaStore:
    """Objects under keys. A key is a random id, never anything that a caller chose.

    An object appears whole or not at all.
    """

    def __init__(self, store: ObjectStore, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder

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

        try:
            obstore.put(self._store, key, data)
            if self._folder:
                _flush(self._folder / key)
        except (obstore.exceptions.BaseError, OSError) as error:
            raise StoreUnavailable(f"the media store did not accept the upload: {error}") from error

    def get(self, key: str) -> IO[bytes]:
        """An object as an open file without a name, to be closed by the caller.

        Raises:
            MediaGone: there is none under this key.
            StoreUnavailable: the store does not answer.
        """
        import obstore

        try:
            if self._folder:
                return (self._folder / key).open("rb")
            return _anonymous(obstore.get(self._store, key).stream(PIECE))
        except FileNotFoundError as error:
            raise MediaGone("the media were deleted") from error
        except (obstore.exceptions.BaseError, OSError) as error:
            raise StoreUnavailable(f"the media store does not answer: {error}") from error

    def delete(self, key: str) -> None:
        """Remove an object and what an interrupted `put` left; nothing happens without one.

        Raises:
            StoreUnavailable: it could not be removed.
        """
        import obstore

        try:
            if self._folder:
                for staged in self._folder.glob(f"{key}#*"):
                    staged.unlink(missing_ok=True)
            obstore.delete(self._store, key)
        except FileNotFoundError:
            return
        except (obstore.exceptions.BaseError, OSError) as error:
            raise StoreUnavailable(f"the media store cannot delete: {error}") from error

    def reach(self) -> None:
        """Do nothing but ask the store for an answer.

        Raises:
            StoreUnavailable: it does not answer.
        """
        import obstore

        try:
            obstore.head(self._store, "no-object-has-this-key")
        except FileNotFoundError:
            return
        except (obstore.exceptions.BaseError, OSError) as error:
            raise StoreUnavailable(f"the media store does not answer: {error}") from error

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
        return MediaStore(from_url(url))
    except (BaseError, OSError, ValueError) as error:
        raise ConfigurationError(
            f"media store {url}: {error}", advice="check ASSAY_MEDIA_URL"
        ) from error


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
