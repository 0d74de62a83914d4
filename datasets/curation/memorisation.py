"""Which generated pictures copy training pictures, and how often that happens.

Carlini et al., "Extracting Training Data from Diffusion Models", USENIX Security 2023;
Somepalli et al., "Diffusion Art or Digital Forgery?", CVPR 2023.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from scipy.stats import binomtest

from assay.datasets.curation.folders import Folder, Item, Refused
from assay.datasets.curation.likeness import DECISIONS, Decision, Known, Pair, pair_of
from assay.errors import InputRefused

CONFIDENCE = 0.95
MOST_COPIED = 20  # training pictures named in the summary


@dataclass(frozen=True)
class Memorisation:
    """What generated pictures copy."""

    items: dict[str, Item]
    refused: list[Refused]
    pairs: list[Pair]

    def strongest(self) -> dict[str, Decision]:
        """The strongest decision for each generated picture that has one."""
        best: dict[str, Decision] = {}
        for pair in sorted(self.pairs, key=lambda pair: pair.rank):
            best.setdefault(pair.file, pair.decision)
        return best

    def summary(self) -> dict[str, Any]:
        """Counts, and the replication rate with its Clopper-Pearson interval.

        The interval supposes that generated pictures are independent draws; several seeds of
        one prompt are not.
        """
        best = Counter(self.strongest().values())
        copied = Counter(pair.of for pair in self.pairs if pair.decision == "match")
        whole = {pair.file for pair in self.pairs if pair.decision == "match" and pair.whole}
        examined, replicated = len(self.items), best["match"]
        return {
            "generated": examined,
            "refused": len(self.refused),
            "replicated": replicated,
            "replicated_whole": len(whole),
            **{f"best_{decision}": best[decision] for decision in DECISIONS},
            "replication_rate": replicated / examined if examined else None,
            "interval_95": interval(replicated, examined),
            "training_pictures_copied": len(copied),
            "most_copied": dict(copied.most_common(MOST_COPIED)),
        }


def learn(folder: Folder, names: Iterable[str], training: Known) -> list[Refused]:
    """Make every training picture known.

    Args:
        names: those of `folder`, perhaps wrapped to show progress.

    Returns:
        Those that cannot be examined, whose copies will not be found.
    """
    failed: list[Refused] = []
    for name in names:
        try:
            training.add(folder.open(name), name)
        except InputRefused as error:
            failed.append(Refused.because(name, error))
    return failed


def find_copies(folder: Folder, names: Iterable[str], training: Known) -> Memorisation:
    """Compare every generated picture with the training pictures.

    Args:
        names: those of `folder`, perhaps wrapped to show progress.
    """
    items: dict[str, Item] = {}
    failed: list[Refused] = []
    pairs: list[Pair] = []
    for name in names:
        try:
            media = folder.open(name)
            item = Item.of(name, media)
            found = training.like(media)
        except InputRefused as error:
            failed.append(Refused.because(name, error))
            continue
        items[name] = item
        pairs += [pair_of(item, one) for one in found]
    return Memorisation(items, failed, pairs)


def interval(count: int, trials: int) -> tuple[float, float] | None:
    """The exact (Clopper-Pearson) 95 % interval of a share; None without trials."""
    if not trials:
        return None
    found = binomtest(count, trials).proportion_ci(CONFIDENCE, method="exact")
    return float(found.low), float(found.high)
