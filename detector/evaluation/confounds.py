"""Confound probes: what a classifier reaches without looking for generation at all.

They stand beside every result. A detector that is no better than the contrast of its pictures
has learned contrast; a metadata probe far from 0.5 shows what neutralisation has to remove; a
high real-versus-real figure shows how well features tell collections apart, which is what a
detector learns when a class comes from few collections.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from assay.detector.evaluation.metrics import auc, auc_by_group, macro
from assay.detector.table import STATISTICS, Table

# Collections with fewer pictures give no stable pair.
_SMALLEST_COLLECTION = 20
_MOST_PAIRS = 40
_HALVES = 2


def single_statistics(table: Table) -> dict[str, float]:
    """Macro AUC over generator families of each single statistic, folded to at least 0.5."""
    found = {}
    for number, name in enumerate(STATISTICS):
        scores = table.statistics[:, number].astype(float)
        value = macro(auc_by_group(scores, table.generated, table.families))
        found[name] = max(value, 1 - value)
    return found


def metadata_only(table: Table, *, folds: int = 5, seed: int = 0) -> float:
    """Cross-validated AUC of boosted trees on format, dimensions and bytes per pixel.

    Needs scikit-learn. This is measured on the files as they came; none of it reaches the
    detector, which sees neutralised pixels only.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    split = StratifiedKFold(folds, shuffle=True, random_state=seed)
    trees = HistGradientBoostingClassifier(max_iter=60, random_state=seed)
    probability = cross_val_predict(
        trees, table.metadata, table.generated, cv=split, method="predict_proba"
    )[:, 1]
    return auc(probability[~table.generated], probability[table.generated])


def statistics_together(table: Table, *, folds: int = 5, seed: int = 0) -> float:
    """Cross-validated AUC of boosted trees on the single statistics of the standard rendition."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    split = StratifiedKFold(folds, shuffle=True, random_state=seed)
    trees = HistGradientBoostingClassifier(max_iter=60, random_state=seed)
    probability = cross_val_predict(
        trees, table.statistics, table.generated, cv=split, method="predict_proba"
    )[:, 1]
    return auc(probability[~table.generated], probability[table.generated])


def real_versus_real(table: Table, *, seed: int = 0) -> dict[str, float]:
    """How well the neutralised features tell two photo collections apart.

    Returns:
        Mean, lowest and highest AUC over pairs of collections, and the number of pairs; each
        pair is fitted on one half and measured on the other.
    """
    from sklearn.linear_model import RidgeClassifier
    from sklearn.preprocessing import StandardScaler

    real = ~table.generated
    names, counts = np.unique(table.sources[real], return_counts=True)
    large = names[counts >= _SMALLEST_COLLECTION]
    rng = np.random.default_rng(seed)
    pairs = list(combinations(large, _HALVES))
    rng.shuffle(pairs)
    values = []
    for one, other in pairs[:_MOST_PAIRS]:
        index = np.flatnonzero(real & np.isin(table.sources, [one, other]))
        rng.shuffle(index)
        labels = table.sources[index] == other
        features = StandardScaler().fit_transform(table.features[index, 0])
        values.append(_half_split_auc(features, labels, RidgeClassifier(alpha=300.0)))
    if not values:
        return {"pairs": 0}
    return {
        "mean": float(np.mean(values)),
        "lowest": float(np.min(values)),
        "highest": float(np.max(values)),
        "pairs": len(values),
    }


def _half_split_auc(
    features: NDArray[np.float64], labels: NDArray[np.bool_], model: object
) -> float:
    half = np.arange(len(labels)) % _HALVES == 0
    # Classes are shuffled together; a half without both classes tells nothing.
    if any(len(np.unique(labels[part])) < _HALVES for part in (half, ~half)):
        return 0.5
    model.fit(features[half], labels[half])  # type: ignore[attr-defined]
    scores = model.decision_function(features[~half])  # type: ignore[attr-defined]
    return auc(scores[~labels[~half]], scores[labels[~half]])
