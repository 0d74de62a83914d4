"""Manifests of signed files, kept for copies that lose theirs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import sqlalchemy as sa

from assay.databases import lock_writers
from assay.provenance.matching.errors import NotRegistered
from assay.provenance.matching.records import ManifestRecord
from assay.provenance.matching.schema import manifests, prints, tombstones
from assay.provenance.matching.store import NewPrint, insert_prints

PAYLOAD_BITS = 60
SHORT_PAYLOAD_BITS = 40  # of the watermark's short profile: the low bits of the payload
_SHORT = (1 << SHORT_PAYLOAD_BITS) - 1


class ManifestStore:
    """The manifests of one registry."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def put(self, stored: ManifestRecord, pictures: Iterable[NewPrint]) -> None:
        """Store a manifest with the look of its file; a label that is known is replaced."""
        with self._engine.begin() as connection:
            lock_writers(connection)
            owned = sa.select(prints.c.id).where(prints.c.manifest_label == stored.label)
            connection.execute(tombstones.insert().from_select([tombstones.c.print_id], owned))
            connection.execute(manifests.delete().where(manifests.c.label == stored.label))
            row = stored.model_dump()
            row["short_payload"] = None if stored.payload is None else stored.payload & _SHORT
            connection.execute(manifests.insert(), row)
            insert_prints(connection, pictures, manifest_label=stored.label)

    def remove(self, label: str) -> bool:
        """Delete a manifest with the look of its file; whether there was one."""
        with self._engine.begin() as connection:
            lock_writers(connection)
            owned = sa.select(prints.c.id).where(prints.c.manifest_label == label)
            connection.execute(tombstones.insert().from_select([tombstones.c.print_id], owned))
            gone = connection.execute(manifests.delete().where(manifests.c.label == label))
        return bool(gone.rowcount)

    def find(self, label: str) -> ManifestRecord | None:
        """The manifest with this label, or None."""
        return next(iter(self._where(manifests.c.label == label)), None)

    def by_label(self, label: str) -> ManifestRecord:
        """The manifest with this label.

        Raises:
            NotRegistered: there is none.
        """
        stored = self.find(label)
        if stored is None:
            raise NotRegistered(f"no manifest {label!r} is registered")
        return stored

    def by_payload(self, payload: int, payload_bits: int) -> list[ManifestRecord]:
        """Every manifest with this watermark payload, newest first."""
        if payload_bits == SHORT_PAYLOAD_BITS:
            return self._where(manifests.c.short_payload == payload & _SHORT)
        return self._where(manifests.c.payload == payload)

    def by_file(self, sha256: str) -> ManifestRecord | None:
        """The newest manifest of the signed file with this hash."""
        return next(iter(self._where(manifests.c.sha256_after == sha256)), None)

    def _where(self, condition: sa.ColumnElement[bool]) -> list[ManifestRecord]:
        query = sa.select(manifests).where(condition).order_by(manifests.c.created.desc())
        with self._engine.connect() as connection:
            return [
                ManifestRecord(
                    label=row.label,
                    manifest=bytes(row.manifest),
                    payload=row.payload,
                    sha256_before=row.sha256_before,
                    sha256_after=row.sha256_after,
                    digital_source_type=row.digital_source_type,
                    details=row.details,
                    created=_aware(row.created),
                )
                for row in connection.execute(query)
            ]


def _aware(moment: datetime) -> datetime:
    """SQLite gives times back without their zone; all are stored in UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
