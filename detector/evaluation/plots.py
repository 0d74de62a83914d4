"""The plots of an evaluation report, as PNG bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.detector.evaluation.measuring import Measurements

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_REAL, _GENERATED = "#1f77b4", "#d62728"
_DPI = 110


def plots(measured: Measurements, document: dict[str, Any]) -> dict[str, bytes]:
    """Name and PNG of each plot: ROC, score histogram, calibration, groups, conditions, matrix.

    What no group is large enough for is not drawn.
    """
    drawn = {
        "roc": _roc(measured),
        "scores": _histogram(measured),
        "calibration": _reliability(measured),
        "conditions": _conditions(document["conditions"]),
    }
    if families := document["by_generator_family"]:
        drawn["families"] = _bars(families, "AUC against all real pictures")
    if sources := document["by_real_source"]:
        drawn["sources"] = _bars(sources, "AUC against all generated pictures")
    matrix = document["family_by_source_auc"]
    if any(matrix.values()):
        drawn["matrix"] = _matrix(matrix)
    return drawn


def _figure(width: float, height: float) -> tuple[Figure, Any]:
    # The object interface draws without a display and without global state.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()


def _roc(measured: Measurements) -> bytes:
    figure, axes = _figure(4.5, 4)
    generated, scores = measured.table.generated, measured.log_odds[:, 0]
    order = np.argsort(-scores)
    recall = np.cumsum(generated[order]) / generated.sum()
    false_alarms = np.cumsum(~generated[order]) / (~generated).sum()
    axes.plot(false_alarms, recall, color=_GENERATED)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle="--")
    axes.set(xlabel="false-positive rate", ylabel="recall", xlim=(0, 1), ylim=(0, 1))
    return _png(figure)


def _histogram(measured: Measurements) -> bytes:
    figure, axes = _figure(4.5, 4)
    generated, scores = measured.table.generated, np.clip(measured.log_odds[:, 0], -6, 6)
    bins = np.linspace(-6, 6, 37)
    for side, colour, name in ((~generated, _REAL, "real"), (generated, _GENERATED, "generated")):
        axes.hist(scores[side], bins, density=True, alpha=0.55, color=colour, label=name)
    axes.set(xlabel="calibrated log-odds", ylabel="density")
    axes.legend(frameon=False)
    return _png(figure)


def _reliability(measured: Measurements) -> bytes:
    figure, axes = _figure(4.5, 4)
    generated = measured.table.generated
    probability = 1 / (1 + np.exp(-measured.log_odds[:, 0]))
    weight = np.where(generated, 0.5 / generated.sum(), 0.5 / (~generated).sum())
    bins = np.minimum((probability * 10).astype(int), 9)
    filled = [number for number in range(10) if (bins == number).any()]
    said = [np.average(probability[bins == n], weights=weight[bins == n]) for n in filled]
    true = [np.average(generated[bins == n], weights=weight[bins == n]) for n in filled]
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle="--")
    axes.plot(said, true, marker="o", color=_GENERATED)
    axes.set(xlabel="stated probability", ylabel="share generated", xlim=(0, 1), ylim=(0, 1))
    return _png(figure)


def _bars(groups: dict[str, dict[str, float]], label: str) -> bytes:
    figure, axes = _figure(7, 0.8 + 0.22 * len(groups))
    names = [f"{name} ({figures['pictures']:.0f})" for name, figures in groups.items()]
    axes.barh(names, [figures["auc"] for figures in groups.values()], color=_REAL)
    axes.axvline(0.5, color="grey", linewidth=0.8)
    axes.set(xlabel=label, xlim=(0, 1))
    axes.tick_params(axis="y", labelsize=7)
    return _png(figure)


def _conditions(conditions: dict[str, dict[str, Any]]) -> bytes:
    figure, axes = _figure(7, 3.2)
    names = list(conditions)
    values = np.array([conditions[name]["macro_auc"] for name in names], float)
    bounds = np.array([conditions[name]["macro_auc_interval"] for name in names], float)
    below, above = values - bounds[:, 0], bounds[:, 1] - values
    error = np.maximum(np.stack([below, above]), 0)
    axes.errorbar(names, values, yerr=error, fmt="o", color=_GENERATED)
    axes.axhline(0.5, color="grey", linewidth=0.8)
    axes.set(ylabel="macro AUC", ylim=(0.3, 1))
    axes.tick_params(axis="x", rotation=30, labelsize=8)
    return _png(figure)


def _matrix(matrix: dict[str, dict[str, float]]) -> bytes:
    rows = list(matrix)
    columns = list(matrix[rows[0]])
    figure, axes = _figure(3.5 + 0.28 * len(columns), 4.0 + 0.25 * len(rows))
    values = np.array([[matrix[row][column] for column in columns] for row in rows])
    image = axes.imshow(values, vmin=0, vmax=1, cmap="RdBu", aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=90, fontsize=6)
    axes.set_yticks(range(len(rows)), rows, fontsize=7)
    figure.colorbar(image, label="AUC")
    return _png(figure)
