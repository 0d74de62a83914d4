"""What is scanned: a folder, a Parquet list, or a bucket; and reading one file of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from assay.errors import LimitExceeded, MissingExtra, UnreadableFile, UnsupportedMedia
from assay.sniffing import claimed_type

if TYPE_CHECKING:
    from obstore.store import ObjectStore

BUCKET_SCHEMES = ("s3", "gs", "az")


@dataclass(frozen=True)
class Item:
    """One file of a source.

    Attributes:
        uri: a path, or the address of an object in a bucket.
        size: bytes, if the source says.
        sha256: hex digest, if the source says; checked when the file is read.
    """

    uri: str
    size: int | None = None
    sha256: str | None = None


def list_source(source: str) -> Iterator[Item]:
    """Every file of a source, always in the same order.

    Args:
        source: a folder (files with a media extension, hidden ones left out), a Parquet file
            or a folder of them with a column `uri` and perhaps `size` and `sha256`, or
            `s3://bucket/prefix` (also `gs://`, `az://`).

    Raises:
        UnreadableFile: there is no such source, or a list has no column `uri`.
        UnsupportedMedia: the scheme of the address is not one of a bucket.
    """
    if "://" in source:
        return _list_bucket(source)
    path = Path(source)
    if path.is_file() and path.suffix == ".parquet":
        return _list_parquet([path])
    if not path.is_dir():
        raise UnreadableFile(f"{source}: neither a folder nor a Parquet list")
    lists = sorted(path.glob("*.parquet"))
    return _list_parquet(lists) if lists else _list_folder(path)


def read_bytes(uri: str, max_bytes: int) -> bytes:
    """The bytes of one file.

    Raises:
        UnreadableFile: it is gone or may not be read.
        LimitExceeded: it has more than `max_bytes`.
    """
    if "://" in uri:
        return _read_object(uri, max_bytes)
    try:
        with Path(uri).open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise UnreadableFile(f"{uri}: {error.strerror or error}") from error
    except ValueError as error:  # a list may hold what can be no path
        raise UnreadableFile(f"{uri!r}: {error}") from error
    return _within(uri, data, max_bytes)


def _within(uri: str, data: bytes, max_bytes: int) -> bytes:
    if len(data) > max_bytes:
        raise LimitExceeded(f"{uri}: over the limit of {max_bytes:,} bytes")
    return data


def _list_folder(folder: Path) -> Iterator[Item]:
    root = folder.absolute()
    for path in sorted(root.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if not hidden and claimed_type(path.name) and path.is_file():
            yield Item(str(path), path.stat().st_size)


def _list_parquet(lists: list[Path]) -> Iterator[Item]:
    parquet = _parquet()
    for path in lists:
        try:
            table = parquet.ParquetFile(path)
        except (OSError, ValueError) as error:
            raise UnreadableFile(f"{path}: not a Parquet file ({error})") from error
        names = table.schema_arrow.names
        if "uri" not in names:
            raise UnreadableFile(f"{path}: no column uri", advice=f"it has: {', '.join(names)}")
        columns = [name for name in ("uri", "size", "sha256") if name in names]
        for batch in table.iter_batches(columns=columns):
            for row in batch.to_pylist():
                uri = str(row["uri"])
                if "://" not in uri:
                    uri = str((path.parent / uri).absolute())
                yield Item(uri, row.get("size"), row.get("sha256"))


def _list_bucket(address: str) -> Iterator[Item]:
    parts = urlsplit(address)
    if parts.scheme not in BUCKET_SCHEMES:
        raise UnsupportedMedia(
            f"{address}: not a bucket", advice=f"schemes: {', '.join(BUCKET_SCHEMES)}"
        )
    root = f"{parts.scheme}://{parts.netloc}"
    found: list[Item] = []
    for chunk in _bucket(root).list(parts.path.strip("/") or None):
        found.extend(
            Item(f"{root}/{entry['path']}", entry["size"])
            for entry in chunk
            if claimed_type(entry["path"])
        )
    yield from sorted(found, key=lambda item: item.uri)


def _read_object(uri: str, max_bytes: int) -> bytes:
    parts = urlsplit(uri)
    if parts.scheme not in BUCKET_SCHEMES:
        raise UnsupportedMedia(f"{uri}: not in a bucket")
    try:
        found = _bucket(f"{parts.scheme}://{parts.netloc}").get(parts.path.lstrip("/"))
        if found.meta["size"] > max_bytes:
            raise LimitExceeded(f"{uri}: over the limit of {max_bytes:,} bytes")
        return _within(uri, bytes(found.bytes()), max_bytes)
    except (OSError, _object_error()) as error:
        raise UnreadableFile(f"{uri}: {str(error).splitlines()[0]}") from error


@cache
def _bucket(root: str) -> ObjectStore:
    """A bucket; credentials and endpoint come from the environment (`AWS_...`)."""
    from obstore.store import from_url

    return from_url(root)


def _object_error() -> type[Exception]:
    from obstore.exceptions import BaseError

    return BaseError


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise MissingExtra("scanning needs pyarrow", advice="pip install 'assay[scale]'") from error
    return pyarrow.parquet
