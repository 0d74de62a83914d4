"""Plug-ins: the registered parts honour their protocols; contracts catch what breaks them."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import ClassVar

import pytest

from assay import extending
from assay.errors import ConfigurationError
from assay.evidence import Evidence
from assay.extending import EXAMINERS, MARKERS, Examiner, Marker
from assay.media import Media
from assay.testing import ExaminerContract


def test_the_five_examiners_are_registered() -> None:
    examiners = extending.load(EXAMINERS)
    assert set(examiners) >= {"c2pa", "detector", "fingerprint", "metadata", "watermark"}
    assert all(isinstance(examiner, Examiner) for examiner in examiners.values())
    assert all(name == examiner.name for name, examiner in examiners.items())


def test_c2pa_is_the_last_marker() -> None:
    markers = sorted(extending.load(MARKERS).values(), key=lambda marker: marker.order)
    assert all(isinstance(marker, Marker) for marker in markers)
    assert [marker.name for marker in markers] == ["watermark", "metadata", "c2pa"]


def test_a_plug_in_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("broken", "no_such_package:Examiner", EXAMINERS)
    monkeypatch.setattr(extending, "installed", lambda group: (broken,))
    with pytest.raises(ConfigurationError, match="'broken'"):
        extending.load(EXAMINERS)


def test_entry_points_are_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    markers = extending.load(MARKERS)
    monkeypatch.delattr(extending, "entry_points")
    again = extending.load(MARKERS)
    assert again.keys() == markers.keys()
    assert all(again[name] is not markers[name] for name in markers)


class _ForgetsItsName:
    name, version = "forgetful", "1"

    def examine(self, media: Media) -> list[Evidence]:
        return [
            Evidence(
                examiner="somebody-else",
                version="1",
                kind="metadata",
                finding="anything",
                points_to="generated",
                strength="weak",
                summary="x",
            )
        ]


def test_the_contract_catches_a_careless_examiner(tmp_path: object, save, chelsea) -> None:  # type: ignore[no-untyped-def]
    class Contract(ExaminerContract):
        examiner = _ForgetsItsName()
        cases: ClassVar = {save(chelsea, "cat.png"): None}

    with pytest.raises(AssertionError):
        Contract().test_evidence_is_signed_by_its_examiner()
    with pytest.raises(AssertionError):
        Contract().test_cases_give_their_finding()
