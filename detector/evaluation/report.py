"""An evaluation as a self-contained HTML page and as JSON."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from assay.detector.evaluation.measuring import Measurements
from assay.detector.evaluation.plots import plots
from assay.files import write_atomically

_CAPTIONS = {
    "roc": "Receiver operating characteristic, standard condition",
    "scores": "Scores by class",
    "calibration": "Stated probability against the share that is generated, classes balanced",
    "conditions": "Macro AUC under every condition, with 90 % intervals over groups",
    "families": "Generator families (pictures)",
    "sources": "Real sources (pictures)",
    "matrix": "Every generator family against every real source",
}

_MOST_REFUSED = 200  # on the page; the JSON has all

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Detector evaluation: {{ model.name }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
       color: #1b1b1b; background: #fff; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .7rem; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child, .words { text-align: left; }
figure { margin: 1.5rem 0; } img { max-width: 100%; } figcaption { color: #555; }
.note { border-left: 4px solid #b58900; padding: .3rem 1rem; background: #fdf8e8; }
</style></head><body>
<h1>Detector evaluation</h1>
<p>Model {{ model.name }}, version {{ model.version }}; {{ pictures.real }} real and
{{ pictures.generated }} generated pictures{% if pictures.refused %},
{{ pictures.refused | length }} refused{% endif %}.</p>
<p{% if training_overlap.pictures or not training_overlap.known %} class="note"{% endif %}>
{{ training_overlap.summary }}</p>
{% if training_overlap.sources %}
<table><tr><th>source in the training set</th><th>label</th><th>evaluated pictures</th></tr>
{% for s in training_overlap.sources %}<tr><td>{{ s.source }}</td><td>{{ s.label }}</td>
<td>{{ s.pictures }}</td></tr>{% endfor %}</table>{% endif %}
<h2>Under every condition</h2>
<table><tr><th>condition</th><th>macro AUC</th><th>90 % interval</th><th>within contrast</th>
<th>TPR at 1 %</th><th>TPR at 5 %</th><th>ECE</th><th>claims: TPR</th><th>FPR</th>
<th>worst source</th><th>abstains</th></tr>
{% for name, c in conditions.items() %}<tr><td>{{ name }}</td><td>{{ f(c.macro_auc) }}</td>
<td>{{ f(c.macro_auc_interval[0]) }}-{{ f(c.macro_auc_interval[1]) }}</td>
<td>{{ f(c.within_contrast_strata) }}</td>
<td>{{ f(c["tpr_at_worst_source_fpr_0.01"]) }}</td>
<td>{{ f(c["tpr_at_worst_source_fpr_0.05"]) }}</td><td>{{ f(c.ece) }}</td>
<td>{{ f(c.likely_generated.tpr) }}</td><td>{{ f(c.likely_generated.fpr) }}</td>
<td>{{ f(c.likely_generated.worst_source_fpr) }}</td><td>{{ f(c.abstention) }}</td></tr>
{% endfor %}</table>
<p>TPR at 1 % and 5 % is the recall at the threshold where every real source with at least five
pictures stays at or below that rate.</p>
<h2>Confound probes</h2>
<p class="note">What is reached without looking for generation at all. A result is evidence of
detection only as far as it exceeds these.</p>
<table><tr><th>probe</th><th>AUC</th></tr>
<tr><td>file metadata only (format, size, bytes per pixel), before neutralisation</td>
<td>{{ f(confounds.metadata_only_auc) }}</td></tr>
{% for name, value in confounds.single_statistics_macro_auc.items() %}
<tr><td>{{ name }} alone</td><td>{{ f(value) }}</td></tr>{% endfor %}
<tr><td>these statistics together, boosted trees</td>
<td>{{ f(confounds.statistics_together_auc) }}</td></tr>
{% if confounds.real_versus_real_auc.pairs %}
<tr><td>real against real: {{ confounds.real_versus_real_auc.pairs }} pairs of photo sources</td>
<td>{{ f(confounds.real_versus_real_auc.mean) }}</td></tr>{% endif %}</table>
{% for plot in figures %}<figure><img alt="{{ plot.caption }}"
src="data:image/png;base64,{{ plot.data }}"><figcaption>{{ plot.caption }}</figcaption></figure>
{% endfor %}
<h2>Real sources</h2>
<table><tr><th>source</th><th>pictures</th><th>AUC</th><th>false claims</th></tr>
{% for name, s in by_real_source.items() %}<tr><td>{{ name }}</td><td>{{ s.pictures }}</td>
<td>{{ f(s.auc) }}</td><td>{{ f(s.likely_generated_fpr) }}</td></tr>{% endfor %}</table>
{% if pictures.refused %}
<h2>Refused pictures</h2>
<table><tr><th>picture</th><th class="words">reason</th></tr>
{% for item in pictures.refused[:most_refused] %}<tr><td>{{ item.path }}</td>
<td class="words">{{ item.why }}</td></tr>{% endfor %}</table>
{% if pictures.refused | length > most_refused %}
<p>{{ pictures.refused | length - most_refused }} more are in evaluation.json.</p>{% endif %}
{% endif %}
</body></html>
"""


def write_report(
    measured: Measurements, document: dict[str, Any], folder: str | Path
) -> tuple[Path, Path]:
    """Write `evaluation.json` and `evaluation.html`; the page needs no network.

    Returns:
        The paths of the page and of the JSON.

    Raises:
        OutputRefused: the folder cannot be written.
    """
    from jinja2 import Environment, StrictUndefined

    folder = Path(folder)
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    json_path = write_atomically(folder / "evaluation.json", text)
    drawn = plots(measured, document)
    figures = [
        {"caption": caption, "data": base64.b64encode(drawn[name]).decode()}
        for name, caption in _CAPTIONS.items()
        if name in drawn
    ]
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(_PAGE)
    page = template.render(document, figures=figures, f=_three_decimals, most_refused=_MOST_REFUSED)
    return write_atomically(folder / "evaluation.html", page), json_path


def _three_decimals(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
