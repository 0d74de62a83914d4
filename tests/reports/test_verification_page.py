"""The page of a verification says what was found, and nothing it should not."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from assay.evidence import (
    Category,
    Evidence,
    Kind,
    MediaSummary,
    NotScored,
    PointsTo,
    Software,
    Verdict,
    Verification,
)
from assay.media import Media
from assay.reports import verification as page
from assay.reports.details import details_of
from assay.reports.headlines import HEADLINES


def _verification(category: Category = "generated", name: str = "a.png") -> Verification:
    return Verification(
        media=MediaSummary(
            name=name, sha256="ab" * 32, media_type="image/png", size=12345, width=64, height=48
        ),
        verdict=Verdict(
            category=category,
            summary="A trusted manifest says so.",
            because=("e1",),
            not_scored=(NotScored(what="video", why="one frame only"),),
        ),
        evidence=(
            Evidence(
                id="e1",
                examiner="c2pa",
                version="1",
                kind="provenance",
                finding="trusted-manifest",
                points_to="generated",
                strength="conclusive",
                summary="Signed by <Example & Co>.",
                details={
                    "signer": "<script>alert(1)</script>",
                    "empty": [],
                    "nested": [{"b_c": True}],
                },
            ),
            Evidence(
                id="e2",
                examiner="detector",
                version="2",
                kind="detector",
                finding="classifier-score",
                points_to="nothing",
                strength="weak",
                probability=0.31,
                summary="The classifier does not decide.",
            ),
        ),
        software=Software(version="0.1.0", examiners={"c2pa": "1"}),
        created=datetime(2026, 11, 20, 12, 0, tzinfo=UTC),
    )


def test_every_vocabulary_has_words() -> None:
    assert set(HEADLINES) == set(get_args(Category))
    assert set(page.KIND_TITLES) == set(get_args(Kind))
    assert set(page.POINTS_TO) == set(get_args(PointsTo))


@pytest.mark.parametrize("category", get_args(Category))
def test_each_verdict_renders(category: Category) -> None:
    html = page.render_html(_verification(category))
    assert f"<h1>{HEADLINES[category]}</h1>" in html
    assert "one frame only" in html


def test_evidence_is_kept_apart_and_escaped() -> None:
    html = page.render_html(_verification(name="<i>.png"))
    assert html.count('class="evidence"') == 2
    assert "Signed by &lt;Example &amp; Co&gt;." in html
    assert "<script" not in html
    assert "<i>.png" not in html
    assert "<dt>b c</dt><dd>yes</dd>" in html
    assert "empty" not in html
    assert html.index("Signed provenance") < html.index("Classifier")


def test_page_is_self_contained_and_reproducible() -> None:
    pixels = np.zeros((900, 1200, 3), dtype=np.uint8)
    import io

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    picture = page.thumbnail(Media.from_bytes(buffer.getvalue()))
    with Image.open(io.BytesIO(picture)) as small:
        assert small.size == (640, 480)
    html = page.render_html(_verification(), picture=picture)
    assert html == page.render_html(_verification(), picture=picture)
    assert "data:image/png;base64," in html
    assert not re.search(r"(src|href)=[\"'](?!#|data:)|url\((?!#)|@import", html)


def test_details_are_rows_and_machine_data_is_folded() -> None:
    plain = _verification().evidence[0]
    receipt = {
        "registrant": "",
        "dispute": None,
        "distance": None,
        "geometry": {"mirrored": False, "transform": [[0.5, 0.0, 12.0], [0.0, 0.5, 7.0]]},
        "probabilities": [0.1, 0.2, 0.3, 0.4, 0.5],
        "matched_box": [0.0, 0.25, 1.0, 0.75],
    }
    details = {"receipt": receipt, "log_proof": {"size": 4, "hashes": ["ab" * 32]}, "work": "w"}
    rows = {row.name: row for row in details_of(plain.model_copy(update={"details": details}))}
    assert rows["work"].text == "w"
    assert rows["log proof"].folded is not None
    assert json.loads(rows["log proof"].folded) == details["log_proof"]
    inner = {row.name: row for row in rows["receipt"].rows}
    assert set(inner) == {"geometry", "probabilities", "matched box"}
    assert inner["matched box"].text == "0, 0.25, 1, 0.75"
    assert inner["probabilities"].folded == "[0.1, 0.2, 0.3, 0.4, 0.5]"
    mirrored, transform = inner["geometry"].rows
    assert (mirrored.text, transform.folded) == ("no", "[[0.5, 0.0, 12.0], [0.0, 0.5, 7.0]]")


def test_long_details_are_cut_and_say_so() -> None:
    verification = _verification()
    long = verification.evidence[0].model_copy(update={"details": {"manifest": "x" * 50_000}})
    html = page.render_html(verification.model_copy(update={"evidence": (long,)}))
    assert len(html) < 30_000
    assert "50,000 characters" in html


def test_a_probability_of_a_blended_face_says_what_it_is_of() -> None:
    verification = _verification()
    face = verification.evidence[1].model_copy(
        update={"finding": "face-inconclusive", "probability": 0.6}
    )
    html = page.render_html(verification.model_copy(update={"evidence": (face,)}))
    assert "probability of a blended face 60.0" in html
    assert "probability 31.0" in page.render_html(verification)


def test_it_says_whom_it_asked_for_a_manifest() -> None:
    nothing_left = "Nothing about the file left the machine that examined it."
    plain = _verification()
    assert nothing_left in page.render_html(plain)

    def referring(finding: str, **details: object) -> Verification:
        told = plain.evidence[0].model_copy(
            update={
                "finding": finding,
                "details": {"remote_url": "https://cai.example.org/m.c2pa", **details},
            }
        )
        return plain.model_copy(update={"evidence": (told,)})

    assert nothing_left in page.render_html(referring("manifest-elsewhere", asked=False))
    for asked in (referring("c2pa-trusted"), referring("manifest-elsewhere", asked=True)):
        html = page.render_html(asked)
        assert nothing_left not in html
        assert "allowed to ask cai.example.org for the manifest" in html


def test_a_video_is_not_called_a_picture() -> None:
    plain = _verification()
    media = plain.media.model_copy(update={"media_type": "video/mp4", "frames": 48})
    html = page.render_html(plain.model_copy(update={"media": media}), picture=b"png")
    assert "frame of the examined video" in html
    assert "examined picture" not in html
    assert "examined picture" in page.render_html(plain, picture=b"png")


def test_no_failure_is_no_claim_of_results() -> None:
    plain = _verification()
    verdict = plain.verdict.model_copy(update={"not_scored": ()})
    html = page.render_html(plain.model_copy(update={"verdict": verdict}))
    assert "No examiner failed." in html
