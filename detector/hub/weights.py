"""Weights of checkpoints: safetensors only, identified by their sha256."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from assay.errors import ConfigurationError

_BLOCK = 1 << 20


def safetensors_of(folder: Path) -> list[Path]:
    """The weight files of a checkpoint folder.

    Raises:
        ConfigurationError: there is none. Pickled weights run code when they are loaded and are
            never opened.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        pickled = sorted(path.name for path in folder.glob("*.bin")) + sorted(
            path.name for path in folder.glob("*.pt*")
        )
        raise ConfigurationError(
            f"{folder}: no .safetensors file" + (f", only {pickled[0]}" if pickled else ""),
            advice="pickled weights can run code and are not loaded; convert them to safetensors"
            if pickled
            else "the folder must hold config.json and model.safetensors",
        )
    return files


def digest_of(files: list[Path]) -> str:
    """sha256 of one file, or of the list of names and digests of several."""
    digests = {file.name: _digest(file) for file in files}
    if len(digests) == 1:
        return next(iter(digests.values()))
    listing = "".join(f"{name} {digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(listing.encode()).hexdigest()


def read_config(folder: Path, name: str = "config.json") -> dict[str, Any]:
    """A JSON object of a checkpoint folder.

    Raises:
        ConfigurationError: it is missing or not a JSON object.
    """
    path = folder / name
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise ConfigurationError(f"{path}: not a JSON object")
    return document


def _digest(file: Path) -> str:
    whole = hashlib.sha256()
    try:
        with file.open("rb") as handle:
            while block := handle.read(_BLOCK):
                whole.update(block)
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror or error}") from error
    return whole.hexdigest()
