"""An audit from tables to a signed report."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assay.errors import ConfigurationError, InputRefused, OutputRefused
from assay.media import Media
from assay.provenance import keys, manifests, prompting, signing
from assay.provenance.claims import Agent
from assay.reports import Audit, audit
from assay.reports.fairness import exploration, instruments, output
from assay.reports.fairness.comparison import compare
from assay.reports.fairness.manifest import read_manifest
from assay.reports.rendering.audit_page import render_audit
from assay.reports.rendering.pdf import render_pdf
from assay.reports.sealing import verify_report
from assay.reports.statistics.multiplicity import benjamini_hochberg, holm


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
    assert html.count('role="img"><title>') == html.count("<svg") == 2
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


def _pairs(tables: Any) -> None:
    """120 seeds with a neutral and a marked prompt, refusals in one of them."""
    rng = np.random.default_rng(5)
    manifest, labels = [], []
    for variant, woman in (("neutral", 0.5), ("powerful", 0.15)):
        for seed in range(120):
            path = f"{variant}-{seed}.png"
            refused = "yes" if variant == "powerful" and rng.random() < 0.4 else "no"
            manifest.append((path, f"{variant} person", seed, refused, rng.normal(), "p", variant))
            value = "woman" if rng.random() < woman else "man"
            labels.append((path, "presentation", value, "ana"))
            labels.append((path, "tone", "dark" if rng.random() < 0.5 else "light", "ana"))
            if seed < 60:
                labels.append((path, "presentation", value, "expert"))
    tables.write("manifest.csv", "path,prompt,seed,refused,sharpness,pair,variant", manifest)
    tables.write("labels.csv", "path,attribute,value,rater", labels)


def test_every_kind_of_claim_is_decided_in_one_family(tables: Any) -> None:
    _pairs(tables)
    result = audit(
        tables.manifest, labels=tables.labels, quality=("sharpness", "ghost"), gold="expert"
    )
    claims = result.all_claims
    assert result.statistics.family == len(claims)
    assert [c.p_adjusted for c in claims] == pytest.approx(holm([c.p_value for c in claims]))
    assert [c.q_value for c in claims] == pytest.approx(
        benjamini_hochberg([c.p_value for c in claims])
    )
    refusals = next(c for c in result.parity if c.by == "prompt")
    assert refusals.verdict.code == "disparity-found"
    assert [g.below_four_fifths for g in refusals.groups] == [False, True]
    changed = {c.attribute: c for c in result.counterfactuals}
    assert changed["presentation"].verdict.code == "disparity-found"
    assert changed["tone"].verdict.code != "disparity-found"
    assert changed["presentation"].pairs == 120
    assert {c.verdict.code for c in result.quality} <= {"none-found", "cannot-tell"}
    by_tone = next(c for c in result.quality if c.by == "tone")
    assert by_tone.spread == pytest.approx(1, abs=0.15)
    assert (by_tone.verdict.code == "none-found") == (by_tone.minimum_detectable <= 0.5)
    assert "no-such-column" in _codes(result)
    correction = next(c for c in result.corrections if c.attribute == "presentation")
    assert correction.labelled == 120
    assert correction.accuracy == 1
    assert {a.attribute for a in result.agreement} == {"presentation"}
    assert result.agreement[0].kappa == pytest.approx(1)
    assert {(r.rater, r.answered) for r in result.by_rater} == {("ana", 240), ("expert", 120)}


def test_small_cells_are_hidden_with_a_second_one(tables: Any) -> None:
    _pairs(tables)
    result = audit(tables.manifest, labels=tables.labels, smallest_cell=40)
    cells = result.intersections[0].cells
    hidden = [c for c in cells if c.pictures is None]
    assert len(hidden) != 1
    shown = [c.pictures for c in cells if c.pictures is not None]
    assert all(n >= 40 for n in shown)


def test_lone_hidden_cells_take_neighbours_along() -> None:
    counts = np.array([[100, 5], [60, 80], [70, 90]])
    shown = exploration._shown(counts, 30)
    assert not shown[0, 1]
    for line in (*shown, *shown.T):
        assert (~line).sum() != 1


def test_prompts_that_name_a_value_are_followed_or_not(tables: Any) -> None:
    manifest, labels = [], []
    for value, followed in (("woman", 1.0), ("man", 0.5)):
        for seed in range(80):
            path = f"{value}-{seed}.png"
            manifest.append((path, f"a {value} at work", seed))
            shown = value if seed < 80 * followed else "woman"
            labels.append((path, "presentation", shown, "ana"))
    tables.write("manifest.csv", "path,prompt,seed", manifest)
    tables.write("labels.csv", "path,attribute,value,rater", labels)
    declared = tables.write(
        "declared.csv",
        "attribute,value,words",
        [("presentation", "woman", "woman|women"), ("presentation", "man", "man|men")],
    )
    result = audit(tables.manifest, labels=tables.labels, declared=declared)
    claim = next(c for c in result.parity if c.by == "presentation in the prompt")
    assert {g.group: g.rate for g in claim.groups} == {"man": 0.5, "woman": 1.0}
    assert claim.verdict.code == "disparity-found"


def test_programs_have_no_vote_where_people_labelled(tables: Any) -> None:
    with tables.labels.open("a") as stream:
        for seed in range(200):
            stream.write(f"teacher-{seed}.png,presentation,woman,program: guess 1\n")
    result = _audit(tables)
    teacher = next(c for c in result.claims if c.stratum == "teacher")
    assert teacher.verdict.code == "none-found"
    assert "people-first" in _codes(result)


def test_mitigation_reaches_the_target_where_prompts_allow(tables: Any) -> None:
    result = _audit(tables)
    (what_if,) = result.mitigations
    assert what_if.reweighted_distance < what_if.distance
    assert [w.prompt for w in what_if.weights] == ["teacher"]
    assert what_if.generated_per_kept is not None
    assert what_if.generated_per_kept > 1


def test_comparison_pairs_by_prompt_and_seed(tables: Any) -> None:
    mended = tables.labels.read_text().splitlines()
    rng = np.random.default_rng(11)
    for i, line in enumerate(mended):
        if line.startswith("engineer"):
            value = "woman" if rng.random() < 0.5 else "man"
            mended[i] = re.sub(",(woman|man),", f",{value},", line)
    after = tables.folder / "after.csv"
    after.write_text("\n".join(mended))
    result = compare(
        tables.manifest, tables.manifest, labels_before=tables.labels, labels_after=after
    )
    (change,) = result.changes
    assert change.direction == "closer"
    assert change.pairs == 360
    (tables.folder / "other.csv").write_text("path,prompt,seed\nengineer-0.png,other,9\n")
    with pytest.raises(InputRefused, match="no prompt and seed"):
        compare(
            tables.manifest,
            tables.folder / "other.csv",
            labels_before=tables.labels,
            labels_after=after,
        )


def test_an_earlier_audit_stands_beside_this_one(
    tables: Any, no_keys: Path, tmp_path: Path
) -> None:
    _audit(tables, out=tmp_path / "old", pdf=False, date="2026-01-01")
    tables.manifest.write_text(tables.manifest.read_text().replace("teacher,", "professor,"))
    earlier = tmp_path / "old" / "report.json"
    result = _audit(tables, earlier=earlier, out=tmp_path / "new", pdf=False)
    assert result.earlier is not None
    assert result.earlier.date == "2026-01-01"
    rows = {c.stratum: c for c in result.earlier.changes}
    assert rows["engineer"].distance_before == pytest.approx(rows["engineer"].distance_now)
    assert rows["teacher"].verdict_now is None
    assert rows["professor"].verdict_before is None
    assert "2026-01-01" in (tmp_path / "new" / "report.html").read_text()
    with pytest.raises(InputRefused, match="not an audit"):
        _audit(tables, earlier=tables.manifest)


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
    assert "pictures-without-prompt" in _codes(result)
    assert {c.verdict.code for c in result.claims} <= {"cannot-tell"}


def _inflated(pdf: bytes) -> bytes:
    """The PDF with its compressed streams opened."""
    parts = [pdf]
    for match in re.finditer(rb"stream\r?\n", pdf):
        with contextlib.suppress(zlib.error):
            parts.append(zlib.decompressobj().decompress(pdf[match.end() :]))
    return b"".join(parts)


def test_pdf_is_tagged_signed_and_reproducible(tables: Any, no_keys: Path, tmp_path: Path) -> None:
    result = _audit(tables, date="2026-11-20")
    html = render_audit(result)
    pdf = render_pdf(html)
    assert pdf == render_pdf(html)
    marks = (b"/StructTreeRoot", b"/MarkInfo", b"/Lang", b"pdfuaid:part", b"/Alt", b"/TH")
    assert [mark for mark in marks if mark not in _inflated(pdf)] == []
    keys.init()
    output.write(result, tmp_path / "out")
    signed = tmp_path / "out" / "report.pdf"
    assert verify_report(signed).state == "trusted"
    data = bytearray(signed.read_bytes())
    assert [mark for mark in marks if mark not in _inflated(bytes(data))] == []
    data[len(data) // 3] ^= 1
    signed.write_bytes(data)
    assert verify_report(signed).state == "invalid"


def test_own_instruments_are_audited_like_any_other(tables: Any) -> None:
    rng = np.random.default_rng(0)
    rows = []
    for seed in range(2):
        path = f"{seed}.png"
        pixels = rng.integers(60, 200, (24, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((320, 320)).save(tables.folder / path)
        rows.append((path, "p", seed, "no" if seed else "yes"))
    rows.append(("gone.png", "p", 3, "yes"))
    tables.write("own.csv", "path,prompt,seed,generated", rows)
    found = instruments.measure_instruments(read_manifest(tables.folder / "own.csv"))
    assert found.outcomes[instruments.RECOGNISED].notna().tolist() == [True, False, False]
    assert found.outcomes[instruments.SPARED].notna().tolist() == [False, True, False]
    assert found.outcomes[instruments.FOUND].notna().sum() == 2
    assert (found.measures[instruments.PSNR].dropna() > 30).all()
    assert [f.code for f in found.findings] == ["instruments-not-measured"]


def test_json_lines_are_read_like_a_table(tables: Any) -> None:
    with tables.manifest.open() as stream:
        rows = [json.dumps(row | {"seed": int(row["seed"])}) for row in csv.DictReader(stream)]
    lines = tables.folder / "manifest.jsonl"
    lines.write_text("\n".join(rows))
    one = audit(lines, labels=tables.labels, reference=tables.reference)
    assert [c.p_value for c in one.claims] == [c.p_value for c in _audit(tables).claims]
    lines.write_text(rows[0] + "\nnot json")
    with pytest.raises(InputRefused, match="not a readable manifest"):
        audit(lines, labels=tables.labels)


def test_folders_that_cannot_be_written_are_refused(tables: Any, no_keys: Path) -> None:
    blocked = tables.folder / "file"
    blocked.write_text("in the way")
    with pytest.raises(OutputRefused):
        _audit(tables, out=blocked / "out", pdf=False)
