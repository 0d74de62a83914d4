"""The judge: what outranks what, and that contradiction is always shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.detector.judge import Judge, Rule
from assay.detector.judge.rules import (
    STANDARD_RULES,
    BrokenIntegrity,
    ConfidentClassifier,
    ContradictingMarks,
    NothingFound,
    RecoveredProvenance,
    SilentProvenance,
    TrustedProvenance,
    UnvouchedClaims,
)
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
TRUSTED_SILENCE = evidence("provenance", "nothing", "conclusive", finding="c2pa-trusted")
BROKEN = evidence("provenance", "altered", "conclusive")
WATERMARK = evidence("watermark", "generated", "strong")
WATERMARK_OF_CAPTURE = evidence("watermark", "captured", "strong")
FINGERPRINT = evidence("fingerprint", "generated", "strong")
CLASSIFIER = evidence("detector", "generated", "moderate", probability=0.97)
UNSIGNED_METADATA = evidence("metadata", "generated", "moderate")
CAMERA_EXIF = evidence("metadata", "captured", "weak")
KNOWN_WORK = evidence("fingerprint", "known-work", "strong", finding="known-work")
PROBABLY_KNOWN_WORK = evidence(
    "fingerprint", "known-work", "moderate", finding="known-work", summary="Probably a copy."
)
PERHAPS_KNOWN_WORK = evidence("fingerprint", "known-work", "weak", finding="known-work")
EXPIRED_SIGNER = evidence("provenance", "nothing", "weak", finding="c2pa-credential-unfit")
SUSPECTED_FACE = evidence(
    "detector", "edited", "weak", finding="face-forgery-suspected", probability=0.8
)
WHOLE_PICTURE = evidence(
    "detector", "nothing", "weak", finding="detector-inconclusive", probability=0.2
)
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


def test_a_capture_manifest_with_an_ai_watermark_shows_both_sides() -> None:
    verdict = judge(TRUSTED_CAPTURE, WATERMARK, CLASSIFIER)

    assert verdict.category == "altered"
    assert set(verdict.because) == {TRUSTED_CAPTURE.id, WATERMARK.id}
    assert TRUSTED_CAPTURE.summary in verdict.summary
    assert WATERMARK.summary in verdict.summary
    assert "contradict" in verdict.summary


# For each rule of the standard order: evidence on which it decides, and what its sentence says.
DECIDES: dict[type[Rule], tuple[list[Evidence], str]] = {
    BrokenIntegrity: ([BROKEN, TRUSTED_CAPTURE], BROKEN.summary),
    ContradictingMarks: ([TRUSTED_CAPTURE, WATERMARK], "contradict each other"),
    TrustedProvenance: ([TRUSTED_GENERATION, UNSIGNED_METADATA], TRUSTED_GENERATION.summary),
    RecoveredProvenance: ([WATERMARK_OF_CAPTURE], "may have been changed since"),
    ConfidentClassifier: ([CLASSIFIER, CAMERA_EXIF], CLASSIFIER.summary),
    UnvouchedClaims: ([UNREGISTERED, CAMERA_EXIF], UNREGISTERED.summary),
    SilentProvenance: ([TRUSTED_SILENCE, CAMERA_EXIF], "does not say how this was made"),
    NothingFound: ([CAMERA_EXIF], "does not show that a camera took this"),
}


def test_every_standard_rule_is_listed_here() -> None:
    assert [type(rule) for rule in STANDARD_RULES] == list(DECIDES)


@pytest.mark.parametrize("rule", DECIDES, ids=lambda rule: rule.__name__)
def test_every_rule_decides_with_a_sentence(rule: type[Rule]) -> None:
    items, sentence = DECIDES[rule]
    deciding = next(r for r in STANDARD_RULES if r.decide(items) is not None)

    assert type(deciding) is rule
    assert sentence in judge(*items).summary
    assert judge(*items).summary.endswith(".")


@pytest.mark.parametrize("rule", [r for r in DECIDES if r is not NothingFound])
def test_every_rule_but_the_last_is_silent_without_evidence(rule: type[Rule]) -> None:
    assert rule().decide([]) is None


@pytest.mark.parametrize("other", [CAMERA_EXIF, UNREGISTERED, WATERMARK_OF_CAPTURE])
def test_a_known_work_is_told_first_where_the_origin_is_open(other: Evidence) -> None:
    verdict = judge(other, KNOWN_WORK)

    assert verdict.category == judge(other).category
    assert verdict.summary == f"{KNOWN_WORK.summary} {judge(other).summary}"
    assert KNOWN_WORK.id not in verdict.because


@pytest.mark.parametrize("other", [TRUSTED_GENERATION, TRUSTED_CAPTURE, BROKEN, CLASSIFIER])
def test_a_known_work_is_told_after_the_origin(other: Evidence) -> None:
    assert judge(KNOWN_WORK, other).summary == f"{judge(other).summary} {KNOWN_WORK.summary}"


def test_the_strongest_of_several_known_works_is_told() -> None:
    summary = judge(PROBABLY_KNOWN_WORK, KNOWN_WORK).summary

    assert summary.startswith(f"{KNOWN_WORK.summary} Other registered works")
    assert PROBABLY_KNOWN_WORK.summary not in summary


def test_a_work_worth_a_review_is_left_to_the_evidence() -> None:
    assert judge(PERHAPS_KNOWN_WORK).summary == judge().summary


def test_a_suspected_face_decides_nothing_and_lends_no_probability() -> None:
    verdict = judge(SUSPECTED_FACE, WHOLE_PICTURE)

    assert verdict.category == "no-evidence"
    assert verdict.probability_generated == WHOLE_PICTURE.probability
    assert judge(SUSPECTED_FACE).probability_generated is None


def test_a_classifier_alone_never_says_captured() -> None:
    for probability in (0.0, 0.001, 0.5, 1.0):
        score = evidence("detector", "nothing", "weak", probability=probability)
        assert judge(score).category == "no-evidence"


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
