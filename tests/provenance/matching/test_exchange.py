"""Hash lists go in and out, and the command line does what it says."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from typer.testing import CliRunner

from assay.cli.registry import app
from assay.errors import InputRefused
from assay.provenance.matching import Registry, RegistryMissing
from assay.provenance.matching.exchange import Listed, read_list, write_list
from assay.provenance.matching.works import Work

Pixels = NDArray[np.uint8]
Save = Callable[..., Path]

LISTED = [
    Listed(
        Work(id="a", title='say "hi", all', rights_holder="Ada", sources=("x", "y")),
        {"pdq": "0f" * 32, "photodna": "ab" * 144},
    ),
    Listed(Work(id="b", training_opt_out=True), {"md5": "00" * 16}),
]


def test_csv_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"

    assert write_list(path, LISTED) == 2
    assert list(read_list(path)) == LISTED


def test_threatexchange_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    listed = [Listed(Work(id="a", title="t", registrant="museum"), {"pdq": "0f" * 32})]

    write_list(path, listed)

    assert list(read_list(path)) == listed
    (entry,) = json.loads(path.read_text())["data"]
    assert (entry["type"], entry["raw_indicator"]) == ("HASH_PDQ", "0f" * 32)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", ""),
        ("a.csv", "id,title\n1,2\n"),
        ("a.csv", "hash_pdq\nzz\n"),
        ("a.csv", "hash_pdq\nabcd\n"),
        ("a.csv", f"hash_pdq\n{'0' * 64},extra\n"),
        ("a.csv", f"colour,hash_pdq\nred,{'0' * 64}\n"),
        ("a.json", "[]"),
        ("a.json", '{"data": [1]}'),
        ("a.json", '{"data": [{"type": "HASH_PDQ", "raw_indicator": "x"}]}'),
        ("a.json", "not json"),
    ],
)
def test_what_is_no_hash_list_is_refused(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)

    with pytest.raises(InputRefused):
        read_list(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=200), st.sampled_from([".csv", ".json"]))
def test_any_text_is_read_or_refused(tmp_path: Path, text: str, suffix: str) -> None:
    path = tmp_path / f"list{suffix}"
    path.write_text(text, encoding="utf-8", newline="")

    with contextlib.suppress(InputRefused):
        read_list(path)


def test_work_known_by_hash_alone_is_reviewed(tmp_path: Path, china: Pixels) -> None:
    source = Registry(tmp_path / "source.sqlite")
    source.add(china, {"id": "china"})
    path = tmp_path / "list.csv"
    write_list(path, source.export())
    target = Registry(tmp_path / "target.sqlite")

    for item in read_list(path):
        target.import_hashes(item.work, item.hashes)

    (match,) = target.match(china)
    assert (match.work_id, match.decision) == ("china", "review")
    assert list(target.export()) == list(source.export())


def test_foreign_hashes_are_kept(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry.sqlite")

    for item in LISTED:
        registry.import_hashes(item.work, item.hashes)

    assert list(registry.export()) == LISTED


def run(*arguments: object) -> tuple[int, list[dict[str, object]]]:
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def test_add_match_and_remove(save: Save, china: Pixels, coffee: Pixels) -> None:
    original = save(china, "china.png")
    copy = save(np.ascontiguousarray(china[:, ::-1]), "copy.jpg", quality=60)
    other = save(coffee, "coffee.png")

    code, (added,) = run("add", original, "--rights-holder", "Ada", "--training-opt-out")
    assert code == 0
    code, documents = run("match", copy, other, "--fail-on", "match")
    assert code == 1
    assert [len(document["matches"]) for document in documents] == [1, 0]  # type: ignore[arg-type]
    assert run("match", other, "--fail-on", "match")[0] == 0
    assert run("stats")[1][0]["training_opt_outs"] == 1

    CliRunner().invoke(app, ["remove", str(added["work_id"])])
    assert run("match", copy)[1][0]["matches"] == []


def test_recovered_manifest_is_written(
    save: Save, tmp_path: Path, china: Pixels, isolated_home: Path
) -> None:
    registry = Registry(isolated_home / "registry.sqlite")
    registry.register_manifest("urn:c2pa:x", b"jumbf", pixels=china)
    copy = save(china[40:, 50:], "copy.jpg", quality=60)

    code, (document,) = run("recover", copy, "--out", tmp_path / "found")

    assert code == 0
    assert Path(str(document["written"])).read_bytes() == b"jumbf"


def test_refused_file_does_not_stop_the_others(save: Save, tmp_path: Path, china: Pixels) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"nothing")

    code, documents = run("add", bad, save(china, "china.png"))

    assert code == 3
    assert [sorted(document) for document in documents][1] == ["file", "work_id"]
    assert documents[0]["type"] == "urn:assay:problem:unsupported-media"


def test_asking_makes_no_registry(save: Save, china: Pixels, isolated_home: Path) -> None:
    with pytest.raises(RegistryMissing):
        run("match", save(china, "china.png"))

    assert not (isolated_home / "registry.sqlite").exists()
