"""Training on a handful of portraits: reproducible, with sources left out, honest about itself."""

import cv2
import numpy as np
import pytest
from PIL import Image

from assay.datasets.manifests import Row, read_manifest, write_manifest
from assay.detector.faces import model as face_model
from assay.detector.faces.training import PAIRS, measure, train
from assay.errors import InputRefused


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """One face in four processings that stand for sources, five pictures each, and no face."""
    from skimage import data

    folder = tmp_path_factory.mktemp("portraits")
    rng = np.random.default_rng(0)
    face = data.astronaut()[:320, 60:400]
    processings = {
        "plain": lambda p: p,
        "mirrored": lambda p: p[:, ::-1],
        "dim": lambda p: (p * 0.7).astype(np.uint8),
        "grey": lambda p: cv2.cvtColor(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB),
    }
    rows = []
    for source, process in processings.items():
        for number in range(5):
            top, left = rng.integers(0, 20, 2)
            picture = np.ascontiguousarray(process(face[top : 290 + top, left : 310 + left]))
            path = folder / f"{source}-{number}.png"
            Image.fromarray(picture).save(path)
            rows.append(Row(path, "real", source=source, licence="bundled"))
    path = folder / "coffee.png"
    Image.fromarray(data.coffee()).save(path)
    rows.append(Row(path, "real", source="plain"))
    write_manifest(rows, folder / "faces.csv")
    return folder / "faces.csv"


@pytest.fixture(scope="module")
def table(manifest):
    return measure(read_manifest(manifest))


def test_pictures_without_a_face_are_left_out(table):
    assert len(table.rows) == 20
    assert table.features.shape[1] == 2 * PAIRS
    assert table.blended.tolist() == [False, True] * PAIRS


def test_measuring_is_reproducible(manifest, table):
    again = measure(read_manifest(manifest)[:11])
    assert np.array_equal(again.features, table.features[: len(again.rows)])


def test_a_model_is_written_with_its_card(table, tmp_path):
    model = train(table, tmp_path)
    loaded = face_model.load(tmp_path / "faces-1.json")
    assert np.allclose(
        loaded.log_odds(table.features[0]), model.log_odds(table.features[0]), atol=1e-3
    )
    card = loaded.card
    assert set(card["source_out"]["by_source"]) == {"plain", "mirrored", "dim", "grey"}
    assert card["data"]["faces"] == 20
    untouched = loaded.log_odds(
        table.features[:, ~table.blended].reshape(-1, table.features.shape[2])
    )
    blended = loaded.log_odds(table.features[:, table.blended].reshape(-1, table.features.shape[2]))
    assert blended.mean() > untouched.mean()


def test_unlearnable_data_give_a_model_that_abstains(table, tmp_path):
    from dataclasses import replace

    shuffled = np.random.default_rng(0).permutation(
        table.features.reshape(-1, table.features.shape[2])
    )
    blank = replace(table, features=shuffled.reshape(table.features.shape))
    model = train(blank, tmp_path)
    figure = model.card["source_out"]["macro_auc"]
    assert 0.3 < figure < 0.7
    if figure < 0.55:
        assert not model.trustworthy


def test_too_few_sources_are_refused(manifest):
    rows = [row for row in read_manifest(manifest) if row.source in ("plain", "dim")]
    with pytest.raises(InputRefused, match="fewer than 3 sources"):
        measure(rows)


def test_the_command_line_refuses_a_manifest_without_enough_faces(assay, manifest):
    rows = [row for row in read_manifest(manifest) if row.path.name == "coffee.png"]
    lonely = manifest.with_name("lonely.csv")
    write_manifest(rows, lonely)
    outcome = assay("train", "faces", lonely, "-o", manifest.parent / "out", "--json")
    assert outcome.code == 3
    assert outcome.documents[0]["type"] == "urn:assay:problem:input-refused"
