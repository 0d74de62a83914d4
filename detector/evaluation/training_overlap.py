"""What of an evaluation the model has seen in training: such figures flatter it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from assay.datasets.manifests import Row
from assay.detector.fusion import Fusion
from assay.detector.models import DetectorModel

LIMIT = (
    "Model cards list training sources by name and not picture by picture, so a training "
    "picture under another source name is not recognised."
)


def training_overlap(rows: Sequence[Row], model: DetectorModel) -> dict[str, Any]:
    """Evaluated pictures from sources that a model card lists as training data.

    Returns:
        `known`: whether any card lists sources at all; `sources`: label, source and evaluated
        pictures of each shared one; `pictures` and `share`: of all evaluated ones; `summary`.
    """
    trained = {
        (str(item.get("label", "")), str(item["source"]))
        for card in _cards(model)
        for item in card.get("data", {}).get("sources", ())
    }
    counts = Counter((row.label, row.source) for row in rows)
    shared = {key: counts[key] for key in sorted(counts) if key in trained}
    pictures = sum(shared.values())
    return {
        "known": bool(trained),
        "sources": [
            {"label": label, "source": source, "pictures": count}
            for (label, source), count in shared.items()
        ],
        "pictures": pictures,
        "share": pictures / len(rows),
        "summary": _summary(bool(trained), pictures, len(rows), len(shared)),
    }


def _cards(model: DetectorModel) -> Iterator[dict[str, Any]]:
    yield model.card
    if isinstance(model, Fusion):
        for part in model.parts:
            yield from _cards(part)


def _summary(known: bool, pictures: int, total: int, sources: int) -> str:
    if not known:
        return (
            "The model card does not list training sources: whether the model has seen these "
            "pictures is unknown."
        )
    if not pictures:
        return f"No evaluated picture is from a source that the model card lists. {LIMIT}"
    return (
        f"{pictures} of {total} evaluated pictures are from {sources} "
        f"{'source' if sources == 1 else 'sources'} that the model was trained on: the figures "
        f"are better than on pictures it has never met. {LIMIT}"
    )
