"""The registry of works and of manifests: `assay.provenance.matching.Registry`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from assay.databases import empty_log, lock_writers
from assay.provenance.matching import database, schema
from assay.provenance.matching.answers import matches, recovered
from assay.provenance.matching.counting import LiveCount, registered
from assay.provenance.matching.errors import WorkRefused
from assay.provenance.matching.exchange import PDQ, Listed, check_hash
from assay.provenance.matching.indexes import Indexes
from assay.provenance.matching.manifests import ManifestStore
from assay.provenance.matching.matcher import Matcher
from assay.provenance.matching.pictures import Source, first_picture
from assay.provenance.matching.query import Query
from assay.provenance.matching.receipts import Match
from assay.provenance.matching.records import ManifestRecord, RecoveredManifest, Resemblance
from assay.provenance.matching.registering import Registrar
from assay.provenance.matching.searching import Owners, Searcher
from assay.provenance.matching.store import (
    NewPrint,
    find_prints,
    foreign_hashes_of,
    hash_only,
    insert_foreign_hashes,
    insert_prints,
)
from assay.provenance.matching.thresholds import Budget
from assay.provenance.matching.work_store import WorkStore
from assay.provenance.matching.works import Work


class Registry:
    """Works and manifests, found again by the look of a picture.

    Args:
        path_or_url: a file, or a SQLAlchemy URL (`sqlite:///...`, `postgresql://...`).
        create: make a new registry when there is none.
        budget: how many false findings an upload may meet on average.

    Raises:
        RegistryMissing: there is none, and `create` is false.
        RegistryUnusable: it cannot be opened.
    """

    def __init__(
        self,
        path_or_url: str | os.PathLike[str],
        *,
        create: bool = True,
        budget: Budget | None = None,
    ) -> None:
        self.url = database.locate(path_or_url)
        self.budget = budget or Budget()
        self._engine = database.connect(self.url, create=create)
        with self._engine.connect() as connection:
            about = database.read_about(connection)
        self._key = about["key"]
        self._works = WorkStore(self._engine)
        self._manifests = ManifestStore(self._engine)
        self._indexes = Indexes.of(self._engine, about["registry"])
        self._matcher = Matcher(
            pdq=self._indexes.pdq,
            difference=self._indexes.difference,
            local=self._indexes.local,
            budget=self.budget,
            graphic=self._works.declared_graphic,
            in_force=self._works.in_force,
        )
        self._searcher = Searcher(self._engine, self._key, self._indexes, self._matcher)
        self._of_works = Owners(
            LiveCount(self._engine, schema.works), lambda stored: stored.work_id
        )
        self._of_manifests = Owners(
            LiveCount(self._engine, schema.manifests), lambda stored: stored.manifest_label
        )
        self._registrar = Registrar(self._engine, self._key, self._indexes, self._of_works.count)

    @classmethod
    def open_existing(cls, path_or_url: str | os.PathLike[str]) -> Registry | None:
        """The registry at this place, or None: asking never creates one."""
        url = database.locate(path_or_url)
        return cls(path_or_url, create=False) if database.exists(url) else None

    def close(self) -> None:
        """Give back the database's connections."""
        self._engine.dispose()

    def abandon(self) -> None:
        """Forget the database's connections without a word to it: a parent process owns them."""
        self._engine.dispose(close=False)

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, src: Source, work: dict[str, Any] | Work, *, refuse_poison: bool = True) -> str:
        """Register a work and return its id; it can be found as soon as this returns.

        Args:
            src: picture or video: path, `Media`, or sRGB uint8 HxWx3.
            work: fields of `Work`; all may be left out.
            refuse_poison: without, a work near several unrelated works is taken too: for a
                collection that is only compared with itself.

        Raises:
            WorkRefused: a field cannot be used, the id is taken, or the picture is so near to
                several unrelated works that it would make them match each other's copies.
            InputRefused: the picture cannot be examined.
        """
        record = Work.parse(work)
        new = self._registrar.prepare(src, local_search=record.local_search)
        if refuse_poison:
            self._registrar.refuse_poison(new)
        return self._store(record, new, {})

    def import_hashes(self, work: dict[str, Any] | Work, hashes: dict[str, str]) -> str:
        """Register a work by hashes alone, without its pixels; its id.

        Args:
            hashes: hexadecimal by kind. `pdq` is matched; other kinds are kept for export.

        Raises:
            WorkRefused, InputRefused: as `add`; or there is no hash.
        """
        record = Work.parse(work)
        checked = {kind: check_hash(kind, value, record.id) for kind, value in hashes.items()}
        if not checked:
            raise WorkRefused(f"work {record.id!r} has no hash")
        new = [hash_only(bytes.fromhex(checked[PDQ]))] if PDQ in checked else []
        self._registrar.refuse_poison(new)
        return self._store(record, new, {k: v for k, v in checked.items() if k != PDQ})

    def export(self) -> Iterator[Listed]:
        """Every work with its public hashes; one entry for each picture of a work."""
        for work in self.works():
            with self._engine.connect() as connection:
                hashes = [
                    {PDQ: stored.fingerprint.pdq.hex()}
                    for stored in find_prints(connection, schema.prints.c.work_id == work.id)
                ] or [{}]
                hashes[0] |= foreign_hashes_of(connection, work.id)
            yield from (Listed(work, found) for found in hashes)

    def match(self, src: Source, *, disclose: bool = False) -> list[Match]:
        """Every registered work that the picture or video may copy, best first.

        Args:
            disclose: put exact distances into receipts; only for trusted callers.

        Raises:
            InputRefused: the picture cannot be examined.
        """
        (decided,) = self._searcher.find(src, [self._of_works], disclose=disclose)
        return matches(decided, self._works)

    def look_up(self, src: Source) -> tuple[list[RecoveredManifest], list[Match]]:
        """What `recover` and `match` give, for the price of one."""
        manifests, works = self._searcher.find(src, [self._of_manifests, self._of_works])
        return recovered(manifests, self._manifests), matches(works, self._works)

    def work(self, work_id: str) -> Work:
        """What was registered under an id.

        Raises:
            NotRegistered: nothing was.
        """
        return self._works.by_id(work_id)

    def works(self, *, after: str = "") -> Iterator[Work]:
        """Every registered work, by id; those after an id, to go on with a list."""
        return self._works.all(after=after)

    def remove(self, work_id: str) -> None:
        """Delete a work; from now on nothing finds it.

        Raises:
            NotRegistered: there is no such work.
        """
        self._works.remove(work_id)

    def register_manifest(
        self,
        label: str,
        manifest: bytes,
        *,
        payload: int | None = None,
        pixels: Source,
        sha256_before: str | None = None,
        sha256_after: str | None = None,
        digital_source_type: str | None = None,
        **details: Any,
    ) -> dict[str, str]:
        """Keep the manifest of a signed file, to be found by watermark or by look.

        Args:
            label: the manifest's, `urn:c2pa:...`; registering it again replaces it.
            payload: 60-bit watermark payload of the file.
            pixels: the signed picture or video: pixels, `Media` or path.
            details: anything JSON can hold.

        Returns:
            The public fingerprints of the (first) picture: `{"pdq": 64 hex digits}`.
        """
        new = self._registrar.prepare(pixels, local_search=True)
        self._manifests.put(
            ManifestRecord(
                label=label,
                manifest=manifest,
                payload=payload,
                sha256_before=sha256_before,
                sha256_after=sha256_after,
                digital_source_type=digital_source_type,
                details=details,
                created=datetime.now(UTC),
            ),
            new,
        )
        self._registrar.stored(len(new))
        return {"pdq": new[0].fingerprint.pdq.hex()}

    def remove_manifest(self, label: str) -> bool:
        """Give a manifest out no more; whether there was one with this label."""
        return self._manifests.remove(label)

    def manifest(self, label: str) -> ManifestRecord:
        """The manifest with this label.

        Raises:
            NotRegistered: there is none.
        """
        return self._manifests.by_label(label)

    def manifest_for_payload(self, payload: int, payload_bits: int = 60) -> ManifestRecord | None:
        """The newest manifest registered with this watermark payload."""
        return next(iter(self.manifests_for_payload(payload, payload_bits)), None)

    def manifests_for_payload(self, payload: int, payload_bits: int = 60) -> list[ManifestRecord]:
        """Every manifest with this payload, newest first.

        The short watermark profile carries 40 bits, so several files may share them:
        `resembles` tells which one it is.
        """
        return self._manifests.by_payload(payload, payload_bits)

    def manifest_for_file(self, sha256: str) -> ManifestRecord | None:
        """The manifest of the signed file with this SHA-256."""
        return self._manifests.by_file(sha256)

    def recover(self, src: Source) -> list[RecoveredManifest]:
        """Manifests of signed files that this picture or video looks like, best first."""
        (decided,) = self._searcher.find(src, [self._of_manifests])
        return recovered(decided, self._manifests)

    def resembles(self, label: str, pixels: Source) -> Resemblance:
        """Whether a picture is the one that was registered with a manifest.

        A watermark can be copied onto another picture; the registered look cannot.

        Raises:
            NotRegistered: there is no such manifest.
        """
        self._manifests.by_label(label)
        query = Query(first_picture(pixels), self._key)
        with self._engine.connect() as connection:
            stored = list(find_prints(connection, schema.prints.c.manifest_label == label))
            decided = [self._matcher.judge(connection, query, item, works=1) for item in stored]
        best = min((d for d in decided if d is not None), key=lambda d: d.rank, default=None)
        if best is None:
            return Resemblance.missing(label)
        return Resemblance.of(label, best.decision, best.receipt)

    def stats(self) -> dict[str, int]:
        """How much is registered."""
        return registered(self._engine)

    def compact(self) -> None:
        """Rewrite files and log, so that they hold nothing of deleted works."""
        self._indexes.compact()
        with self._engine.begin() as connection:
            lock_writers(connection)
            connection.execute(schema.tombstones.delete())
        empty_log(self._engine)

    def _store(self, record: Work, new: list[NewPrint], foreign_hashes: dict[str, str]) -> str:
        with self._engine.begin() as connection:
            lock_writers(connection)
            self._works.insert(connection, record)
            insert_prints(connection, new, work_id=record.id)
            insert_foreign_hashes(connection, record.id, foreign_hashes)
        self._registrar.stored(len(new))
        return record.id
