"""Near-duplicates inside one set: pairs, clusters, and which file of a cluster to keep."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from assay.datasets.curation.folders import Folder, Item, Refused
from assay.datasets.curation.likeness import SAME_FILE, Known, Pair, pair_of
from assay.datasets.curation.verdicts import FileVerdict, refused
from assay.errors import InputRefused


@dataclass
class Compared:
    """A set of which every file was compared with every other."""

    items: dict[str, Item] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)


@dataclass(frozen=True)
class Deduplication:
    """What to keep so that nothing is there twice.

    Attributes:
        clusters: files that are copies of each other, directly or through others; the largest
            cluster first, in each the kept files first.
    """

    verdicts: list[FileVerdict]
    clusters: list[list[str]]


def find_pairs(folder: Folder, names: Iterable[str], known: Known) -> Compared:
    """Compare every file with all before it, then make it known.

    Args:
        names: those of `folder`, perhaps wrapped to show progress.
        known: empty at first.
    """
    compared = Compared()
    first_with: dict[str, str] = {}
    for name in names:
        try:
            media = folder.open(name)
            item = Item.of(name, media)
            earlier = first_with.get(item.sha256)
            if earlier is not None:
                compared.pairs.append(Pair(name, earlier, "match", True, SAME_FILE))
                compared.items[name] = item
                continue
            found = known.like(media)
            known.add(media, name)
        except InputRefused as error:
            compared.refused.append(Refused.because(name, error))
            continue
        compared.items[name] = item
        first_with[item.sha256] = name
        compared.pairs += [pair_of(item, one, compared.items.get(one.of)) for one in found]
    return compared


def deduplicate(compared: Compared) -> Deduplication:
    """Keep the best of each group of copies, and leave parts and doubts to a person.

    A file is dropped only for a direct copy of the whole that is kept: the larger picture, then
    the larger file. In a chain A-B-C whose ends differ, B goes and both ends stay.
    """
    copies = [pair for pair in compared.pairs if pair.decision == "match" and pair.whole]
    neighbours: dict[str, list[Pair]] = {}
    for pair in copies:
        neighbours.setdefault(pair.file, []).append(pair)
        neighbours.setdefault(pair.of, []).append(pair)
    verdicts: dict[str, FileVerdict] = {}
    for item in sorted(compared.items.values(), key=_best_first):
        kept = (
            (other, pair.reason)
            for pair in neighbours.get(item.name, [])
            for other in (pair.of if pair.file == item.name else pair.file,)
            if other in verdicts and verdicts[other].verdict == "keep"
        )
        copied = next(kept, None)
        verdicts[item.name] = (
            FileVerdict(item.name, "keep")
            if copied is None
            else FileVerdict(item.name, "drop", "near-duplicate", *copied)
        )
    for pair in sorted(compared.pairs, key=lambda pair: pair.rank):
        both_kept = all(verdicts[name].verdict == "keep" for name in (pair.file, pair.of))
        if both_kept:
            reason = "copy-in-part" if pair.decision == "match" else "perhaps-duplicate"
            verdicts[pair.file] = FileVerdict(pair.file, "look", reason, pair.of, pair.reason)
    return Deduplication(
        verdicts=[*verdicts.values(), *refused(compared.refused)],
        clusters=_clusters(compared.items, copies, verdicts),
    )


def _best_first(item: Item) -> tuple[int, int, int, str]:
    return -item.width * item.height, -item.frames, -item.size, item.name


def _clusters(
    items: dict[str, Item], copies: list[Pair], verdicts: dict[str, FileVerdict]
) -> list[list[str]]:
    names = list(items)
    place = {name: number for number, name in enumerate(names)}
    rows = [place[pair.file] for pair in copies]
    columns = [place[pair.of] for pair in copies]
    graph = coo_array((np.ones(len(copies)), (rows, columns)), shape=(len(names), len(names)))
    _, labels = connected_components(graph, directed=False)
    members: dict[int, list[str]] = {}
    for name, label in zip(names, labels.tolist(), strict=True):
        members.setdefault(label, []).append(name)
    clusters = [
        sorted(cluster, key=lambda name: (verdicts[name].verdict == "drop", name))
        for cluster in members.values()
        if len(cluster) > 1
    ]
    return sorted(clusters, key=lambda cluster: (-len(cluster), cluster[0]))
