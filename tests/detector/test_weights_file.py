"""Reading models: what is missing, changed or of another kind is refused in words."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from assay.detector import weights_file
from assay.detector.weights_file import check_shape, read_arrays, read_weights, save_arrays
from assay.errors import ConfigurationError

NAMES = ("mean", "weights")
CARD = {"name": "small", "feature_version": 2}


@pytest.fixture
def card_path(tmp_path):
    return save_arrays(CARD, {name: np.arange(3.0) for name in NAMES}, tmp_path)


def read(path):
    return read_arrays(path, NAMES, retrain="assay train small", feature_version=2)


def replace_weights(path, data):
    """Other weights, with the checksum that belongs to them."""
    path.with_suffix(".npz").write_bytes(data)
    card = json.loads(path.read_text()) | {"weights_sha256": hashlib.sha256(data).hexdigest()}
    path.write_text(json.dumps(card))


def test_what_was_saved_is_read(card_path):
    card, arrays = read(card_path)
    assert card["name"] == "small"
    assert set(arrays) == set(NAMES)
    assert np.array_equal(arrays["mean"], [0, 1, 2])


def test_changed_weights_are_refused(card_path):
    weights = card_path.with_suffix(".npz")
    weights.write_bytes(weights.read_bytes() + b"\0")
    with pytest.raises(ConfigurationError, match="the card states") as refusal:
        read(card_path)
    assert "assay train small" in refusal.value.advice


def test_other_features_are_refused(card_path):
    with pytest.raises(ConfigurationError, match="features version 2, this release"):
        read_arrays(card_path, NAMES, retrain="assay train small", feature_version=3)


def test_a_missing_array_is_named(card_path):
    with pytest.raises(ConfigurationError, match="bias"):
        read_arrays(card_path, (*NAMES, "bias"), retrain="assay train small")


@pytest.mark.parametrize("data", [b"no archive", b"PK\x05\x06" + bytes(18)])
def test_weights_that_are_no_arrays_are_refused(card_path, data):
    replace_weights(card_path, data)
    with pytest.raises(ConfigurationError, match=r"small\.json"):
        read(card_path)


def test_arrays_are_never_unpickled(card_path, tmp_path):
    np.savez(tmp_path / "objects.npz", mean=np.array([{}], object), weights=np.zeros(3))
    replace_weights(card_path, (tmp_path / "objects.npz").read_bytes())
    with pytest.raises(ConfigurationError, match="no readable weights"):
        read(card_path)


@pytest.mark.parametrize("text", ["[]", "no JSON"])
def test_a_card_that_is_none_is_refused(card_path, text):
    card_path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"small\.json"):
        read(card_path)


def test_missing_and_large_weights_are_refused(card_path, monkeypatch):
    with pytest.raises(ConfigurationError, match=r"small\.onnx"):
        read_weights(card_path, ".onnx", retrain="assay train small")
    monkeypatch.setattr(weights_file, "MAX_BYTES", 10)
    with pytest.raises(ConfigurationError, match="larger than 10 bytes"):
        read(card_path)


def test_a_shape_is_held_against_what_is_wanted(card_path):
    check_shape(card_path, np.zeros((2, 3)), (None, 3))
    for shape in ((3,), (2, 4)):
        with pytest.raises(ConfigurationError, match="expected 3 features"):
            check_shape(card_path, np.zeros(shape), (None, 3))
