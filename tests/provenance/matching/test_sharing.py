"""A process opens a registry once, and is never behind the tables."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from assay.provenance.matching import Registry, shared_registry
from assay.provenance.matching.sharing import MOST_OPEN, close_shared

Pixels = NDArray[np.uint8]


@pytest.fixture(autouse=True)
def nothing_shared() -> Iterator[None]:
    close_shared()
    yield
    close_shared()


def made(path: Path, pixels: Pixels, work_id: str = "work") -> Path:
    with Registry(path) as registry:
        registry.add(pixels, {"id": work_id})
    return path


def found(path: Path, pixels: Pixels) -> list[str]:
    registry = shared_registry(path)
    assert registry is not None
    return [match.work_id for match in registry.match(pixels)]


def test_it_is_opened_once(tmp_path: Path, coffee: Pixels) -> None:
    path = made(tmp_path / "registry.sqlite", coffee)

    assert shared_registry(path) is shared_registry(str(path))


def test_none_is_made(tmp_path: Path) -> None:
    assert shared_registry(tmp_path / "registry.sqlite") is None
    assert not list(tmp_path.iterdir())


def test_what_others_commit_is_found(tmp_path: Path, coffee: Pixels, china: Pixels) -> None:
    path = made(tmp_path / "registry.sqlite", coffee)
    assert found(path, china) == []

    with Registry(path) as other:
        other.add(china, {"id": "china"})
    assert found(path, china) == ["china"]

    with Registry(path) as other:
        other.remove("china")
        other.compact()
    assert found(path, china) == []


def test_a_replaced_file_is_opened_again(tmp_path: Path, coffee: Pixels) -> None:
    path = made(tmp_path / "registry.sqlite", coffee, "old")
    assert found(path, coffee) == ["old"]

    for file in tmp_path.glob("registry.sqlite*"):
        if file.is_file():
            file.unlink()
    assert shared_registry(path) is None
    made(path, coffee, "new")

    assert found(path, coffee) == ["new"]


def test_few_are_kept_open(tmp_path: Path, coffee: Pixels) -> None:
    paths = [made(tmp_path / f"{n}.sqlite", coffee) for n in range(MOST_OPEN + 1)]
    first = shared_registry(paths[0])
    for path in paths[1:]:
        shared_registry(path)

    assert shared_registry(paths[0]) is not first
    assert found(paths[0], coffee) == ["work"]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_a_forked_process_opens_its_own(tmp_path: Path, coffee: Pixels) -> None:
    path = made(tmp_path / "registry.sqlite", coffee)
    parents = shared_registry(path)

    child = os.fork()
    if not child:
        own = shared_registry(path)
        os._exit(0 if own is not parents and found(path, coffee) == ["work"] else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert shared_registry(path) is parents
    assert found(path, coffee) == ["work"]
