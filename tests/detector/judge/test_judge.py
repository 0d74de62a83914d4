"""The judge: what outranks what, and that contradiction is always shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.detector.judge import Judge
from assay.evidence import Evidence, Verdict


def evidence(kind: str, points_to: str, strength: str, **more: Any) -> Evidence:
    more.setdefault("finding", f"{kind}-finding")
    more.setdefault("summary", f"{kind} says {points_to}.")
    return Evidence.model_validate(
        {
            "id": f"{kind}-{points_to}",
            "examiner": kind,
            "version": "1",
            "kind": kind,
            "points_to": points_to,
            "strength": strength,
            **more,
        }
    )


TRUSTED_CAPTURE = evidence("provenance", "captured", "conclusive")
TRUSTED_GENERATION = evidence("provenance", "generated", "conclusive")
TRUSTED_EDIT = evidence("provenance", "edited", "conclusive")
BROKEN = evidence("provenance", "altered", "conclusive")
WATERMARK = evidence("watermark", "generated", "strong")
WATERMARK_OF_CAPTURE = evidence("watermark", "captured", "strong")
FINGERPRINT = evidence("fingerprint", "generated", "strong")
CLASSIFIER = evidence("detector", "generated", "moderate", probability=0.97)
UNSIGNED_METADATA = evidence("metadata", "generated", "moderate")
CAMERA_EXIF = evidence("metadata", "captured", "weak")
KNOWN_WORK = evidence("fingerprint", "known-work", "strong", finding="known-work")
EXPIRED_SIGNER = evidence("provenance", "nothing", "weak", finding="c2pa-credential-unfit")
UNREGISTERED = evidence("watermark", "nothing", "moderate", finding="watermark-unregistered")


def judge(*items: Evidence) -> Verdict:
    return Judge().decide(items)


@pytest.mark.parametrize(
    ("items", "category"),
    [
        ([TRUSTED_CAPTURE], "captured"),
        ([TRUSTED_GENERATION], "generated"),
        ([TRUSTED_EDIT], "edited"),
        ([BROKEN], "altered"),
        ([BROKEN, WATERMARK], "altered"),
        ([TRUSTED_GENERATION, WATERMARK], "generated"),
        ([WATERMARK], "generated"),
        ([FINGERPRINT], "generated"),
        ([WATERMARK_OF_CAPTURE], "inconclusive"),
        ([TRUSTED_CAPTURE, WATERMARK], "altered"),
        ([CLASSIFIER], "likely-generated"),
        ([CLASSIFIER, CAMERA_EXIF], "likely-generated"),
        ([TRUSTED_CAPTURE, CLASSIFIER], "captured"),
        ([UNSIGNED_METADATA], "inconclusive"),
        ([UNREGISTERED], "inconclusive"),
        ([EXPIRED_SIGNER], "inconclusive"),
        ([KNOWN_WORK], "no-evidence"),
        ([CAMERA_EXIF], "no-evidence"),
        ([], "no-evidence"),
    ],
)
def test_category(items: list[Evidence], category: str) -> None:
    assert judge(*items).category == category


def test_a_classifier_against_trusted_provenance_is_shown() -> None:
    verdict = judge(TRUSTED_CAPTURE, CLASSIFIER)

    assert verdict.category == "captured"
    assert CLASSIFIER.summary in verdict.summary
    assert verdict.probability_generated == 0.97


def test_contradicting_marks_name_both() -> None:
    assert set(judge(TRUSTED_CAPTURE, WATERMARK).because) == {
        TRUSTED_CAPTURE.id,
        WATERMARK.id,
    }


def test_what_was_not_scored_is_listed() -> None:
    missing = evidence("not-scored", "nothing", "weak", summary="no key on this machine")
    verdict = judge(missing, WATERMARK)

    assert [(item.what, item.why) for item in verdict.not_scored] == [
        ("not-scored", "no key on this machine")
    ]


def test_nothing_scored_is_not_the_same_as_nothing_found() -> None:
    assert judge(evidence("not-scored", "nothing", "weak")).category == "inconclusive"


def test_a_judge_whose_rules_are_silent_is_an_error() -> None:
    with pytest.raises(LookupError, match="no rule"):
        Judge(rules=()).decide([])


@given(
    st.lists(
        st.sampled_from(
            [
                BROKEN,
                TRUSTED_CAPTURE,
                TRUSTED_GENERATION,
                WATERMARK,
                FINGERPRINT,
                CLASSIFIER,
                UNSIGNED_METADATA,
                CAMERA_EXIF,
                KNOWN_WORK,
            ]
        )
    )
)
def test_properties(items: list[Evidence]) -> None:
    verdict = judge(*items)

    assert set(verdict.because) <= {item.id for item in items}
    assert verdict == judge(*items)
    if BROKEN in items:
        assert verdict.category == "altered"
    if verdict.category == "captured":
        assert TRUSTED_CAPTURE in items
    if verdict.category == "likely-generated":
        assert CLASSIFIER in items
        assert not any(mark in items for mark in (WATERMARK, TRUSTED_GENERATION, FINGERPRINT))
