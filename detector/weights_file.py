"""Weights beside a model card that states their checksum.

A model is two files: the card `<name>.json` and the weights, `<name>.npz` with plain numpy
arrays or `<name>.onnx`. Nothing is unpickled, and what was checked is what is used.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.errors import ConfigurationError
from assay.files import write_atomically

SHIPPED = Path(__file__).parent / "weights"
"""The models that ship with this release."""
# Larger files are refused before they are read; ours have a few megabytes.
MAX_BYTES = 1_000_000_000

Card = dict[str, Any]


def save_weights(card: Mapping[str, Any], data: bytes, suffix: str, folder: str | Path) -> Path:
    """Write the weights, then the card with their checksum; returns the card's path.

    Raises:
        OutputRefused: the folder cannot be written.
    """
    path = Path(folder) / f"{card['name']}.json"
    write_atomically(path.with_name(f"{card['name']}{suffix}"), data)
    stated = {**card, "weights_sha256": hashlib.sha256(data).hexdigest()}
    return write_atomically(path, json.dumps(stated, indent=2, ensure_ascii=False) + "\n")


def save_arrays(
    card: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], folder: str | Path
) -> Path:
    """Write `<name>.npz` and the card; returns the card's path.

    Raises:
        OutputRefused: the folder cannot be written.
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return save_weights(card, buffer.getvalue(), ".npz", folder)


def read_card(path: str | Path) -> Card:
    """A model card of any kind.

    Raises:
        ConfigurationError: it is missing or not a JSON object.
    """
    try:
        card = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"detector model {path}: {error}") from error
    if not isinstance(card, dict):
        raise ConfigurationError(f"detector model {path}: not a model card")
    return card


def read_weights(card_path: str | Path, suffix: str, *, retrain: str) -> tuple[Card, bytes]:
    """A card, and the weights beside it as the card states them.

    Args:
        card_path: the weights lie beside it.
        suffix: of the weights.
        retrain: the command that makes such a model, for the advice.

    Raises:
        ConfigurationError: a file is missing or too large, or the checksum differs.
    """
    card_path = Path(card_path)
    card = read_card(card_path)
    data = read_limited(card_path.with_suffix(suffix))
    digest = hashlib.sha256(data).hexdigest()
    if digest != card.get("weights_sha256"):
        raise ConfigurationError(
            f"detector weights of {card_path.name}: sha256 {digest}, the card states "
            f"{card.get('weights_sha256')}",
            advice=f"reinstall assay, or train the model again with `{retrain}`",
        )
    return card, data


def read_arrays(
    card_path: str | Path,
    names: Iterable[str],
    *,
    retrain: str,
    feature_version: int | None = None,
) -> tuple[Card, dict[str, NDArray[np.float64]]]:
    """A card and the arrays beside it.

    Args:
        card_path: the `.npz` lies beside it.
        names: the arrays that must be there.
        retrain: the command that makes such a model, for the advice.
        feature_version: of the features that this release measures; None where the model
            states no version.

    Raises:
        ConfigurationError: as `read_weights`, an array is missing, or the model was trained on
            another version of the features.
    """
    card, data = read_weights(card_path, ".npz", retrain=retrain)
    name = Path(card_path).name
    if feature_version is not None and card.get("feature_version") != feature_version:
        raise ConfigurationError(
            f"detector model {name}: features version {card.get('feature_version')}, "
            f"this release measures version {feature_version}",
            advice=f"train the model again with `{retrain}`",
        )
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {array: np.asarray(archive[array], np.float64) for array in names}
    except KeyError as error:
        raise ConfigurationError(f"detector model {name}: {error.args[0]}") from error
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ConfigurationError(f"detector model {name}: no readable weights") from error
    return card, arrays


def check_shape(
    card_path: str | Path, weights: NDArray[np.float64], shape: tuple[int | None, ...]
) -> None:
    """Refuse weights of another shape; None stands for any length.

    Raises:
        ConfigurationError: the shape differs.
    """
    found = weights.shape
    alike = len(found) == len(shape) and all(
        wanted in (None, length) for length, wanted in zip(found, shape, strict=True)
    )
    if not alike:
        raise ConfigurationError(
            f"detector model {Path(card_path).name}: weights of shape {found}, "
            f"expected {shape[-1]} features"
        )


def read_limited(path: Path) -> bytes:
    """The bytes of a model file.

    Raises:
        ConfigurationError: it is missing, or larger than `MAX_BYTES`.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigurationError(f"{path}: larger than {MAX_BYTES:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}") from error
