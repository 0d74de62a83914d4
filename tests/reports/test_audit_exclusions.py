"""Nothing leaves an audit silently: small groups, single prompts, unreadable pictures."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assay.errors import InputRefused
from assay.reports import audit
from assay.reports.fairness import instruments
from assay.reports.fairness.audit_page import render_audit
from assay.reports.fairness.instruments import InstrumentResults

from .auditing import audited, codes


@pytest.fixture
def portraits(tables: Any) -> Any:
    """Forty small pictures of one prompt, labelled alternately; no reference."""
    rng = np.random.default_rng(3)
    (tables.folder / "images").mkdir()
    rows, labels = [], []
    for seed in range(40):
        path = f"images/{seed}.jpg"
        pixels = rng.integers(40, 220, (24, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((96, 96)).save(tables.folder / path)
        quality = 10 + seed % 7
        rows.append((path, "a portrait", seed, "yes" if seed % 4 else "no", quality))
        labels.append((path, "presentation", "woman" if seed % 2 else "man", "ana"))
    tables.write("manifest.csv", "path,prompt,seed,usable,sharpness", rows)
    tables.write("labels.csv", "path,attribute,value,rater", labels)
    return tables


def test_comparisons_of_small_groups_are_told_with_numbers(portraits: Any) -> None:
    result = audited(portraits, outcomes=("usable",), quality=("sharpness",))

    assert (result.parity, result.quality) == ((), ())
    told = {(row.subject, row.by): row for row in result.not_compared}
    assert set(told) == {
        (s, b) for s in ("usable", "sharpness") for b in ("prompt", "presentation")
    }
    usable = told["usable", "presentation"]
    assert (usable.groups, usable.large_groups, usable.left_out) == (2, 0, 40)
    assert usable.overall == 0.75
    assert usable.summary.startswith(
        "Usable by presentation: fewer than two groups of 30 (0 of 2); 40 pictures left out."
    )
    assert "75.0" in usable.summary
    html = render_audit(result)
    assert "Comparisons that could not be made" in html
    assert '<a href="#parity">' in html
    assert len(json.loads(result.model_dump_json(by_alias=True))["not_compared"]) == 4


def test_own_instruments_have_figures_at_any_size(
    portraits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `--instruments` measured on 40 pictures is in the report; measuring has its test."""

    def measured(manifest: Any, track: Any = iter) -> InstrumentResults:
        import pandas as pd

        found = pd.Series([True] * 38 + [False] * 2, index=manifest.rows.index, dtype=object)
        return InstrumentResults({instruments.FOUND: found}, {}, [])

    monkeypatch.setattr("assay.reports.fairness.run.measure_instruments", measured)
    result = audited(portraits, instruments=True)

    row = next(r for r in result.not_compared if r.by == "presentation")
    assert (row.subject, row.overall, row.measured) == (instruments.FOUND, 0.95, 40)


def test_figures_of_few_pictures_stay_hidden(portraits: Any) -> None:
    lines = portraits.manifest.read_text().splitlines()
    portraits.manifest.write_text("\n".join(lines[:20]))
    result = audited(portraits, outcomes=("usable",))

    assert {row.overall for row in result.not_compared} == {None}
    assert all("No rate is given for fewer than 30" in row.summary for row in result.not_compared)


def test_more_groups_than_one_test_tells_apart_are_told(tables: Any) -> None:
    rows, labels = [], []
    for number in range(61 * 2):
        path = f"{number}.png"
        rows.append((path, f"prompt {number % 61}", number, "yes"))
        labels.append((path, "presentation", "woman" if number % 2 else "man", "ana"))
    tables.write("manifest.csv", "path,prompt,seed,usable", rows)
    tables.write("labels.csv", "path,attribute,value,rater", labels)
    result = audited(tables, outcomes=("usable",), smallest_cell=2)

    (row,) = result.not_compared
    assert "61 groups of 2 or more are too many for one test (60)" in row.summary


