"""What is kept, dropped and left to a person, given what resembles what."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.datasets.curation import Folder, Item, Pair, Refused, deduplicate
from assay.datasets.curation.datasheet import QUESTIONS, Contents, datasheet, read_report
from assay.datasets.curation.duplicates import Compared
from assay.datasets.curation.licences import LicenceFilter
from assay.datasets.curation.likeness import Likeness, pair_of
from assay.datasets.curation.memorisation import Memorisation, interval
from assay.datasets.curation.verdicts import FileVerdict, counts, write_pairs, write_verdicts
from assay.errors import InputRefused, UnreadableFile


def item(name: str, side: int = 100, *, frames: int = 1, seconds: float | None = None) -> Item:
    return Item(name, f"sha-{name}", "image/png", 1000, side, side, frames, seconds)


def copy(file: str, of: str, decision: str = "match", *, whole: bool = True) -> Pair:
    return Pair(file, of, decision, whole, "They agree.")  # type: ignore[arg-type]


def compared(*items: Item, pairs: list[Pair]) -> Compared:
    return Compared({one.name: one for one in items}, [], pairs)


def verdict_of(result: object) -> dict[str, tuple[str, str]]:
    return {one.file: (one.verdict, one.of) for one in result.verdicts}  # type: ignore[attr-defined]


def test_the_largest_of_a_group_is_kept() -> None:
    result = deduplicate(
        compared(
            item("a", 50), item("b", 200), item("c", 100), pairs=[copy("b", "a"), copy("c", "b")]
        )
    )

    assert verdict_of(result) == {"a": ("drop", "b"), "b": ("keep", ""), "c": ("drop", "b")}
    assert result.clusters == [["b", "a", "c"]]


def test_the_ends_of_a_chain_stay() -> None:
    result = deduplicate(
        compared(
            item("a", 300), item("b", 100), item("c", 200), pairs=[copy("b", "a"), copy("c", "b")]
        )
    )

    assert verdict_of(result) == {"a": ("keep", ""), "b": ("drop", "a"), "c": ("keep", "")}
    assert result.clusters == [["a", "c", "b"]]


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (copy("b", "a", whole=False), "copy-in-part"),
        (copy("b", "a", "verify"), "perhaps-duplicate"),
        (copy("b", "a", "review"), "perhaps-duplicate"),
    ],
)
def test_doubts_are_left_to_a_person(pair: Pair, reason: str) -> None:
    result = deduplicate(compared(item("a"), item("b"), pairs=[pair]))

    assert verdict_of(result) == {"a": ("keep", ""), "b": ("look", "a")}
    assert counts(result.verdicts)["reasons"] == {reason: 1}
    assert result.clusters == []


def test_a_refused_file_is_not_kept() -> None:
    found = Compared({"a": item("a")}, [Refused("b", "damaged-media", "b: truncated")], [])

    assert verdict_of(deduplicate(found))["b"] == ("drop", "")


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=8),
    st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20),
)
def test_every_group_keeps_something(sides: list[int], links: set[tuple[int, int]]) -> None:
    items = [item(f"{n}", side) for n, side in enumerate(sides)]
    pairs = [copy(f"{a}", f"{b}") for a, b in links if b < a < len(sides)]

    result = deduplicate(compared(*items, pairs=pairs))

    verdicts = {one.file: one for one in result.verdicts}
    assert sorted(verdicts) == sorted(one.name for one in items)
    near = {frozenset((pair.file, pair.of)) for pair in pairs}
    for one in verdicts.values():
        if one.verdict == "drop":
            assert verdicts[one.of].verdict == "keep"
            assert frozenset((one.file, one.of)) in near
    for first, second in near:
        assert {verdicts[first].verdict, verdicts[second].verdict} != {"keep"}


def test_a_still_is_not_a_whole_video() -> None:
    still, film = item("still"), item("film", frames=250, seconds=10.0)

    assert not pair_of(still, Likeness("film", "match", True, ""), film).whole


@pytest.mark.parametrize(("seconds", "whole"), [(6.0, True), (4.0, False), (None, False)])
def test_a_clip_is_whole_from_half_the_time_on(seconds: float | None, whole: bool) -> None:
    clip = item("clip", frames=150, seconds=6.0)
    film = item("film", frames=250, seconds=10.0)

    assert pair_of(clip, Likeness("film", "match", True, "", seconds=seconds), film).whole is whole


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("mit", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND CC0-1.0", True),
        ("MIT AND GPL-3.0-only", False),
        ("GPL-3.0-only", False),
        ("(MIT OR GPL-3.0-only) AND MIT", False),
        ("none stated", False),
        ("", False),
    ],
)
def test_licences(licence: str, allowed: bool) -> None:
    assert LicenceFilter(frozenset({"mit", "cc0-1.0"}), {}).allows(licence) is allowed


def test_licences_are_read_beside_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("path,license\nset/a.png,MIT\nelsewhere/b.png,MIT\n")

    read = LicenceFilter.read(manifest, tmp_path / "set", ["MIT"])

    assert read.of("a.png") == "MIT"
    assert read.of("b.png") == "none stated"


def test_a_manifest_without_licences_is_refused(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("path,label\na.png,real\n")

    with pytest.raises(InputRefused, match="no column 'licence'"):
        LicenceFilter.read(manifest, tmp_path, ["MIT"])


def test_replication_rate() -> None:
    pairs = [copy("g1", "t1"), copy("g1", "t2", "verify"), copy("g2", "t1", "verify")]
    outputs = {f"g{n}": item(f"g{n}") for n in range(1, 101)}

    summary = Memorisation(outputs, [], pairs).summary()

    assert (summary["replicated"], summary["best_verify"]) == (1, 1)
    assert summary["replication_rate"] == 0.01
    low, high = summary["interval_95"]
    # R: binom.test(1, 100)$conf.int
    assert (low, high) == pytest.approx((0.0002531460, 0.0544593870))
    assert summary["most_copied"] == {"t1": 1}


def test_no_outputs_no_rate() -> None:
    assert interval(0, 0) is None
    assert Memorisation({}, [], []).summary()["replication_rate"] is None


def test_lists_and_tables(tmp_path: Path) -> None:
    odd = b"caf\xe9, \xf0.png".decode("utf-8", "surrogateescape")
    write_verdicts(
        [FileVerdict("b.png", "keep"), FileVerdict(odd, "drop", "near-duplicate", "b.png", "So.")],
        tmp_path,
    )
    write_pairs([copy("x", "y", "review"), copy(odd, "b.png")], tmp_path)

    assert (tmp_path / "keep.txt").read_text() == "b.png\n"
    assert (tmp_path / "drop.txt").read_bytes() == b"caf\xe9, \xf0.png\n"
    assert (tmp_path / "look.txt").read_bytes() == b""
    with (tmp_path / "pairs.csv").open(newline="", errors="surrogateescape") as handle:
        assert [row["file"] for row in csv.DictReader(handle)] == [odd, "x"]


def test_folder(tmp_path: Path) -> None:
    for name in ("b.PNG", "sub/a.jpg", ".hidden/c.png", "sub/.d.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")

    folder = Folder.of(tmp_path)

    assert (folder.names, folder.others) == (("b.PNG", "sub/a.jpg"), 1)


def test_a_name_with_a_line_break_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a\nb.png").write_bytes(b"x")

    with pytest.raises(InputRefused, match="line break"):
        Folder.of(tmp_path).open("a\nb.png")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no pictures"):
        Folder.of(tmp_path)


def test_datasheet_counts_and_asks() -> None:
    folder = Folder(Path("set"), ("a", "b", "c"), others=2)
    items = (item("a", 100), item("b", 300), item("c", 200, frames=10))
    contents = Contents(folder, items, (Refused("d", "damaged-media", "d: cut"),))

    sheet = datasheet(
        contents,
        title="My | set",
        columns={"licence": {"MIT": 2, "": 1}},
        runs=[{"schema": "assay.deduplication/1", "created": "today", "counts": {"drop": 7}}],
    )

    assert sheet.startswith("# Datasheet: My \\| set\n")
    for row in (
        "| files examined | 3 |",
        "| damaged-media | 1 |",
        "| width, pixels: least, median, most | 100, 200, 300 |",
        "| animations and videos | 1 |",
        "| none stated | 1 |",
        "| drop | 7 |",
    ):
        assert row in sheet
    assert [line[3:] for line in sheet.splitlines() if line.startswith("## ")] == list(QUESTIONS)
    assert sheet.count("*Not answered.*") == sum(map(len, QUESTIONS.values()))


@pytest.mark.parametrize("text", ["", "[]", json.dumps({"schema": "x"})])
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text)

    with pytest.raises(InputRefused):
        read_report(tmp_path / "report.json")
