"""Comparisons of groups that could not be made: why, and what is known without them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from assay.reports.fairness.options import AuditOptions
from assay.reports.fairness.results import NotCompared
from assay.reports.fairness.vocabulary import Interval
from assay.reports.statistics.intervals import wilson

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

MOST_GROUPS = 60  # a test over more groups than this says little about any of them


def comparable(large_groups: int) -> bool:
    """Whether so many groups that are large enough can be compared."""
    return 2 <= large_groups <= MOST_GROUPS


def rates_not_compared(
    outcome: str,
    by: str,
    values: pd.Series[bool],
    groups: pd.Series[str],
    options: AuditOptions,
) -> NotCompared:
    """An outcome that was not compared between groups, with its rate over all pictures."""
    known = values.dropna().astype(bool)
    overall, interval = None, None
    if len(known) >= options.smallest_cell:
        overall = float(known.mean())
        interval = wilson(int(known.sum()), len(known))
    return _result(outcome, by, values, groups, options, "rate", overall, interval)


def means_not_compared(
    measure: str,
    by: str,
    values: pd.Series[float],
    groups: pd.Series[str],
    options: AuditOptions,
) -> NotCompared:
    """A measure that was not compared between groups, with its mean over all pictures."""
    known: NDArray[np.float64] = np.asarray(values.dropna(), dtype=np.float64)
    overall, interval = None, None
    if len(known) >= max(options.smallest_cell, 2):
        overall = float(known.mean())
        spread = float(known.std(ddof=1)) / math.sqrt(len(known))
        half = float(stats.t.ppf(0.975, len(known) - 1)) * spread
        interval = (overall - half, overall + half)
    return _result(measure, by, values, groups, options, "mean", overall, interval)


def _result(
    subject: str,
    by: str,
    values: pd.Series[bool] | pd.Series[float],
    groups: pd.Series[str],
    options: AuditOptions,
    what: str,
    overall: float | None,
    interval: Interval | None,
) -> NotCompared:
    known = values.notna() & groups.notna()
    sizes = groups[known].value_counts()
    large = int((sizes >= options.smallest_cell).sum())
    measured = int(values.notna().sum())
    return NotCompared(
        subject=subject,
        by=by,
        groups=len(sizes),
        large_groups=large,
        measured=measured,
        left_out=measured,
        figure="rate" if what == "rate" else "mean",
        overall=overall,
        interval=interval,
        summary=f"{subject[:1].upper()}{subject[1:]} by {by}: "
        f"{_why(len(sizes), large, options.smallest_cell)}; {measured} pictures left out. "
        + _known_all_the_same(what, measured, overall, interval, options.smallest_cell),
    )


def _why(groups: int, large: int, smallest: int) -> str:
    if large > MOST_GROUPS:
        return f"{large} groups of {smallest} or more are too many for one test ({MOST_GROUPS})"
    if groups < 2:
        return "there is one group only" if groups else "there is no group"
    return f"fewer than two groups of {smallest} ({large} of {groups})"


def _known_all_the_same(
    what: str, measured: int, overall: float | None, interval: Interval | None, smallest: int
) -> str:
    if overall is None or interval is None:
        return f"No {what} is given for fewer than {smallest} pictures."
    low, high = interval
    if what == "mean":
        shown, bounds = f"{overall:.4g}", f"{low:.4g} to {high:.4g}"
    else:
        shown = f"{100 * overall:.1f}\u202f%"
        bounds = f"{100 * low:.1f} to {100 * high:.1f}\u202f%"
    return f"The {what} over all {measured} is {shown} (95\u202f% interval {bounds})."
