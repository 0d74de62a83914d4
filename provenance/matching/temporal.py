"""Which seconds of a video show which seconds of a work.

vPDQ counts matching frames in any order, so a static scene, or a shuffled one, is as good as a
copy. Here frames count only where they run in step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from assay.provenance.matching.pictures import SECONDS_BETWEEN_FRAMES
from assay.provenance.matching.receipts import TimeRange

FEWEST_FRAMES = 3  # in step; of a shorter query, all
TOLERANCE = 0.75 * SECONDS_BETWEEN_FRAMES  # sampled frames are this far out of step at most
LONGEST_GAP = 3 * SECONDS_BETWEEN_FRAMES  # missed frames inside a range
MOST_RANGES = 16

Hit = tuple[float, float]  # seconds of the query, seconds of the work


def align_in_time(hits: Iterable[Hit], fewest: int = FEWEST_FRAMES) -> tuple[TimeRange, ...]:
    """The ranges that run in step, longest first.

    Args:
        hits: matching frames; a frame of the query may match several of the work.
        fewest: frames of a range.
    """
    remaining = sorted(set(hits))
    ranges: list[TimeRange] = []
    while remaining and len(ranges) < MOST_RANGES:
        longest = max(_runs(_in_step(remaining)), key=len)
        if len(longest) < fewest:
            break
        ranges.append(
            TimeRange(
                query=(longest[0][0], longest[-1][0]),
                work=(longest[0][1], longest[-1][1]),
                frames=len(longest),
            )
        )
        start, end = longest[0][0], longest[-1][0]
        remaining = [hit for hit in remaining if not start <= hit[0] <= end]
    return tuple(ranges)


def _in_step(hits: Sequence[Hit]) -> list[Hit]:
    """The hits of the offset that most frames of the query agree on, one for each frame."""
    offsets = sorted({work - query for query, work in hits})
    best: dict[float, float] = {}
    for offset in offsets:
        near: dict[float, float] = {}
        for query, work in hits:
            away = abs(work - query - offset)
            known = near.get(query)
            if away <= TOLERANCE and (known is None or away < abs(known - query - offset)):
                near[query] = work
        if len(near) > len(best):
            best = near
    return sorted(best.items())


def _runs(hits: Sequence[Hit]) -> list[list[Hit]]:
    """Cut where the query pauses too long or the work steps back."""
    runs: list[list[Hit]] = [[]]
    for hit in hits:
        last = runs[-1][-1] if runs[-1] else None
        if last and (hit[0] - last[0] > LONGEST_GAP or hit[1] < last[1]):
            runs.append([])
        runs[-1].append(hit)
    return runs
