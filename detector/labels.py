"""Who made what: the columns by which pictures are grouped, held out and weighed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.datasets.families import family_of
from assay.datasets.manifests import Row

# Generator names of reconstructions by our own synthesisers: they train, they never test.
SYNTHESISER = "assay-synthesiser/"


class Labelled:
    """Anything with manifest rows, seen column by column."""

    rows: Sequence[Row]

    @property
    def generated(self) -> NDArray[np.bool_]:
        return np.array([row.generated for row in self.rows], bool)

    @property
    def sources(self) -> NDArray[np.str_]:
        return np.array([row.source for row in self.rows], str)

    @property
    def families(self) -> NDArray[np.str_]:
        return np.array([family_of(row.generator) for row in self.rows], str)

    @property
    def groups(self) -> NDArray[np.str_]:
        """Real pictures by source; generated ones by source and family."""
        return np.array([group_of(row) for row in self.rows], str)

    @property
    def auxiliary(self) -> NDArray[np.bool_]:
        """Reconstructions by our own synthesisers: for training only."""
        return np.array([row.generator.startswith(SYNTHESISER) for row in self.rows], bool)


@dataclass(frozen=True)
class Labels(Labelled):
    """Rows and nothing else."""

    rows: Sequence[Row]


def group_of(row: Row) -> str:
    """The collection a picture counts for: its source, with the family if it is generated."""
    return f"{row.source}|{family_of(row.generator)}" if row.generated else row.source
