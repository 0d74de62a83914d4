"""Test base classes for plug-ins: declare your cases, inherit the tests.

    class TestMyExaminer(ExaminerContract):
        examiner = MyExaminer()
        cases = {"marked.png": "my-finding", "plain.png": None}

Keys of `cases` are files; values are the finding code expected among the evidence, or None
when no finding may point anywhere. Needs pytest, which the base install does not bring.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from assay.errors import InputRefused
from assay.evidence import Evidence
from assay.extending import Annotator, Examiner, Marker, MarkingContext, Observation
from assay.media import Media


class ExaminerContract:
    """What every examiner promises."""

    examiner: ClassVar[Examiner]
    cases: ClassVar[Mapping[str | Path, str | None]]

    def test_has_a_name_and_a_version(self) -> None:
        assert self.examiner.name
        assert self.examiner.version

    def test_cases_give_their_finding(self) -> None:
        for path, expected in self.cases.items():
            findings = self.examiner.examine(Media.open(path))
            if expected is None:
                assert [e.finding for e in findings if e.points_to != "nothing"] == []
            else:
                assert expected in [e.finding for e in findings]

    def test_evidence_is_signed_by_its_examiner(self) -> None:
        for path in self.cases:
            for evidence in self.examiner.examine(Media.open(path)):
                assert isinstance(evidence, Evidence)
                assert evidence.examiner == self.examiner.name
                assert evidence.version == self.examiner.version

    def test_examining_changes_nothing(self) -> None:
        for path in self.cases:
            media = Media.open(path)
            before = media.pixels().copy()
            self.examiner.examine(media)
            assert np.array_equal(before, media.pixels())
            assert Media.open(path).sha256 == media.sha256

    def test_examining_twice_gives_the_same(self) -> None:
        for path in self.cases:
            media = Media.open(path)
            assert self.examiner.examine(media) == self.examiner.examine(media)


class MarkerContract:
    """What every marker promises. `sources` are files it must be able to mark."""

    marker: ClassVar[Marker]
    sources: ClassVar[tuple[str | Path, ...]]

    def context(self) -> MarkingContext:
        """The context each source is marked in; override to fill options."""
        return MarkingContext(manifest_label="urn:c2pa:00000000-0000-4000-8000-000000000000")

    def test_has_a_name_a_version_and_an_order(self) -> None:
        assert self.marker.name
        assert self.marker.version
        assert self.marker.order > 0

    def test_marks_without_touching_the_source(self) -> None:
        for path in self.sources:
            media = Media.open(path)
            before = media.sha256
            marked = self.marker.mark(media, self.context())
            assert Media.open(path).sha256 == before
            assert marked.sha256 != before

    def test_keeps_type_and_size(self) -> None:
        for path in self.sources:
            media = Media.open(path)
            marked = self.marker.mark(media, self.context())
            assert marked.media_type == media.media_type
            assert (marked.width, marked.height) == (media.width, media.height)

    def test_refuses_or_marks_a_tiny_picture(self) -> None:
        from assay.encoding import encode_png

        tiny = Media.from_bytes(encode_png(np.zeros((8, 8, 3), np.uint8)))
        with contextlib.suppress(InputRefused):
            assert self.marker.mark(tiny, self.context()).sha256 != tiny.sha256


class AnnotatorContract:
    """What every annotator promises. `images` are upright sRGB uint8 HxWx3 arrays."""

    annotator: ClassVar[Annotator]
    images: ClassVar[tuple[np.ndarray, ...]]

    def test_has_a_name_and_a_version(self) -> None:
        assert self.annotator.name
        assert self.annotator.version

    def test_observations_name_their_attribute_and_rater(self) -> None:
        for image in self.images:
            for observation in self.annotator.annotate(image):
                assert isinstance(observation, Observation)
                assert observation.attribute
                assert observation.value
                assert observation.rater == self.annotator.name

    def test_does_not_change_the_image(self) -> None:
        for image in self.images:
            before = image.copy()
            self.annotator.annotate(image)
            assert np.array_equal(before, image)
