"""The page of a verification says what was found, and nothing it should not."""

from __future__ import annotations

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
    assert set(page.HEADLINES) == set(get_args(Category))
    assert set(page.KIND_TITLES) == set(get_args(Kind))
    assert set(page.POINTS_TO) == set(get_args(PointsTo))


@pytest.mark.parametrize("category", get_args(Category))
def test_each_verdict_renders(category: Category) -> None:
    html = page.render_html(_verification(category))
    assert f"<h1>{page.HEADLINES[category]}</h1>" in html
    assert "one frame only" in html


def test_evidence_is_kept_apart_and_escaped() -> None:
    html = page.render_html(_verification(name="<i>.png"))
    assert html.count('class="evidence"') == 2
    assert "Signed by &lt;Example &amp; Co&gt;." in html
    assert "<script" not in html
    assert "<i>.png" not in html
    assert "b c: yes" in html
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
