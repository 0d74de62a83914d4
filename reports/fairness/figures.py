"""Plots as inline SVG: reproducible to the byte, readable without colour, text as text."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from assay.reports.fairness.claims import RepresentationClaim

INK, SOFT, ACCENT, LINE, PALE = "#1b1f24", "#535c66", "#1f4b6e", "#d8d5cb", "#e8eef3"
MOST_ROWS = 40
MOST_VALUES = 5
_WIDTH = 8.2  # inches; the page scales it
_MARKERS = {"disparity-found": "D", "none-found": "o", "cannot-tell": "s"}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "assay",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": SOFT,
    "xtick.color": SOFT,
    "ytick.color": INK,
    "hatch.color": SOFT,
    "hatch.linewidth": 0.5,
}


def distances(claims: Sequence[RepresentationClaim], *, prefix: str) -> Markup:
    """Total variation of each claim with its interval, over the band that chance reaches."""
    shown = furthest(claims)
    with _style():
        figure, axes = _canvas(rows=len(shown))
        rows = range(len(shown))
        axes.barh(
            rows,
            [c.null_95 for c in shown],
            height=0.62,
            color=PALE,
            edgecolor=SOFT,
            linewidth=0.6,
            hatch="////",
            zorder=1,
        )
        for row, claim in enumerate(shown):
            axes.plot(claim.interval, [row, row], color=INK, linewidth=1.4, zorder=2)
            filled = claim.verdict.code == "disparity-found"
            axes.plot(
                claim.total_variation,
                row,
                marker=_MARKERS[claim.verdict.code],
                markersize=7,
                markerfacecolor=ACCENT if filled else "white",
                markeredgecolor=INK,
                markeredgewidth=1 if filled else 1.2,
                zorder=3,
            )
        _label_rows(axes, shown)
        axes.set_xlim(0, max(0.3, *(min(1.0, c.interval[1] * 1.05) for c in shown)))
        axes.xaxis.set_major_formatter(lambda x, _: f"{100 * x:.0f} %")
        axes.set_xlabel("pictures that would have to change (hatched: what chance alone reaches)")
        return _svg(figure, prefix)


def compositions(claims: Sequence[RepresentationClaim], *, prefix: str) -> Markup | None:
    """Observed share of each value with its interval, and the reference as an upright bar.

    Returns:
        None when there are too many values for one row of panels.
    """
    shown = furthest(claims)
    values = list(dict.fromkeys(s.value for c in shown for s in c.shares))
    if len(values) > MOST_VALUES:
        return None
    with _style():
        figure, panels = _panels(rows=len(shown), columns=len(values))
        for axes, value in zip(panels, values, strict=True):
            for row, claim in enumerate(shown):
                share = next((s for s in claim.shares if s.value == value), None)
                if share is None:
                    continue
                axes.plot(share.interval, [row, row], color=INK, linewidth=1.4, zorder=2)
                axes.plot(share.share, row, "o", markersize=5.5, color=ACCENT, zorder=3)
                axes.plot(share.reference, row, "|", markersize=14, markeredgewidth=2, color=INK)
            axes.set_xlim(-0.02, 1.02)
            axes.set_xticks([0, 0.5, 1], ["0", "50", "100 %"])
            axes.set_title(value, fontsize=9, fontweight="bold", loc="left")
        _label_rows(panels[0], shown)
        return _svg(figure, prefix)


def furthest(
    claims: Sequence[RepresentationClaim], most: int = MOST_ROWS
) -> tuple[RepresentationClaim, ...]:
    """The pooled claim on top, then prompts from the furthest to the nearest."""
    ordered = sorted(claims, key=lambda c: (c.stratum is not None, -c.total_variation, c.id))
    return tuple(ordered[:most])


def _label_rows(axes: Axes, claims: Sequence[RepresentationClaim]) -> None:
    names = [row_name(c.stratum) for c in claims]
    axes.set_yticks(range(len(claims)), names)
    axes.set_ylim(len(claims) - 0.4, -0.6)


def row_name(stratum: str | None) -> str:
    """A prompt as a row label of a plot."""
    if stratum is None:
        return "all prompts together"
    return "\n".join(textwrap.wrap(textwrap.shorten(stratum, 60, placeholder=" …"), 32))


def _canvas(*, rows: int) -> tuple[Figure, Axes]:
    figure, panels = _panels(rows=rows, columns=1)
    return figure, panels[0]


def _panels(*, rows: int, columns: int) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, 0.9 + 0.36 * rows), layout="constrained")
    panels = figure.subplots(1, columns, sharey=True, squeeze=False)[0]
    for axes in panels:
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color=LINE, linewidth=0.6)
        axes.set_axisbelow(True)
    return figure, list(panels)


def _style() -> Any:
    import matplotlib

    return matplotlib.rc_context(_STYLE)


def _svg(figure: Figure, prefix: str) -> Markup:
    """The figure as an SVG element whose ids are unique on the page."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'(xlink:href="|url\()#', rf"\1#{prefix}-", text)
    return Markup(text)  # drawn here; matplotlib escapes the labels
