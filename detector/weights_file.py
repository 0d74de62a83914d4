"""Weights as numpy arrays beside a model card that states their checksum."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.files import write_atomically


def save_weights(
    name: str, card: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], folder: str | Path
) -> Path:
    """Write `<name>.npz` and the card `<name>.json` with its checksum; returns the card's path.

    Raises:
        OutputRefused: the folder cannot be written.
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    data = buffer.getvalue()
    folder = Path(folder)
    write_atomically(folder / f"{name}.npz", data)
    stated = {**card, "weights_sha256": hashlib.sha256(data).hexdigest()}
    text = json.dumps(stated, indent=2, ensure_ascii=False) + "\n"
    return write_atomically(folder / f"{name}.json", text)
