"""Uploads are kept for a while; results keep their hash."""

from __future__ import annotations

import time

import sqlalchemy as sa

from assay.api.media_store import MediaStore
from assay.api.records import Records
from assay.api.records.schema import retention, verifications
from assay.settings import settings

AT_ONCE = 500  # objects of one sweep


def promise(records: Records, key: str) -> None:
    """Write down when an object will be deleted. Call it before the object is stored."""
    until = time.time() + settings().retention_hours * 3600
    with records.engine.begin() as connection:
        connection.execute(retention.insert().values(key=key, until=until))


def hasten(records: Records, key: str) -> bool:
    """Have the next sweep delete an object that nothing came of; whether that is so.

    A database that goes away while it writes a record may have written it all the same.
    """
    used = sa.exists().where(verifications.c.media == key)
    change = retention.update().where(retention.c.key == key, ~used).values(until=0.0)
    with records.engine.begin() as connection:
        return connection.execute(change).rowcount == 1


def delete_media(records: Records, store: MediaStore, key: str) -> None:
    """Delete an object now.

    Raises:
        StoreUnavailable: it could not be deleted; the promise stands.
    """
    store.delete(key)
    records.forget_media(key)
    with records.engine.begin() as connection:
        connection.execute(retention.delete().where(retention.c.key == key))


def sweep(records: Records, store: MediaStore) -> int:
    """Delete what is past its time; how many objects.

    Raises:
        StoreUnavailable: as `delete_media`.
    """
    over = sa.select(retention.c.key).where(retention.c.until <= time.time())
    query = over.order_by(sa.func.random()).limit(AT_ONCE)  # one that stays holds up no others
    with records.engine.connect() as connection:
        due = connection.execute(query).scalars().all()
    for key in due:
        delete_media(records, store, key)
    return len(due)
