"""Which crops a training step sees: classes alike, collections by the square root of their size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.detector.crops import mirrored
from assay.detector.labels import group_of
from assay.detector.training.renditions import Pixels, Rendered


@dataclass(frozen=True)
class Batch:
    """One training step's crops.

    Attributes:
        crops: uint8, n x 3 x side x side.
        generated: bool, n.
        group: number of the collection, n.
    """

    crops: NDArray[np.uint8]
    generated: NDArray[np.bool_]
    group: NDArray[np.int64]


class Sampler:
    """Draws batches; the batch of a step depends on the seed and the step alone."""

    def __init__(
        self, pictures: Sequence[Rendered], *, side: int, seed: int = 0, power: float = 0.5
    ) -> None:
        """Group the pictures.

        Args:
            pictures: of both classes.
            side: of the square crops, pixels.
            seed: of every draw.
            power: a collection of n pictures is drawn with weight n ** power.
        """
        self.pictures, self.side, self.seed = pictures, side, seed
        names = [group_of(picture.row) for picture in pictures]
        self.groups = sorted(set(names))
        number = {name: place for place, name in enumerate(self.groups)}
        self._group = np.array([number[name] for name in names])
        generated = np.array([picture.row.generated for picture in pictures])
        size = np.bincount(self._group).astype(float)[self._group]
        weight = size ** (power - 1)
        self._sides = []
        for which in (True, False):
            members = np.flatnonzero(generated == which)
            share = weight[members] / weight[members].sum()
            self._sides.append((members, share))

    def batch(self, step: int, size: int) -> Batch:
        """`size` crops, half of them generated."""
        rng = np.random.default_rng([self.seed, step])
        (fakes, fake_share), (reals, real_share) = self._sides
        chosen = np.concatenate(
            [
                rng.choice(fakes, size // 2, p=fake_share),
                rng.choice(reals, size - size // 2, p=real_share),
            ]
        )
        crops = [self._crop(self.pictures[index], rng) for index in chosen]
        return Batch(
            crops=np.stack(crops),
            generated=np.arange(size) < size // 2,
            group=self._group[chosen],
        )

    def _crop(self, picture: Rendered, rng: np.random.Generator) -> Pixels:
        """A random place of a random rendition, turned and mirrored."""
        pixels = mirrored(picture.view(int(rng.integers(len(picture.files)))), self.side)
        top = int(rng.integers(pixels.shape[0] - self.side + 1))
        left = int(rng.integers(pixels.shape[1] - self.side + 1))
        crop = pixels[top : top + self.side, left : left + self.side]
        crop = np.rot90(crop, int(rng.integers(4)))
        if rng.random() < 0.5:
            crop = crop[:, ::-1]
        return np.ascontiguousarray(crop.transpose(2, 0, 1))
