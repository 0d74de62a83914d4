"""Bringing hash lists in and out: CSV and ThreatExchange JSON.

A list names works by hash alone. PDQ hashes are matched; hashes of other kinds (PhotoDNA, MD5,
ISCC, ...) are kept as they came and go out again with the work, because their algorithms are
not ours to compute. Without pixels there is no second hash and no geometry, so a match with an
imported work is never more than "review".
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from assay.errors import InputRefused, UnreadableFile
from assay.files import write_atomically
from assay.provenance.matching.works import Work

PDQ = "pdq"
# ThreatExchange indicator types, https://developers.facebook.com/docs/threat-exchange/reference/apis/indicator-type
_PREFIX = "HASH_"
_FIELDS = (
    "id",
    "title",
    "rights_holder",
    "licence",
    "terms",
    "training_opt_out",
    "sources",
    "valid_from",
    "valid_until",
    "registrant",
    "dispute",
    "kind",
)
_LIST_SEPARATOR = "|"
_HASH_KIND = re.compile(r"[a-z0-9_]{1,40}")


class Listed(NamedTuple):
    """A work in a hash list, with its hashes in hexadecimal by kind."""

    work: Work
    hashes: dict[str, str]


def read_list(path: str | Path) -> Iterator[Listed]:
    """Read a `.csv` or `.json` hash list.

    CSV has a header; columns are fields of `Work` and `hash_<kind>`, such as `hash_pdq`.
    JSON is a ThreatExchange response, `{"data": [{"type": "HASH_PDQ", ...}]}`.

    Raises:
        UnreadableFile: it cannot be read.
        InputRefused: it is not such a list; nothing of it is returned.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{path}: {error}") from error
    read = _read_threatexchange if path.suffix.lower() == ".json" else _read_csv
    return iter(list(read(text, str(path))))


def write_list(path: str | Path, listed: Iterable[Listed]) -> int:
    """Write a `.csv` or `.json` hash list; the number of works in it.

    Raises:
        OutputRefused: the folder cannot be written, or the disk is full.
    """
    path, rows = Path(path), list(listed)
    as_json = path.suffix.lower() == ".json"
    write_atomically(path, _as_threatexchange(rows) if as_json else _as_csv(rows))
    return len(rows)


def check_hash(kind: str, value: str, where: str) -> str:
    """A hash in lower-case hexadecimal.

    Raises:
        InputRefused: it is not hexadecimal, or PDQ of another length than 64 digits.
    """
    value = value.strip().lower()
    if not _HASH_KIND.fullmatch(kind) or not re.fullmatch(r"([0-9a-f]{2})+", value):
        raise InputRefused(f"{where}: {kind!r} hash {value[:20]!r} is not hexadecimal")
    if kind == PDQ and len(value) != 64:
        raise InputRefused(f"{where}: a PDQ hash has 64 hexadecimal digits, got {len(value)}")
    return value


def _read_csv(text: str, name: str) -> Iterator[Listed]:
    reader = csv.DictReader(text.splitlines())
    columns = reader.fieldnames or []
    hashes = [column for column in columns if column.startswith("hash_")]
    if not hashes:
        raise InputRefused(f"{name}: no column such as hash_pdq")
    for number, row in enumerate(reader, start=2):
        where = f"{name}, line {number}"
        if None in row:
            raise InputRefused(f"{where}: more values than columns")
        fields = {key: value for key, value in row.items() if value and key not in hashes}
        if "sources" in fields:
            fields["sources"] = fields["sources"].split(_LIST_SEPARATOR)
        found = {
            column.removeprefix("hash_"): check_hash(
                column.removeprefix("hash_"), row[column], where
            )
            for column in hashes
            if row[column]
        }
        yield Listed(Work.parse(fields), found)


def _read_threatexchange(text: str, name: str) -> Iterator[Listed]:
    try:
        entries = json.loads(text)["data"]
        for number, entry in enumerate(entries):
            kind = str(entry["type"]).removeprefix(_PREFIX).lower()
            value = check_hash(kind, str(entry["raw_indicator"]), f"{name}, entry {number}")
            yield Listed(Work.parse(_work_of(entry)), {kind: value})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputRefused(f"{name}: not a ThreatExchange list: {error!r}") from error


def _work_of(entry: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {"title": str(entry.get("description", ""))}
    if "id" in entry:
        fields["id"] = str(entry["id"])
    owner = entry.get("owner")
    if isinstance(owner, dict):
        fields["registrant"] = str(owner.get("name", ""))
    return fields


def _as_csv(rows: list[Listed]) -> str:
    kinds = sorted({kind for row in rows for kind in row.hashes} | {PDQ})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_FIELDS, *(f"hash_{kind}" for kind in kinds)])
    for row in rows:
        fields = row.work.model_dump(mode="json")
        fields["sources"] = _LIST_SEPARATOR.join(row.work.sources)
        values = ["" if fields[name] is None else fields[name] for name in _FIELDS]
        writer.writerow([*values, *(row.hashes.get(kind, "") for kind in kinds)])
    return text.getvalue()


def _as_threatexchange(rows: list[Listed]) -> str:
    entries = [
        {
            "id": row.work.id,
            "type": f"{_PREFIX}{kind.upper()}",
            "raw_indicator": value,
            "description": row.work.title,
            "owner": {"name": row.work.registrant},
        }
        for row in rows
        for kind, value in sorted(row.hashes.items())
    ]
    return json.dumps({"data": entries}, indent=1) + "\n"
