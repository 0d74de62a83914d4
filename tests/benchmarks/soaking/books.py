"""The books at the end: what clients were told, what is stored, and what was counted."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from assay.api.media_store import MediaStore
from assay.api.records.schema import events, idempotency, retention, verifications
from assay.api.signatures.schema import signatures
from assay.provenance.matching.schema import manifests
from assay.provenance.transparency import Log, LogProof, check
from tests.benchmarks.soaking.ledger import Ledger, Signing, Upload


@dataclass
class Books:
    """What was compared.

    Attributes:
        counts: by name, the numbers of all sides.
        disagreements: sentences; empty when everything agrees.
    """

    counts: dict[str, Any] = field(default_factory=dict)
    disagreements: list[str] = field(default_factory=list)

    def same(self, what: str, **sides: Any) -> None:
        """Compare numbers or sets of several sides, which must be equal."""
        shown = {side: len(it) if isinstance(it, set) else it for side, it in sides.items()}
        self.counts[what] = shown
        if any(it != next(iter(sides.values())) for it in sides.values()):
            self.disagreements.append(f"{what}: {shown}")

    def require(self, holds: bool, what: str) -> None:
        """Something that must be true."""
        if not holds:
            self.disagreements.append(what)


def compare(ledger: Ledger, engine: sa.Engine) -> Books:
    """Clients against database, bucket, registry and log. Nothing may be at work any more."""
    books = Books()
    with engine.connect() as connection:
        rows = connection.execute(sa.select(verifications)).mappings().all()
        ends = connection.execute(
            sa.select(events.c.verification, sa.func.count())
            .where(events.c.kind.in_(("done", "failed")))
            .group_by(events.c.verification)
        ).all()
        kept = connection.execute(sa.select(idempotency)).mappings().all()
        promised = set(connection.execute(sa.select(retention.c.key)).scalars())
        signed = connection.execute(sa.select(signatures)).mappings().all()
        registered = connection.execute(sa.select(manifests)).mappings().all()
        jobs = Counter(
            dict(
                connection.execute(
                    sa.text("SELECT status, count(*) FROM dbos.workflow_status GROUP BY status")
                )
                .tuples()
                .all()
            )
        )
    _verifications(books, ledger, rows, dict(map(tuple, ends)))
    books.same(
        "jobs that wait or run", queue=jobs["ENQUEUED"] + jobs["PENDING"] + jobs["DELAYED"], aim=0
    )
    released = _signatures(books, ledger, signed, kept)
    unclear = [row for row in kept if row["status"] is None]
    books.counts["keys of requests that were broken off"] = len(unclear)
    begun = _registry(books, ledger, registered, released)
    _log(books, registered, released, begun, sum(s.unclear for s in ledger.signings.values()))
    _bucket(books, ledger, rows, kept, promised, {row["sha256_after"] for row in registered})
    books.require(not ledger.lost, f"nobody answered: {ledger.lost[:5]}")
    books.require(not ledger.wrong, f"answers that cannot be right: {ledger.wrong[:5]}")
    return books


def half_written(folders: Iterable[Path]) -> list[str]:
    """Temporary files that were left; every writer here begins their names with a dot."""
    return [str(path) for folder in folders for path in folder.rglob(".*") if path.is_file()]


def _verifications(books: Books, ledger: Ledger, rows: Any, ends: dict[str, int]) -> None:
    uploads = ledger.uploads
    by_name: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_name[row["name"]].append(row)
    accepted = {u.id for u in uploads.values() if u.id and not u.deleted}
    untold = 0
    for key, upload in uploads.items():
        found = [row for row in by_name[key] if row["id"] != upload.id]
        untold += len(found)
        books.require(len(found) <= upload.unclear, f"{key}: {len(found)} more than it was told")
    books.require(set(by_name) <= set(uploads), "verifications of uploads that nobody sent")
    ids = {row["id"] for row in rows}
    books.same("accepted, not deleted", clients=accepted, database=ids & accepted)
    books.counts["accepted without the client being told"] = untold
    books.counts["refused at once"] = sum(u.refused is not None for u in uploads.values())
    deleted = {u.id for u in uploads.values() if u.deleted}
    books.same("deleted and still there", database=ids & deleted, aim=set())

    told = Counter(u.status for u in uploads.values() if u.id and not u.deleted)
    stored = Counter(row["status"] for row in rows if row["id"] in accepted)
    for status in ("done", "failed"):
        books.same(f"answered: {status}", clients=told[status], database=stored[status])
    unfinished = {row["id"] for row in rows if row["status"] not in ("done", "failed")}
    books.same("accepted without a result", database=unfinished, aim=set())
    odd = {row["id"] for row in rows if (row["result"] is None) == (row["problem"] is None)}
    books.same("without exactly one result", database=odd, aim=set())
    books.same("results", database=len(rows), events=sum(ends.values()))
    books.require(set(ends.values()) <= {1}, "a verification was finished twice")
    results = {row["id"]: row for row in rows}
    for upload in uploads.values():
        if upload.id in results:
            _one_result(books, upload, results[upload.id])


def _one_result(books: Books, upload: Upload, row: Any) -> None:
    books.require(row["sha256"] == upload.sha256, f"{upload.key}: another file was examined")
    if upload.answer:
        stored = hashlib.sha256((row["result"] or "").encode()).hexdigest()
        books.require(stored == upload.answer, f"{upload.key}: another result than was answered")
    if upload.category:
        books.require(row["category"] == upload.category, f"{upload.key}: another verdict")


def _signatures(books: Books, ledger: Ledger, signed: Any, kept: Any) -> dict[str, Any]:
    """Receipts by manifest label."""
    told = {s.id for s in ledger.signings.values() if s.id}
    answers = {row["key"] for row in kept if row["status"] == 201 and row["key"] in ledger.signings}
    books.same(
        "signed",
        clients=told,
        database={row["id"] for row in signed},
    )
    books.same(
        "signed, by Idempotency-Key",
        clients={s.key for s in ledger.signings.values() if s.id},
        answers=answers,
        receipts={row["name"] for row in signed},
    )
    books.require(len({row["name"] for row in signed}) == len(signed), "a key was signed twice")
    receipts = {}
    for row in signed:
        receipt = json.loads(row["receipt"])
        receipts[receipt["manifest_label"]] = receipt
        signing = ledger.signings.get(row["name"]) or Signing("?", "?")
        books.require(
            (signing.id, signing.label, signing.sha256, signing.signed)
            == (
                row["id"],
                receipt["manifest_label"],
                receipt["sha256_before"],
                receipt["sha256_after"],
            ),
            f"{row['name']}: the receipt is of another file than the client has",
        )
    books.require(len(receipts) == len(signed), "two receipts name one manifest")
    payloads = [receipt["payload"] for receipt in receipts.values() if receipt["payload"]]
    books.same("payloads", receipts=len(payloads), different=len(set(payloads)))
    return receipts


def _registry(
    books: Books, ledger: Ledger, registered: Any, receipts: dict[str, Any]
) -> Counter[str]:
    """How many manifests of each key were begun and never released."""
    by_label = {row["label"]: row for row in registered}
    books.same(
        "manifests of receipts", receipts=set(receipts), registry=set(receipts) & set(by_label)
    )
    for label, receipt in receipts.items():
        row = by_label.get(label)
        payload = None if row is None or row["payload"] is None else f"{row['payload']:015x}"
        books.require(
            row is not None
            and (row["sha256_after"], payload) == (receipt["sha256_after"], receipt["payload"]),
            f"{label}: the registry has another file or payload than the receipt",
        )
    keys = {signing.sha256: key for key, signing in ledger.signings.items()}
    begun = Counter(
        keys.get(row["sha256_before"], "?") for row in registered if row["label"] not in receipts
    )
    books.counts["manifests begun, never released"] = begun.total()
    for key, count in begun.items():
        signing = ledger.signings.get(key)
        books.require(
            signing is not None and count <= signing.unclear,
            f"{key}: {count} manifests more than requests that were broken off",
        )
    return begun


def _log(
    books: Books, registered: Any, receipts: dict[str, Any], begun: Counter[str], broken: int
) -> None:
    log = Log()
    size, key = log.checkpoint().size, log.key()
    positions = {receipt["log_index"] for receipt in receipts.values()}
    books.same("log entries of receipts", receipts=len(receipts), entries=len(positions))
    for label, receipt in receipts.items():
        proof = LogProof.parse(receipt["log_proof"])
        books.require(
            proof.index == receipt["log_index"]
            and check(proof, label, receipt["sha256_after"], key),
            f"{label}: the log does not prove it",
        )
    alone = size - len(registered)
    books.counts["log entries"] = {
        "all": size,
        "of receipts": len(positions),
        "of manifests never released": begun.total(),
        "of no manifest": alone,
    }
    books.require(0 <= alone <= broken, f"{alone} log entries of no manifest")
    books.require(len(list(log.entries())) == size, "the log is not as long as it says")
    books.require(log.audit(), "the log's entries do not give its root")


def _bucket(
    books: Books, ledger: Ledger, rows: Any, kept: Any, promised: set[str], signed: set[str]
) -> None:
    store = MediaStore.open()
    objects = set(store.keys())
    media = {row["media"]: row["sha256"] for row in rows if row["media"]}
    answers = {json.loads(row["headers"] or "{}").get("stored-in") for row in kept} - {None}
    books.same("objects of verifications", database=set(media), bucket=set(media) & objects)
    books.same("objects of answers", database=answers, bucket=answers & objects)
    books.same("objects without a promise", bucket=objects - promised, aim=set())
    failed = {row["id"] for row in rows if row["status"] == "failed" and row["media"]}
    books.same("refused files that were kept", database=failed, aim=set())
    whole = {key for key, sha256 in media.items() if _hash_of(store, key, objects) == sha256}
    books.same("objects that are whole", database=set(media), bucket=whole)
    # A process that died between the object and its record: the promise deletes it in time.
    left = objects - set(media) - answers
    books.counts["objects left to their promise"] = len(left)
    interrupted = {u.sha256 for u in ledger.uploads.values() if u.unclear}
    for key in left:
        books.require(
            _hash_of(store, key, objects) in interrupted | signed,
            f"object {key} is of no upload that was broken off",
        )
    books.counts["promises without an object"] = len(promised - objects)


def _hash_of(store: MediaStore, key: str, objects: set[str]) -> str | None:
    if key not in objects:
        return None
    with store.get(key) as file:
        return hashlib.sha256(file.read()).hexdigest()
