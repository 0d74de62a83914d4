"""Zero-shot labels by a CLIP model from a folder that the user has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.errors import ConfigurationError, MissingExtra
from assay.extending import Observation
from assay.reports.tables import read_table

LEAST_CONFIDENCE = 0.6  # below it two readings of a model are more like a coin; shown as unclear


class ZeroShotAnnotator:
    """Asks which description fits a picture best.

    The descriptions are the user's: a table with columns `attribute,value,text`, such as
    `presentation,woman,a photo of a person perceived as a woman`. A model's answer is one
    rater's opinion with unknown error; label a part by hand to measure it.

    Args:
        model: folder of a local CLIP model; nothing is downloaded.
        descriptions: the table.

    Raises:
        MissingExtra: transformers or torch are not installed.
        ConfigurationError: the folder holds no CLIP model.
    """

    version = "1"

    def __init__(self, model: Path, descriptions: Path) -> None:
        rows = read_table(
            descriptions, role="descriptions", required=("attribute", "value", "text")
        ).rows
        self._texts: dict[str, list[tuple[str, str]]] = {}
        for attribute, value, text in rows[["attribute", "value", "text"]].itertuples(index=False):
            self._texts.setdefault(str(attribute), []).append((str(value), str(text)))
        self.name = f"zero-shot {model.name}"
        self._model, self._processor = _load(model)

    def annotate(
        self,
        image: NDArray[np.uint8],
        boxes: Sequence[tuple[int, int, int, int]] | None = None,
    ) -> list[Observation]:
        """One observation an attribute, on the largest box if boxes are given."""
        if boxes is not None and not boxes:
            return [
                Observation(attribute, "no-face", self.name, reason="no face box")
                for attribute in self._texts
            ]
        box = boxes[0] if boxes else None
        part = image if box is None else image[max(0, box[1]) : box[3], max(0, box[0]) : box[2]]
        return [
            self._choose(attribute, choices, part, box)
            for attribute, choices in self._texts.items()
        ]

    def _choose(
        self,
        attribute: str,
        choices: list[tuple[str, str]],
        image: NDArray[np.uint8],
        box: tuple[int, int, int, int] | None,
    ) -> Observation:
        import torch

        inputs = self._processor(
            text=[text for _, text in choices], images=[image], return_tensors="pt", padding=True
        )
        with torch.inference_mode():
            logits = self._model(**inputs).logits_per_image[0]
        probabilities = torch.softmax(logits, dim=-1).tolist()
        best = int(np.argmax(probabilities))
        confidence = float(probabilities[best])
        if confidence < LEAST_CONFIDENCE:
            reason = f"no description reached {LEAST_CONFIDENCE:.0%}"
            return Observation(attribute, "unclear", self.name, confidence, box, reason)
        return Observation(attribute, choices[best][0], self.name, confidence, box)


def _load(folder: Path) -> tuple[Any, Any]:
    try:
        from transformers import CLIPModel, CLIPProcessor
    except ImportError as error:
        raise MissingExtra(
            "zero-shot labels need transformers and torch", advice="pip install 'assay[models]'"
        ) from error
    try:
        model = CLIPModel.from_pretrained(folder, local_files_only=True)
        processor = CLIPProcessor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{folder}: not a local CLIP model: {error}") from error
    return model.eval(), processor