def test_a_single_prompt_is_paid_for_once(portraits: Any) -> None:
    result = audited(portraits)

    assert [claim.stratum for claim in result.claims] == [None]
    assert result.statistics.family == 1
    assert result.suppressed == ()
    html = render_audit(result)
    assert "40 pictures from 1 prompt and 40 seeds" in html
    assert "1 claim was tested" in html
    own = [("presentation", v, s, "a portrait") for v, s in (("woman", 0.3), ("man", 0.7))]
    general = [("presentation", v, 0.5, "") for v in ("woman", "man")]
    portraits.write("reference.csv", "attribute,value,share,prompt", own + general)
    assert [c.stratum for c in audited(portraits).claims] == [None, "a portrait"]
    portraits.write("reference.csv", "attribute,value,share,prompt", own)
    assert [c.stratum for c in audited(portraits).claims] == ["a portrait"]


def test_unreadable_pictures_are_left_out_and_told_apart(portraits: Any) -> None:
    folder = portraits.folder
    whole = audited(portraits, origins=True)
    cut = folder / "images/1.jpg"
    cut.write_bytes(cut.read_bytes()[:400])
    (folder / "images/2.jpg").write_text("not a picture")
    (folder / "images/3.jpg").unlink()
    Image.new("RGB", (64, 64)).save(folder / "images/4.jpg", "PNG")  # misnamed, yet a picture

    result = audited(portraits, origins=True)

    found = {finding.code: finding for finding in result.data.findings}
    unreadable = found["unreadable-pictures"]
    assert (unreadable.count, unreadable.excluded) == (2, 2)
    assert [example.split(": ")[0] for example in unreadable.examples] == [
        "images/1.jpg",
        "images/2.jpg",
    ]
    assert str(folder) not in " ".join(unreadable.examples)
    assert found["pictures-not-found"].examples == ("images/3.jpg",)
    assert "labels-without-picture" not in found
    assert result.data.pictures == 38
    assert (whole.data.pictures_hashed, result.data.pictures_hashed) == (40, 37)
    assert result.data.origins is not None
    assert result.data.origins.unsigned == 37
    assert result.claims[0].pictures == 38


def test_an_audit_of_nothing_that_opens_is_refused(portraits: Any) -> None:
    for file in (portraits.folder / "images").iterdir():
        file.write_text("not a picture")
    with pytest.raises(InputRefused, match="none of 40 pictures can be examined"):
        audited(portraits)


def test_pairs_without_answers_are_told(tables: Any) -> None:
    rows, labels = [], []
    for seed in range(4):
        for variant in ("neutral", "wealthy"):
            path = f"{variant}-{seed}.png"
            rows.append((path, f"a {variant} person", seed, "a … person", variant))
            value = "unclear" if variant == "wealthy" else "man"
            labels.append((path, "presentation", value, "ana"))
    tables.write("manifest.csv", "path,prompt,seed,pair,variant", rows)
    tables.write("labels.csv", "path,attribute,value,rater", labels)

    assert "pairs-without-answers" in codes(audit(tables.manifest, labels=tables.labels))


def test_pairs_that_all_agree_are_a_claim(tables: Any) -> None:
    rows, labels = [], []
    for seed in range(40):
        for variant in ("neutral", "wealthy"):
            path = f"{variant}-{seed}.png"
            rows.append((path, f"a {variant} person", seed, "a … person", variant))
            labels.append((path, "presentation", "man", "ana"))
    tables.write("manifest.csv", "path,prompt,seed,pair,variant", rows)
    tables.write("labels.csv", "path,attribute,value,rater", labels)

    (claim,) = audited(tables).counterfactuals

    assert (claim.pairs, claim.changed, claim.total_variation) == (40, 0, 0)
    assert claim.p_adjusted == 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_tables_from_spreadsheets_are_read(portraits: Any, encoding: str, separator: str) -> None:
    expected = audited(portraits).claims
    for table in (portraits.labels, portraits.manifest):
        text = table.read_text().replace(",", separator)
        table.write_bytes(text.encode(encoding))

    assert audited(portraits).claims == expected


def test_half_of_a_utf16_table_is_refused(portraits: Any) -> None:
    portraits.labels.write_bytes(portraits.labels.read_text().encode("utf-16")[:-1])
    with pytest.raises(InputRefused, match="no text"):
        audited(portraits)
