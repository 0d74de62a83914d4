"""What an audit finds in known data, and what it leaves open."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assay.errors import InputRefused
from assay.reports import audit
from assay.reports.fairness import exploration, instruments
from assay.reports.fairness.comparison import compare
from assay.reports.fairness.manifest import read_manifest
from assay.reports.statistics.multiplicity import benjamini_hochberg, holm

from .auditing import audited, codes


def test_planted_bias_is_found_and_parity_is_not(tables: Any) -> None:
    result = audited(tables)
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
    result = audited(tables)
    for claim in result.claims:
        assert claim.answered + sum(claim.unanswered.values()) == claim.pictures
    pooled = next(c for c in result.claims if c.stratum is None)
    assert pooled.unanswered == {"unclear": 40}
    assert pooled.bounds[0] < pooled.total_variation < pooled.bounds[1]


def test_few_pictures_cannot_tell(tables: Any) -> None:
    result = audited(tables, smallest_effect=0.05)
    teacher = next(c for c in result.claims if c.stratum == "teacher")
    assert teacher.verdict.code == "cannot-tell"
    assert teacher.verdict.reasons == ("too-little-power",)


def test_mostly_unanswered_cannot_tell(tables: Any) -> None:
    result = audited(tables, most_unanswered=0.05)
    assert {c.verdict.code for c in result.claims} == {"cannot-tell"}


def test_small_prompts_are_not_shown_but_count(tables: Any) -> None:
    with tables.manifest.open("a") as stream:
        stream.write("a.png,rare,1,demo\n")
    with tables.labels.open("a") as stream:
        stream.write("a.png,presentation,man,ana\n")
    result = audited(tables)
    assert "rare" not in {c.stratum for c in result.claims}
    assert result.suppressed[0].pictures == 1
    assert next(c for c in result.claims if c.stratum is None).pictures == 401


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
    assert "no-such-column" in codes(result)
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
    result = audited(tables)
    teacher = next(c for c in result.claims if c.stratum == "teacher")
    assert teacher.verdict.code == "none-found"
    assert "people-first" in codes(result)


def test_mitigation_reaches_the_target_where_prompts_allow(tables: Any) -> None:
    result = audited(tables)
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
    audited(tables, out=tmp_path / "old", pdf=False, date="2026-01-01")
    tables.manifest.write_text(tables.manifest.read_text().replace("teacher,", "professor,"))
    earlier = tmp_path / "old" / "report.json"
    result = audited(tables, earlier=earlier, out=tmp_path / "new", pdf=False)
    assert result.earlier is not None
    assert result.earlier.date == "2026-01-01"
    rows = {c.stratum: c for c in result.earlier.changes}
    assert rows["engineer"].distance_before == pytest.approx(rows["engineer"].distance_now)
    assert rows["teacher"].verdict_now is None
    assert rows["professor"].verdict_before is None
    assert "2026-01-01" in (tmp_path / "new" / "report.html").read_text()
    with pytest.raises(InputRefused, match="not an audit"):
        audited(tables, earlier=tables.manifest)


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
