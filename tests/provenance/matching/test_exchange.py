"""Hash lists go in and out, and the command line does what it says."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from typer.testing import CliRunner

from assay.cli.registry import app
from assay.errors import InputRefused, OutputRefused
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


RESERVED = Work(
    id="r",
    title="Harbour",
    rights_holder="Ada",
    licence="CC-BY-NC-4.0",
    terms="https://example.org/terms",
    training_opt_out=True,
    sources=("https://example.org/1",),
    valid_until=datetime(2030, 1, 1, tzinfo=UTC),
    dispute="mailto:ada@example.org",
    kind="chart",
    local_search=False,
)


def test_threatexchange_carries_the_rights(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    listed = [Listed(RESERVED, {"pdq": "0f" * 32, "md5": "00" * 16})]

    write_list(path, listed)

    assert list(read_list(path)) == listed
    document = json.loads(path.read_text())
    for entry in document["data"]:
        assert entry["owner"] == {"name": "Ada"}
        del entry["assay_work"]  # what is left when another system hands the list on
    path.write_text(json.dumps(document))
    (heard,) = read_list(path)
    assert heard.work.training_opt_out
    assert heard.work.licence == "CC-BY-NC-4.0"
    assert heard.work.registrant == "Ada"


def test_what_a_list_says_beyond_a_work_is_told(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    entry = {"id": "a", "type": "HASH_PDQ", "raw_indicator": "0f" * 32, "status": "MALICIOUS"}
    frame = entry | {"raw_indicator": "1f" * 32, "tags": ["training-opt-out"]}
    path.write_text(json.dumps({"data": [entry, frame]}))

    (listed,) = read_list(path)

    assert listed.hashes == {"pdq": "0f" * 32}
    assert listed.not_kept == ("status", "another pdq hash")
    result = CliRunner().invoke(app, ["import", str(path)])
    assert "not kept: another pdq hash (1), status (1)" in result.output


@pytest.mark.parametrize("suffix", [".xyz", ""])
def test_lists_of_unknown_kind_are_not_written(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(OutputRefused, match="no hash list ends in") as refusal:
        write_list(tmp_path / f"list{suffix}", LISTED)

    assert refusal.value.advice == "known: .csv, .json"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("oops", "not JSON: Expecting value in line 1, column 1"),
        ('{"data": [{"type": "HASH_PDQ"}]}', "entry 0: no raw_indicator"),
        ("[]", "not a ThreatExchange list"),
    ],
)
def test_refusals_of_lists_are_sentences(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "list.json"
    path.write_text(text)

    with pytest.raises(InputRefused, match=message):
        read_list(path)


def test_lists_from_a_spreadsheet_are_read(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    write_list(path, LISTED)
    rows = list(csv.reader(path.read_text().splitlines()))
    text = io.StringIO()
    csv.writer(text, delimiter="\t").writerows(rows)
    path.write_bytes(text.getvalue().encode("utf-16"))

    assert list(read_list(path)) == LISTED


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", ""),
        ("a.csv", "id,title\n1,2\n"),
        ("a.csv", "hash_pdq\nzz\n"),
        ("a.csv", "hash_pdq\nabcd\n"),
        ("a.csv", f"hash_pdq\n{'0' * 64},extra\n"),
        ("a.csv", f"title,hash_pdq\n{'x' * 200_000},{'0' * 64}\n"),
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
    assert [sorted(document) for document in documents][1] == [
        "already_registered",
        "file",
        "work_id",
    ]
    assert documents[0]["type"] == "urn:assay:problem:unsupported-media"


def test_asking_makes_no_registry(save: Save, china: Pixels, isolated_home: Path) -> None:
    with pytest.raises(RegistryMissing):
        run("match", save(china, "china.png"))

    assert not (isolated_home / "registry.sqlite").exists()


def test_one_file_with_the_same_rights_is_one_work(
    save: Save, tmp_path: Path, china: Pixels
) -> None:
    original = save(china, "china.png")
    copy = tmp_path / "same bytes.png"
    copy.write_bytes(original.read_bytes())

    _, (first,) = run("add", original, "--licence", "CC0-1.0")
    _, (second,) = run("add", copy, "--licence", "CC0-1.0")
    shown = CliRunner().invoke(app, ["add", str(copy), "--licence", "CC0-1.0"])
    _, (found,) = run("match", original)
    _, (other,) = run("add", original, "--licence", "MIT")

    assert (first["already_registered"], second["already_registered"]) == (False, True)
    assert second["work_id"] == first["work_id"]
    assert shown.stdout == f"already registered as {first['work_id']}  {copy}\n"
    assert len(found["matches"]) == 1  # type: ignore[arg-type]
    assert other["work_id"] != first["work_id"]
    assert other["same_file_as"] == [first["work_id"]]


def test_a_work_is_valid_from_one_day_until_another(save: Save, china: Pixels) -> None:
    original = save(china, "china.png")
    until = ["--valid-until", "2020-12-31T23:59:59"]

    assert run("add", original, "--valid-from", "2021-01-01", *until)[0] == 2
    assert run("add", original, "--valid-from", "2020-01-01", *until)[0] == 0
    (expired,) = run("match", original)[1][0]["matches"]  # type: ignore[misc]
    assert expired["decision"] == "review"
    assert run("add", original, "--valid-from", "2020-01-01", *until)[1][0]["already_registered"]
    assert run("add", original, "--valid-from", "2020-01-01")[0] == 0
    assert run("match", original)[1][0]["matches"][0]["decision"] == "match"  # type: ignore[index]


def test_export_replaces_nothing_unasked(save: Save, tmp_path: Path, china: Pixels) -> None:
    listed = tmp_path / "works.csv"
    listed.write_text("mine")
    run("add", save(china, "china.png"), "--id", "china")

    refused = CliRunner().invoke(app, ["export", str(listed)])

    assert isinstance(refused.exception, OutputRefused)
    assert listed.read_text() == "mine"
    assert CliRunner().invoke(app, ["export", str(listed), "--overwrite"]).exit_code == 0
    assert "china" in listed.read_text()
