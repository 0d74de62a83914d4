"""Leave-generator x leave-source-out: test folds share no source and no generator with training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.detector.labels import Labelled

FOLDS = 6


@dataclass(frozen=True)
class Fold:
    """Indices of the training and the test pictures of one fold."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]


def group_out(table: Labelled, *, folds: int = FOLDS, seed: int = 0) -> Iterator[Fold]:
    """Deal real sources and generator families to folds, the largest first.

    Training excludes every source and every family that occurs in the test part, of either
    class: a collection that holds both classes lends its processing history to both.
    Reconstructions by our own synthesisers never test; they train unless the photograph that
    they were made from is of a source that tests.

    Yields:
        One `Fold` after another; a fold without both classes on both sides is skipped.
    """
    generated, sources, families = table.generated, table.sources, table.families
    rng = np.random.default_rng(seed)
    dealt_sources = _deal(sources[~generated], folds, rng)
    auxiliary = table.auxiliary
    dealt_families = _deal(families[generated & ~auxiliary], folds, rng)
    fold_of = np.array(
        [
            dealt_families.get(family, -1) if fake else dealt_sources[source]
            for fake, source, family in zip(generated, sources, families, strict=True)
        ]
    )
    for number in range(folds):
        test = fold_of == number
        shared = np.isin(sources, sources[test]) | np.isin(families, families[test & generated])
        train = ~test & ~shared
        if all(0 < generated[part].sum() < part.sum() for part in (train, test)):
            yield Fold(np.flatnonzero(train), np.flatnonzero(test))


def _deal(names: NDArray[np.str_], folds: int, rng: np.random.Generator) -> dict[str, int]:
    """Fold of each name; names of about equal size are dealt in random order."""
    sizes = Counter(names.tolist())
    order = sorted(sizes, key=lambda name: (-int(np.log2(sizes[name])), rng.random()))
    seats = rng.permutation(folds)
    return {name: int(seats[place % folds]) for place, name in enumerate(order)}
