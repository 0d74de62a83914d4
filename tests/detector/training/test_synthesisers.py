"""`assay train synthesisers`: aligned fakes that stay close to their photograph."""

import cv2
import numpy as np
import pytest
import torch

from assay.datasets.manifests import read_manifest
from assay.detector.labels import SYNTHESISER, Labels
from assay.detector.training.folds import group_out
from assay.detector.training.synthesiser_models import KINDS, Synthesiser
from assay.detector.training.synthesisers import redraw, train_synthesisers
from assay.errors import InputRefused

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def redrawn(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthesisers")
    rows = read_manifest(corpus)
    kinds = ("nearest", "dct")
    weights = train_synthesisers(rows, folder, steps=30, side=256, kinds=kinds)
    return rows, weights, redraw(rows, weights, folder / "redrawn", side=256)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_redraws_at_the_same_size_and_learns(kind):
    torch.manual_seed(0)
    synthesiser = Synthesiser(kind)
    pictures = torch.rand(1, 3, 64, 128) * 2 - 1
    result = synthesiser(pictures)
    assert result.shape == pictures.shape
    (result - pictures).square().mean().backward()
    gradients = [parameter.grad for parameter in synthesiser.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)


def test_coefficients_become_the_pixels_that_opencv_says():
    from assay.detector.training.synthesiser_models import InverseDct

    coefficients = np.random.default_rng(0).normal(size=(8, 8))
    planes = torch.zeros(1, 192, 1, 1)
    planes[0, :64, 0, 0] = torch.from_numpy(coefficients.reshape(64))
    pixels = InverseDct()(planes)[0, 0].numpy()
    assert np.allclose(pixels, cv2.idct(coefficients), atol=1e-5)


def test_redrawn_pictures_are_close_and_carry_the_source_of_their_photograph(redrawn):
    rows, _, result = redrawn
    found = read_manifest(result.manifest)
    assert len(found) == 36
    assert {row.source for row in found} == {row.source for row in rows if not row.generated}
    assert all(row.generated and row.generator.startswith(SYNTHESISER) for row in found)
    # Reduction to a quarter alone gives less on these crops.
    assert min(result.psnr.values()) > 22


def test_a_second_run_changes_nothing(redrawn):
    rows, weights, result = redrawn
    before = {path: path.stat().st_mtime_ns for path in result.manifest.parent.glob("*.png")}
    folder = weights[0].parent
    kinds = [path.stem for path in weights]
    assert train_synthesisers(rows, folder, steps=30, side=256, kinds=kinds) == weights
    redraw(rows, weights, folder / "redrawn", side=256)
    after = {path: path.stat().st_mtime_ns for path in result.manifest.parent.glob("*.png")}
    assert before == after


def test_reconstructions_train_but_never_test(redrawn):
    rows, _, result = redrawn
    labels = Labels([*rows, *read_manifest(result.manifest)])
    folds = list(group_out(labels, folds=3))
    assert folds
    for fold in folds:
        assert not labels.auxiliary[fold.test].any()
        assert labels.auxiliary[fold.train].any()
        tested = set(labels.sources[fold.test])
        assert not tested & set(labels.sources[fold.train])


def test_a_manifest_without_photographs_is_refused(corpus, tmp_path):
    rows = [row for row in read_manifest(corpus) if row.generated]
    with pytest.raises(InputRefused, match="photographs"):
        train_synthesisers(rows, tmp_path, steps=1)


def test_the_command_writes_a_manifest_and_the_quality_of_each_kind(assay, corpus, tmp_path):
    options = ["--steps", "2", "--side", "192", "--most-per-group", "1", "--json"]
    outcome = assay("train", "synthesisers", corpus, "-o", tmp_path, *options)
    assert outcome.code == 0, outcome.err
    (document,) = outcome.documents
    assert len(read_manifest(document["manifest"])) == 6
    assert set(document["psnr"]) <= set(KINDS)
