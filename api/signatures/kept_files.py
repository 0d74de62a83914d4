"""Signed files that a person has not fetched yet, kept as long as uploads are."""

from __future__ import annotations

import time

from assay.api.media_store import MediaGone, MediaStore
from assay.api.records import open_database
from assay.api.records.schema import retention
from assay.settings import settings


def keep(signature: str, data: bytes) -> None:
    """Keep the file of a signature.

    Raises:
        StoreUnavailable: it could not be kept.
    """
    until = time.time() + settings().retention_hours * 3600
    with open_database().begin() as connection:
        connection.execute(retention.insert(), {"key": _key(signature), "until": until})
    MediaStore.open().put(_key(signature), data)


def find(signature: str) -> bytes | None:
    """The file of a signature, or None when it is not kept (any more)."""
    try:
        with MediaStore.open().get(_key(signature)) as kept:
            return kept.read()
    except MediaGone:
        return None


def forget(signature: str) -> None:
    """Delete the file of a signature now; nothing happens without one.

    Raises:
        StoreUnavailable: it could not be deleted.
    """
    MediaStore.open().delete(_key(signature))
    with open_database().begin() as connection:
        connection.execute(retention.delete().where(retention.c.key == _key(signature)))


def _key(signature: str) -> str:
    """Ids of signatures are random, like every key of the store."""
    return f"signed-{signature}"
