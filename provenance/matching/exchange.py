"""Bringing hash lists in and out: CSV and ThreatExchange JSON.

A list names works by hash alone. PDQ hashes are matched; hashes of other kinds (PhotoDNA, MD5,
ISCC, ...) are kept as they came and go out again with the work, because their algorithms are
not ours to compute. Without pixels there is no second hash and no geometry, so a match with an
imported work is never more than "review".

ThreatExchange has no fields for rights. They go out whole under the key `assay_work`, which only
this reader knows, and the two that others must see as tags, too.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from assay.errors import InputRefused, OutputRefused, UnreadableFile
from assay.files import write_atomically
from assay.provenance.matching.works import Work
from assay.table_text import decode, separator

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
SUFFIXES = (".csv", ".json")
_WORK_KEY = "assay_work"
_OPT_OUT_TAG = "training-opt-out"
_LICENCE_TAG = "licence:"
_READ_KEYS = {"id", "type", "raw_indicator", "description", "owner", "tags", _WORK_KEY}
_HASH_KIND = re.compile(r"[a-z0-9_]{1,40}")


class Listed(NamedTuple):
    """A work in a hash list, with its hashes in hexadecimal by kind.

    `not_kept` names what the list says about it that no field of `Work` can hold.
    """

    work: Work
    hashes: dict[str, str]
    not_kept: tuple[str, ...] = ()


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
        text = decode(path.read_bytes())
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path}: neither UTF-8 nor UTF-16 text") from error
    read = _read_threatexchange if path.suffix.lower() == ".json" else _read_csv
    try:
        return iter(list(read(text, str(path))))
    except csv.Error as error:
        raise InputRefused(f"{path}: not CSV: {error}") from error


def write_list(path: str | Path, listed: Iterable[Listed]) -> int:
    """Write a `.csv` or `.json` hash list; the number of works in it.

    Raises:
        OutputRefused: the name ends otherwise, the folder cannot be written, or the disk is full.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise OutputRefused(
            f"{path}: no hash list ends in {suffix or 'nothing'}",
            advice=f"known: {', '.join(SUFFIXES)}",
        )
    rows = list(listed)
    write_atomically(path, _as_threatexchange(rows) if suffix == ".json" else _as_csv(rows))
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
    reader = csv.DictReader(text.splitlines(), delimiter=separator(text))
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
    """Works in the order of their first entry; entries of one id are hashes of one work."""
    works: dict[str, Listed] = {}
    for number, entry in enumerate(_entries(text, name)):
        where = f"{name}, entry {number}"
        if not isinstance(entry, dict):
            raise InputRefused(f"{where}: not an object")
        if missing := [key for key in ("type", "raw_indicator") if key not in entry]:
            raise InputRefused(f"{where}: no {' and no '.join(missing)}")
        kind = str(entry["type"]).removeprefix(_PREFIX).lower()
        value = check_hash(kind, str(entry["raw_indicator"]), where)
        known = works.get(str(entry["id"])) if "id" in entry else None
        if known is None:
            not_kept = tuple(sorted(str(key) for key in entry.keys() - _READ_KEYS))
            work = Work.parse(_work_of(entry))
            works[work.id] = Listed(work, {kind: value}, not_kept)
        elif known.hashes.setdefault(kind, value) != value:
            # A second picture under one id, such as a frame of a video, which has no place in
            # a work that is known by its hashes.
            not_kept = tuple({**dict.fromkeys(known.not_kept), f"another {kind} hash": None})
            works[known.work.id] = known._replace(not_kept=not_kept)
    yield from works.values()


def _entries(text: str, name: str) -> list[Any]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputRefused(
            f"{name}: not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        ) from error
    except (ValueError, RecursionError) as error:  # digits or depth beyond what Python reads
        raise InputRefused(f"{name}: not JSON that can be read") from error
    entries = document.get("data") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise InputRefused(
            f"{name}: not a ThreatExchange list",
            advice='expected {"data": [{"type": "HASH_PDQ", "raw_indicator": "..."}]}',
        )
    return entries


def _work_of(entry: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {"title": str(entry.get("description", ""))}
    if "id" in entry:
        fields["id"] = str(entry["id"])
    if isinstance(stated := entry.get(_WORK_KEY), dict):
        return stated | fields  # it names the registrant apart from the owner
    owner = entry.get("owner")
    if isinstance(owner, dict):
        fields["registrant"] = str(owner.get("name", ""))
    for tag in _tags(entry):
        if tag == _OPT_OUT_TAG:
            fields["training_opt_out"] = True
        elif tag.startswith(_LICENCE_TAG):
            fields["licence"] = tag.removeprefix(_LICENCE_TAG)
    return fields


def _tags(entry: dict[str, Any]) -> list[str]:
    """Texts of the tags, in the form of the Graph API or as a plain list."""
    tags = entry.get("tags")
    items = tags.get("data") if isinstance(tags, dict) else tags
    if not isinstance(items, list):
        return []
    texts = [item.get("text") if isinstance(item, dict) else item for item in items]
    return [text for text in texts if isinstance(text, str)]


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
            "owner": {"name": row.work.registrant or row.work.rights_holder},
            "tags": {"data": [{"text": tag} for tag in _tags_of(row.work)]},
            _WORK_KEY: row.work.model_dump(
                mode="json", exclude={"id", "title"}, exclude_defaults=True
            ),
        }
        for row in rows
        for kind, value in sorted(row.hashes.items())
    ]
    return json.dumps({"data": entries}, indent=1) + "\n"


def _tags_of(work: Work) -> list[str]:
    tags = [_OPT_OUT_TAG] if work.training_opt_out else []
    return [*tags, f"{_LICENCE_TAG}{work.licence}"] if work.licence else tags
