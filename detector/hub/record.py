"""What exactly was loaded."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Record:
    """What exactly was loaded, for the model card and for finding its calibration.

    Attributes:
        reference: as it was named.
        library: transformers, timm or onnx.
        revision: commit on the hub; empty for something local.
        architecture: as the checkpoint's configuration names it.
        weights_sha256: of the weight file, or of the list of several with their digests.
        preprocessing: as the checkpoint's own configuration states it.
    """

    reference: str
    library: str
    revision: str
    architecture: str
    weights_sha256: str
    preprocessing: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
