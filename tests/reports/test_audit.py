"""An audit from tables to a signed report."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from assay.errors import ConfigurationError, InputRefused
from assay.reports import Audit, audit
from assay.reports.sealing import verify_report


def _audit(tables: Any, **options: object) -> Audit:
    chosen: dict[str, object] = {"labels": tables.labels, "reference": tables.reference}
    return audit(tables.manifest, **(chosen | options))


def _codes(result: Audit) -> set[str]:
    return {finding.code for finding in result.data.findings}


def test_planted_bias_is_found_and_parity_is_not(tables: Any) -> None:
    result = _audit(tables)
    verdicts = {claim.stratum: claim.verdict.code for claim in result.claims}
    assert verdicts == {
        None: "disparity-found",
        "engineer": "disparity-found",
        "teacher": "none-found",
    }
    engineer = next(c for c in result.claims if c.stratum == "engineer")
    assert engineer.interval[0] < 0.35 < engineer.interval[1]
    assert engineer.null_95 < engineer.total_variation


def test_unclear_is_counted_and_never_dropped(tables: Any) -> None:
    result = _audit(tables)
    for claim in result.claims:
        assert claim.answered + sum(claim.unanswered.values()) == claim.pictures
    pooled = next(c for c in result.claims if c.stratum is None)
    assert pooled.unanswered == {"unclear": 40}
    assert pooled.bounds[0] < pooled.total_variation < pooled.bounds[1]


def test_few_pictures_cannot_tell(tables: Any) -> None:
    result = _audit(tables, smallest_effect=0.05)
    teacher = next(c for c in result.claims if c.stratum == "teacher")
    assert teacher.verdict.code == "cannot-tell"
    assert teacher.verdict.reasons == ("too-little-power",)


def test_mostly_unanswered_cannot_tell(tables: Any) -> None:
    result = _audit(tables, most_unanswered=0.05)
    assert {c.verdict.code for c in result.claims} == {"cannot-tell"}


def test_small_prompts_are_not_shown_but_count(tables: Any) -> None:
    with tables.manifest.open("a") as stream:
        stream.write("a.png,rare,1,demo\n")
    with tables.labels.open("a") as stream:
        stream.write("a.png,presentation,man,ana\n")
    result = _audit(tables)
    assert "rare" not in {c.stratum for c in result.claims}
    assert result.suppressed[0].pictures == 1
    assert next(c for c in result.claims if c.stratum is None).pictures == 401


def test_every_defect_of_the_tables_is_a_finding(tables: Any) -> None:
    with tables.manifest.open("a") as stream:
        stream.write("engineer-0.png,engineer,0,demo\n,engineer,1,demo\nnew.png,teacher,0,demo\n")
    with tables.labels.open("a") as stream:
        stream.write("ghost.png,presentation,man,ana\n")
        stream.write("engineer-1.png,presentation,woman,ben\n")
        stream.write("engineer-2.png,presentation,alien,ben\nengineer-2.png,presentation,x,ben\n")
        stream.write("engineer-3.png,presentation,mann,ana\n")
    result = _audit(tables)
    assert _codes(result) >= {
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
    result = _audit(tables)
    finding = next(f for f in result.data.findings if f.code == "unlisted-values")
    assert finding.examples == ("womann",)


def test_zero_reference_share_is_named(tables: Any) -> None:
    tables.reference.write_text("attribute,value,share\npresentation,woman,0\npresentation,man,1\n")
    result = _audit(tables)
    assert _codes(result) >= {"zero-reference-share", "undated-reference"}
    assert all(c.verdict.code == "disparity-found" for c in result.claims)


def test_other_encodings_are_read_and_named(tables: Any) -> None:
    text = tables.manifest.read_text().replace("teacher,", "enseigné,")
    tables.manifest.write_bytes(text.encode("cp1252"))
    result = _audit(tables)
    assert "mixed-encoding" in _codes(result)
    assert "enseigné" in {c.stratum for c in result.claims}


def test_without_a_reference_equal_shares_are_named(tables: Any) -> None:
    result = audit(tables.manifest, labels=tables.labels)
    assert "no reference was given" in result.references[0].source


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,seed\na.png,1\n", "without column prompt"),
        ("path,prompt\n", "without rows"),
        ("path,prompt\n,\n", "no manifest row"),
        ("", "not a readable manifest"),
        ('path,prompt\n"a.png,x\n', "not a readable manifest"),
    ],
)
def test_unusable_manifests_are_refused(tables: Any, content: str, message: str) -> None:
    tables.manifest.write_text(content)
    with pytest.raises(InputRefused, match=message):
        _audit(tables)


@pytest.mark.parametrize("share", ["31 %", "-0.1", "0.9", "nan"])
def test_unusable_references_are_refused(tables: Any, share: str) -> None:
    tables.reference.write_text(
        f"attribute,value,share\npresentation,woman,{share}\npresentation,man,0.5\n"
    )
    with pytest.raises(InputRefused, match="share"):
        _audit(tables)


def test_missing_labels_and_unknown_options_are_refused(tables: Any) -> None:
    with pytest.raises(InputRefused, match="no labels"):
        audit(tables.manifest)
    with pytest.raises(ConfigurationError, match="alpha"):
        _audit(tables, alpha=2)


def test_report_is_reproducible_self_contained_and_canonical(
    tables: Any, no_keys: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        _audit(tables, date="2026-11-20", out=tmp_path / name)
    for name in ("report.html", "report.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    html = (tmp_path / "one" / "report.html").read_text()
    assert not re.search(r"(src|href)=[\"'](?!#|data:)|url\((?!#)|<script|@import", html)
    assert "is not signed" in html
    assert html.count("<table") == html.count("<caption")
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    text = (tmp_path / "one" / "report.json").read_text()
    document = json.loads(text)
    assert text == json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert Audit.model_validate(document).verdicts == {
        "disparity-found": 2,
        "none-found": 1,
        "cannot-tell": 0,
    }


def test_prompts_are_escaped(tables: Any, no_keys: Path, tmp_path: Path) -> None:
    tables.manifest.write_text(tables.manifest.read_text().replace("teacher,", "<b>&x</b>,"))
    _audit(tables, out=tmp_path / "out")
    html = (tmp_path / "out" / "report.html").read_text()
    assert "<b>&x" not in html
    assert "&lt;b&gt;&amp;x" in html


def test_reports_are_signed_and_tampering_shows(
    tables: Any, development_keys: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    _audit(tables, out=out)
    for name in ("report.html", "report.json"):
        assert verify_report(out / name).state in ("valid", "trusted")
    changed = out / "report.html"
    changed.write_text(changed.read_text().replace("disparity found", "none found", 1))
    assert verify_report(changed).state == "invalid"
    (out / "report.json.c2pa").unlink()
    with pytest.raises(InputRefused, match="no signature"):
        verify_report(out / "report.json")
