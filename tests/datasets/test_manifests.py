"""Manifests read back as written, and bad ones are refused with the line that is wrong."""

import pytest

from assay.datasets.families import family_of
from assay.datasets.manifests import Row, cap_per_group, read_manifest, write_manifest
from assay.errors import InputRefused, UnreadableFile


def test_rows_read_back(tmp_path):
    rows = [
        Row(tmp_path / "a.png", "real", source="mine", licence="CC0-1.0", extra={"note": "x, y"}),
        Row(tmp_path / "b/c.png", "generated", generator="flux-dev", source="theirs"),
    ]
    write_manifest(rows, tmp_path / "manifest.csv")
    again = read_manifest(tmp_path / "manifest.csv")
    assert [row.path for row in again] == [row.path for row in rows]
    assert again[0].extra["note"] == "x, y"
    assert [row.generator for row in again] == ["camera", "flux-dev"]
    assert [row.generated for row in again] == [False, True]


def test_other_spellings_of_columns_are_understood(tmp_path):
    path = tmp_path / "manifest.csv"
    path.write_text("path,label,source_repo,license\nx.png,real,repo,MIT\n", encoding="utf-8-sig")
    (row,) = read_manifest(path)
    assert (row.source, row.licence) == ("repo", "MIT")
    assert row.path == tmp_path / "x.png"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_manifests_from_spreadsheets_are_read(tmp_path, encoding, separator):
    path = tmp_path / "manifest.csv"
    text = separator.join(["path", "label", "source"]) + "\r\n"
    text += separator.join(["Zoë.png", "real", "müller"]) + "\r\n"
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    path.write_bytes((mark + text).encode(encoding))
    (row,) = read_manifest(path)
    assert (row.path.name, row.label, row.source) == ("Zoë.png", "real", "müller")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path\nx.png\n", "no column 'label'"),
        ("path,label\nx.png,fake\n", "line 2: label 'fake'"),
        ("path,label\n", "lists no picture"),
        ("", "no column"),
    ],
)
def test_bad_manifests_are_refused(tmp_path, text, words):
    path = tmp_path / "manifest.csv"
    path.write_text(text)
    with pytest.raises(InputRefused, match=words):
        read_manifest(path)


def test_binary_and_missing_files_are_refused(tmp_path):
    path = tmp_path / "manifest.csv"
    path.write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(InputRefused, match="not a CSV"):
        read_manifest(path)
    with pytest.raises(UnreadableFile):
        read_manifest(tmp_path / "none.csv")


def test_large_groups_are_thinned_evenly(tmp_path):
    rows = [Row(tmp_path / f"{i}.png", "real", source="large") for i in range(100)]
    rows += [Row(tmp_path / "one.png", "real", source="small")]
    kept = cap_per_group(rows, 10)
    assert len(kept) == 11
    assert [int(row.path.stem) for row in kept[:10]] == list(range(0, 100, 10))


@pytest.mark.parametrize(
    ("generator", "family"),
    [
        ("SDXL 1.0 DreamBooth LoRA", "sdxl"),
        ("stable diffusion 3", "sd3"),
        ("Stable Diffusion 2.1", "sd2"),
        ("sd1.5-anime", "sd1"),
        ("midjourney-niji5", "midjourney"),
        ("DALL-E 3", "dall-e"),
        ("gpt-4o", "gpt-image"),
        ("camera", "camera"),
        ("Something New", "something new"),
    ],
)
def test_families(generator, family):
    assert family_of(generator) == family
