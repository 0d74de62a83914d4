"""How a model is named on the command line and in settings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assay.errors import ConfigurationError, MissingExtra

Library = Literal["transformers", "timm", "onnx"]

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_PATTERNS = ("*.json", "*.safetensors")


@dataclass(frozen=True)
class Reference:
    """A model that was named.

    Attributes:
        text: as it was written.
        library: what loads it.
        repository: `ORG/NAME` on the hub; empty for something local.
        revision: branch, tag or commit on the hub; empty for the default branch.
        path: the local folder or ONNX file; None for a hub model.
    """

    text: str
    library: Library
    repository: str = ""
    revision: str = ""
    path: Path | None = None


def parse(text: str) -> Reference:
    """Understand `hf:ORG/NAME[@REVISION]`, `timm:hf_hub:ORG/NAME[@REVISION]`, `hf:FOLDER`,
    `timm:FOLDER` and the path of an ONNX file.

    Raises:
        ConfigurationError: it is none of these.
    """
    if text.lower().endswith(".onnx"):
        return Reference(text, "onnx", path=Path(text).expanduser())
    scheme, _, rest = text.partition(":")
    if scheme == "hf":
        return _parse_rest(text, "transformers", rest)
    if scheme == "timm":
        prefix = re.match(r"hf[-_]hub:", rest)
        if prefix:
            return _parse_hub(text, "timm", rest[prefix.end() :])
        return _parse_rest(text, "timm", rest)
    raise ConfigurationError(
        f"{text!r} names no model",
        advice="a model card, an ONNX file, hf:ORG/NAME[@REVISION], "
        "timm:hf_hub:ORG/NAME[@REVISION], hf:FOLDER or timm:FOLDER",
    )


def folder_of(reference: Reference, *, download: bool) -> tuple[Path, str]:
    """Where the files of a model are, and the commit they are of.

    Args:
        reference: a transformers or timm model.
        download: fetch what is missing from the hub; without it only what was fetched before
            is used and no connection is opened.

    Returns:
        The folder, and the commit; empty for a local folder.

    Raises:
        ConfigurationError: there is no such folder, or the hub model cannot be had.
        MissingExtra: huggingface_hub is not installed.
    """
    if reference.path is not None:
        if not reference.path.is_dir():
            raise ConfigurationError(f"{reference.path}: no such folder")
        return reference.path, ""
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise MissingExtra(
            "hub models need huggingface_hub", advice="pip install 'assay[models]'"
        ) from error
    try:
        folder = snapshot_download(
            reference.repository,
            revision=reference.revision or None,
            allow_patterns=list(_PATTERNS),
            local_files_only=not download,
        )
    except Exception as error:  # the hub's client raises HTTP, cache and value errors
        raise ConfigurationError(
            f"{reference.text}: {str(error).splitlines()[0]}",
            advice="check name, revision and connection"
            if download
            else f"fetch it once: assay calibrate --model {reference.text} MANIFEST",
        ) from error
    return Path(folder), Path(folder).name


def _parse_rest(text: str, library: Library, rest: str) -> Reference:
    path = Path(rest).expanduser()
    if rest and (path.is_absolute() or rest.startswith(".") or path.is_dir()):
        return Reference(text, library, path=path)
    if library == "timm":
        raise ConfigurationError(
            f"{text!r}: no such folder", advice="hub models are named timm:hf_hub:ORG/NAME"
        )
    return _parse_hub(text, library, rest)


def _parse_hub(text: str, library: Library, rest: str) -> Reference:
    repository, _, revision = rest.partition("@")
    if not _HUB_NAME.fullmatch(repository):
        raise ConfigurationError(f"{text!r}: {repository!r} is no ORG/NAME and no folder")
    return Reference(text, library, repository, revision)
