"""Curation: which pictures of a training set to keep, to drop, or to look at.

Nothing is ever deleted or moved: results are lists. What a picture resembles is told by a
`Known`, which the caller passes in (the `assay` command joins it with the registry of works).
"""

from assay.datasets.curation.duplicates import Deduplication, deduplicate, find_pairs
from assay.datasets.curation.folders import Folder, Item, Refused
from assay.datasets.curation.likeness import DECISIONS, Decision, Known, Likeness, Pair
from assay.datasets.curation.memorisation import Memorisation, find_copies
from assay.datasets.curation.screening import Screening, Terms, Works, screen
from assay.datasets.curation.verdicts import FileVerdict

__all__ = [
    "DECISIONS",
    "Decision",
    "Deduplication",
    "FileVerdict",
    "Folder",
    "Item",
    "Known",
    "Likeness",
    "Memorisation",
    "Pair",
    "Refused",
    "Screening",
    "Terms",
    "Works",
    "deduplicate",
    "find_copies",
    "find_pairs",
    "screen",
]
