"""The index is exact, follows the table, survives crashes and damage, and forgets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from assay.databases import lock_writers
from assay.provenance.matching import (
    Registry,
    indexes,
    multi_index,
    registering,
    schema,
    segment_files,
)
from assay.provenance.matching.durable_index import DurableIndex
from assay.provenance.matching.features import NO_FEATURES, Features
from assay.provenance.matching.fingerprints import Fingerprint
from assay.provenance.matching.hamming import as_words
from assay.provenance.matching.hash_index import Batch, HashIndex
from assay.provenance.matching.store import NewPrint, insert_prints

Codes = NDArray[np.uint64]


def random_codes(count: int, seed: int = 0) -> Codes:
    return np.random.default_rng(seed).integers(0, 2**64, (count, 4), np.uint64)


def moved(codes: Codes, bits: NDArray[np.int64], seed: int = 1) -> Codes:
    """Each code with so many of its bits flipped."""
    generator = np.random.default_rng(seed)
    result = codes.copy()
    for row, count in enumerate(bits):
        for bit in generator.choice(256, int(count), replace=False):
            result[row, bit >> 6] ^= np.uint64(1 << (int(bit) & 63))
    return result


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3000))
def test_search_equals_scan_up_to_the_exact_radius(seed: int, count: int) -> None:
    codes = random_codes(count, seed)
    planted = np.random.default_rng(seed).integers(0, count, 40)
    queries = moved(codes[planted], np.arange(40) % 34, seed)
    offsets, order = multi_index.build(codes)

    found = multi_index.search(codes, offsets, order, queries, multi_index.EXACT_RADIUS)
    expected = multi_index.scan(codes, queries, multi_index.EXACT_RADIUS)

    rows = list(zip(*(part.tolist() for part in found), strict=True))
    assert len(rows) == len(set(rows))
    assert set(rows) == set(zip(*(part.tolist() for part in expected), strict=True))


def test_results_beyond_the_first_buffer_are_not_lost() -> None:
    codes = np.repeat(random_codes(1), 10_000, axis=0)
    offsets, order = multi_index.build(codes)

    assert len(multi_index.search(codes, offsets, order, codes[:1], 0).row) == 10_000
    assert len(multi_index.scan(codes, codes[:1], 0).row) == 10_000


def test_index_finds_what_was_appended_in_any_tier() -> None:
    codes = random_codes(9000)
    known = 0

    def source(above: int, up_to: int | None) -> object:
        for start in range(above, known, 700):
            stop = min(start + 700, known)
            yield Batch(np.arange(start + 1, stop + 1), codes[start:stop])

    index = HashIndex(source)  # type: ignore[arg-type]
    for known in (10, 2500, 2600, 6000, 9000):
        index.refresh()
        hits = index.search(codes[:known:97], 0)

        assert sorted(hits.id.tolist()) == list(range(1, known + 1, 97))
        assert index.size == known


def fill(
    made: Registry,
    codes: Codes,
    differences: Codes | None = None,
    features: Features = NO_FEATURES,
) -> None:
    """Register works whose hashes are given, without pictures."""
    with made._engine.begin() as connection:
        lock_writers(connection)
        for code, second in zip(codes, codes if differences is None else differences, strict=True):
            work_id = code.tobytes().hex()
            row = {"id": work_id, "record": {}, "training_opt_out": False}
            connection.execute(schema.works.insert(), {**row, "created": datetime.now(UTC)})
            fingerprint = Fingerprint(code.tobytes(), second.tobytes(), 100, False)
            new = NewPrint(None, (10, 10), None, fingerprint, features, True)
            insert_prints(connection, [new], work_id=work_id)


def found_by_hash(made: Registry, codes: Codes) -> list[str]:
    """Ids of the works within 31 bits, through index and table."""
    made._indexes.refresh()
    hits = made._indexes.pdq.search(codes, 31)
    query = sa.select(schema.prints.c.work_id).where(schema.prints.c.id.in_(hits.id.tolist()))
    with made._engine.connect() as connection:
        return sorted(connection.execute(query).scalars())


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "SEAL_HASHES", 100)
    monkeypatch.setattr(indexes, "SEAL_DESCRIPTORS", 100)
    monkeypatch.setattr(registering, "CHECKED_EVERY", 1)


def files(path: Path) -> list[Path]:
    return sorted(Path(f"{path}.index").glob("*.segment"))


def names(codes: Codes) -> list[str]:
    return sorted(code.tobytes().hex() for code in codes)


@pytest.mark.usefixtures("small_files")
def test_files_hold_the_index_and_outlast_the_process(tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    codes = random_codes(450)
    descriptors = Features(np.zeros((7, 2), np.float32), np.zeros((7, 32), np.uint8))
    with Registry(path) as made:
        for start in (0, 150, 300):
            fill(made, codes[start : start + 150], features=descriptors)
            made._indexes.seal_if_due()

    with Registry(path) as opened:
        fill(opened, random_codes(5, seed=9))

        assert found_by_hash(opened, moved(codes[::9], np.full(50, 31))) == names(codes[::9])
        assert found_by_hash(opened, random_codes(5, seed=9)) == names(random_codes(5, seed=9))
        assert opened._indexes.local.size == 450 * 7
    kinds = {file.name.split("-")[0] for file in files(path)}
    assert kinds == {"pdq", "difference", "local"}


def flip_last_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-70] ^= 1
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-500])


def garble_header(path: Path) -> None:
    path.write_bytes(b"{" * 600 + path.read_bytes()[600:])


DAMAGES: list[Callable[[Path], None]] = [flip_last_byte, truncate, garble_header, Path.unlink]


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_file_is_made_again(
    tmp_path: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "registry.sqlite"
    codes = random_codes(120)
    with Registry(path) as made:
        fill(made, codes)
        made._indexes.seal_if_due()
    intact = {file: file.read_bytes() for file in files(path)}
    assert intact
    for file in intact:
        damage(file)

    with Registry(path) as opened:
        assert found_by_hash(opened, codes) == names(codes)

    assert "index rebuilt" in caplog.text
    assert {file: file.read_bytes() for file in files(path)} == intact


@pytest.mark.usefixtures("small_files")
def test_a_large_order_is_checked_after_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(segment_files, "ORDER_CHECKED_AT_ONCE", 0)
    path = tmp_path / "registry.sqlite"
    codes = random_codes(120)
    with Registry(path) as made:
        fill(made, codes)
        made._indexes.seal_if_due()
    intact = {file: file.read_bytes() for file in files(path)}
    for file in intact:
        flip_last_byte(file)

    with Registry(path) as opened:
        opened._indexes.refresh()
        for index in (opened._indexes.pdq, opened._indexes.difference):
            assert isinstance(index, DurableIndex)
            index._checking.join(timeout=60)
        assert found_by_hash(opened, codes) == names(codes)

    assert "index rebuilt" in caplog.text
    assert {file: file.read_bytes() for file in files(path)} == intact


def test_a_damaged_order_hides_rows_and_does_no_harm() -> None:
    codes = random_codes(500)
    offsets, order = multi_index.build(codes)
    order[0, ::2] = 2**32 - 1  # far outside of the codes

    found = multi_index.search(codes, offsets, order, codes, 0)

    assert len(found.row) == 250
    assert (found.row == found.query).all()


@pytest.mark.usefixtures("small_files")
def test_file_of_another_registry_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    with Registry(path) as made:
        fill(made, random_codes(120))
        made._indexes.seal_if_due()
    foreign = {file.name: file.read_bytes() for file in files(path)}
    path.unlink()

    with Registry(path) as other:
        fill(other, random_codes(120, seed=5))
        other._indexes.seal_if_due()
        for current, old in zip(files(path)[-3:], foreign.values(), strict=False):
            current.write_bytes(old)
    with Registry(path) as opened:
        assert found_by_hash(opened, random_codes(120, seed=5)) == names(random_codes(120, seed=5))


@pytest.mark.usefixtures("small_files")
def test_deleted_work_is_in_no_tier(tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    codes = random_codes(130)
    with Registry(path) as made:
        fill(made, codes[:120])
        made._indexes.seal_if_due()
        fill(made, codes[120:])
        reader = Registry(path)
        assert len(found_by_hash(reader, codes)) == 130

        for code in (codes[0], codes[125]):
            made.remove(code.tobytes().hex())

        assert len(found_by_hash(made, codes)) == len(found_by_hash(reader, codes)) == 128
        assert any(codes[0].tobytes() in file.read_bytes() for file in files(path))
        made.compact()
        assert made.stats()["tombstones"] == 0
        assert len(found_by_hash(made, codes)) == 128
    gone = [codes[0].tobytes(), codes[125].tobytes()]
    kept = [path, Path(f"{path}-wal"), *files(path)]
    held = b"".join(file.read_bytes() for file in kept if file.exists())
    assert not any(code in held for code in gone)


WRITER = textwrap.dedent("""
    import sys
    import numpy as np
    from assay.provenance.matching import Registry, indexes, registering
    indexes.SEAL_HASHES, registering.CHECKED_EVERY = 16, 8
    made = Registry(sys.argv[1])
    for number in range(1000):
        coarse = np.random.default_rng(number).integers(0, 256, (24, 32, 3), np.uint8)
        print(made.add(np.kron(coarse, np.ones((4, 4, 1), np.uint8)), {"id": f"w{number}"}))
        sys.stdout.flush()
""")


@pytest.mark.parametrize("acknowledged", [37, 90])
def test_kill_loses_no_acknowledged_write(tmp_path: Path, acknowledged: int) -> None:
    path = tmp_path / "registry.sqlite"
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        seen = [writer.stdout.readline().strip() for _ in range(acknowledged)]
        os.kill(writer.pid, signal.SIGKILL)
        seen += writer.stdout.read().split("\n")[:-1]

    with Registry(path, create=False) as opened:
        assert set(seen) <= {work.id for work in opened.works()}
        opened._indexes.refresh()
        query = sa.select(schema.prints.c.pdq, schema.prints.c.work_id)
        with opened._engine.connect() as connection:
            stored = {row.work_id: bytes(row.pdq) for row in connection.execute(query)}
        codes = as_words([stored[name] for name in seen])
        assert len(np.unique(opened._indexes.pdq.search(codes, 0).query)) == len(seen)
