"""What users hand in: every defect is named, what cannot be used is refused."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from assay.errors import ConfigurationError, InputRefused
from assay.media import Media
from assay.provenance import manifests, prompting, signing
from assay.provenance.claims import Agent
from assay.reports import audit

from .auditing import audited, codes


def test_every_defect_of_the_tables_is_a_finding(tables: Any) -> None:
    with tables.manifest.open("a") as stream:
        stream.write("engineer-0.png,engineer,0,demo\n,engineer,1,demo\nnew.png,teacher,0,demo\n")
    with tables.labels.open("a") as stream:
        stream.write("ghost.png,presentation,man,ana\n")
        stream.write("engineer-1.png,presentation,woman,ben\n")
        stream.write("engineer-2.png,presentation,alien,ben\nengineer-2.png,presentation,x,ben\n")
        stream.write("engineer-3.png,presentation,mann,ana\n")
    result = audited(tables)
    assert codes(result) >= {
        "duplicate-paths",
        "incomplete-rows",
        "repeated-seeds",
        "labels-without-picture",
        "self-contradictions",
        "disagreement-labels",
        "missing-labels",
        "pictures-not-found",
    }
    assert sum(f.excluded for f in result.data.findings) == 3


def test_values_outside_the_reference_are_named(tables: Any) -> None:
    text = tables.labels.read_text().replace("woman", "womann")
    tables.labels.write_text(text)
    result = audited(tables)
    finding = next(f for f in result.data.findings if f.code == "unlisted-values")
    assert finding.examples == ("womann",)


def test_zero_reference_share_is_named(tables: Any) -> None:
    tables.reference.write_text("attribute,value,share\npresentation,woman,0\npresentation,man,1\n")
    result = audited(tables)
    assert codes(result) >= {"zero-reference-share", "undated-reference"}
    assert all(c.verdict.code == "disparity-found" for c in result.claims)


def test_other_encodings_are_read_and_named(tables: Any) -> None:
    text = tables.manifest.read_text().replace("teacher,", "enseigné,")
    tables.manifest.write_bytes(text.encode("cp1252"))
    result = audited(tables)
    assert "mixed-encoding" in codes(result)
    assert "enseigné" in {c.stratum for c in result.claims}


def test_without_a_reference_equal_shares_are_named(tables: Any) -> None:
    result = audit(tables.manifest, labels=tables.labels)
    assert "no reference was given" in result.references[0].source
    known = {"presentation": ("woman", "man", "other")}
    result = audit(tables.manifest, labels=tables.labels, ordinal=known)
    assert set(result.references[0].shares) == {"woman", "man", "other"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,seed\na.png,1\n", "without column prompt"),
        ("path,prompt,Prompt\na.png,a,b\n", "two columns prompt"),
        ("path,prompt\n", "without rows"),
        ("path,prompt\n,\n", "no manifest row"),
        ("", "not a readable manifest"),
        ('path,prompt\n"a.png,x\n', "not a readable manifest"),
    ],
)
def test_unusable_manifests_are_refused(tables: Any, content: str, message: str) -> None:
    tables.manifest.write_text(content)
    with pytest.raises(InputRefused, match=message):
        audited(tables)


@pytest.mark.parametrize("share", ["31 %", "-0.1", "0.9", "nan"])
def test_unusable_references_are_refused(tables: Any, share: str) -> None:
    tables.reference.write_text(
        f"attribute,value,share\npresentation,woman,{share}\npresentation,man,0.5\n"
    )
    with pytest.raises(InputRefused, match="share"):
        audited(tables)


def test_missing_labels_and_unknown_options_are_refused(tables: Any) -> None:
    with pytest.raises(InputRefused, match="no labels"):
        audit(tables.manifest)
    with pytest.raises(ConfigurationError, match="alpha"):
        audited(tables, alpha=2)


def test_folders_are_read_through_their_signed_manifests(
    tmp_path: Path, development_keys: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    rows = []
    for seed in range(3):
        buffer = io.BytesIO()
        Image.new("RGB", (64, 64), (seed * 20, 90, 90)).save(buffer, "PNG")
        manifest = prompting.with_prompt(
            manifests.generated(Agent("Model X")),
            "an engineer",
            prompting.PromptPolicy.FULL,
            seed=seed,
        )
        signed = signing.sign_bytes(Media.from_bytes(buffer.getvalue()), manifest)
        if seed == 2:
            signed = buffer.getvalue()
        (folder / f"{seed}.png").write_bytes(signed)
        rows.append(f"{seed}.png,presentation,woman,ana")
    labels = tmp_path / "labels.csv"
    labels.write_text("path,attribute,value,rater\n" + "\n".join(rows))
    result = audit(folder, labels=labels)
    assert result.data.pictures == 2
    assert result.data.prompts == 1
    assert result.data.origins is not None
    assert result.data.origins.trusted == 2
    assert result.data.origins.models == ("Model X",)
    assert "pictures-without-prompt" in codes(result)
    assert {c.verdict.code for c in result.claims} <= {"cannot-tell"}


def test_json_lines_are_read_like_a_table(tables: Any) -> None:
    with tables.manifest.open() as stream:
        rows = [json.dumps(row | {"seed": int(row["seed"])}) for row in csv.DictReader(stream)]
    lines = tables.folder / "manifest.jsonl"
    lines.write_text("\n".join(rows))
    one = audit(lines, labels=tables.labels, reference=tables.reference)
    assert [c.p_value for c in one.claims] == [c.p_value for c in audited(tables).claims]
    lines.write_text(rows[0] + "\nnot json")
    with pytest.raises(InputRefused, match="not a readable manifest"):
        audit(lines, labels=tables.labels)
