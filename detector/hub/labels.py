"""Which outputs of a classifier mean "generated"."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assay.errors import ConfigurationError

_REAL = re.compile(
    r"real|human|hum\b|natur|photo(?!shop)|authentic|camera|genuine|original"
    r"|\b(not|non|no)[\s_-]?(ai|fake|generated|synthetic)",
    re.IGNORECASE,
)
_GENERATED = re.compile(
    r"fake|generated|artificial|synthe|(?<![a-z])ai(?![a-z])|machine|(?<![a-z])gan(?![a-z])"
    r"|diffusion|midjourney|dall",
    re.IGNORECASE,
)


def generated_outputs(labels: Sequence[str], chosen: Sequence[str] = ()) -> tuple[int, ...]:
    """The indices of the outputs that mean "generated".

    Args:
        labels: name of each output, in order.
        chosen: names (or indices as text) that the user gave; overrides the guess.

    Returns:
        At least one index, and not all of them; `(0,)` for a single logit of "generated" and
        `()` for a single logit of "real".

    Raises:
        ConfigurationError: a chosen name is unknown, or the names do not tell.
    """
    if chosen:
        return _chosen(labels, chosen)
    real = [bool(_REAL.search(label)) for label in labels]
    generated = [
        bool(_GENERATED.search(label)) and not is_real
        for label, is_real in zip(labels, real, strict=True)
    ]
    if len(labels) == 1 and (real[0] or generated[0]):
        return (0,) if generated[0] else ()
    if all(a != b for a, b in zip(real, generated, strict=True)) and any(real) and any(generated):
        return tuple(index for index, yes in enumerate(generated) if yes)
    raise ConfigurationError(
        f"which output means 'generated' cannot be told from the names {list(labels)}",
        advice="say so with --generated-label (by name or number)",
    )


def log_odds(logits: NDArray[np.float64], generated: Sequence[int]) -> float:
    """Log-odds of "generated" of one picture's logits under softmax (or of a single logit)."""
    if len(logits) == 1:
        return float(logits[0] if generated else -logits[0])
    inside = np.isin(np.arange(len(logits)), generated)
    return float(np.logaddexp.reduce(logits[inside]) - np.logaddexp.reduce(logits[~inside]))


def _chosen(labels: Sequence[str], chosen: Sequence[str]) -> tuple[int, ...]:
    found = []
    for name in chosen:
        if name in labels:
            found.append(labels.index(name))
        elif name.isdigit() and int(name) < len(labels):
            found.append(int(name))
        else:
            raise ConfigurationError(
                f"no output is called {name!r}", advice=f"the model has {list(labels)}"
            )
    if len(labels) > 1 and len(set(found)) == len(labels):
        raise ConfigurationError("every output is said to mean 'generated'")
    return tuple(sorted(set(found)))
