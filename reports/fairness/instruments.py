"""Auditing our own instruments: detector and watermark, measured on the audited pictures.

A detector that recognises pictures of one group less often, or a mark that survives less
often on one skin tone, is a disparity of ours, and is reported like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from assay.errors import AssayError, InputRefused
from assay.reports.fairness.manifest import Manifest
from assay.reports.fairness.pictures import open_picture, reason, some
from assay.reports.inputs import Finding

if TYPE_CHECKING:
    import pandas as pd

Track = Callable[[Iterable[str]], Iterable[str]]

RECOGNISED = "generated picture recognised by the detector"
SPARED = "photograph not flagged by the detector"
FOUND = "watermark found after sharing"
PSNR = "watermark PSNR in dB"
SHARED = "social"  # reduced to a long side of 1080 pixels, JPEG at quality 71
_PAYLOAD = 0x5A5A5A5A5A5A5A5  # any 60-bit value; the public key is used and nothing is kept
GENERATED = "generated"


@dataclass(frozen=True)
class InstrumentResults:
    """One column an instrument, indexed by path; missing where it could not be measured."""

    outcomes: dict[str, pd.Series[bool]]
    measures: dict[str, pd.Series[float]]
    findings: list[Finding]


def measure_instruments(manifest: Manifest, track: Track = iter) -> InstrumentResults:
    """Run the detector, and mark, share and read every picture.

    Sharing is the edit `SHARED` of the laundering suite. The manifest column `generated` (yes
    or no) tells photographs from generated pictures; without it all count as generated.
    """
    import pandas as pd

    photographs = set[str]()
    if GENERATED in manifest.rows.columns:
        answers = manifest.rows[GENERATED].str.lower()
        photographs = set(answers.index[answers.isin(("no", "0", "false"))])
    columns: dict[str, dict[str, bool]] = {RECOGNISED: {}, SPARED: {}, FOUND: {}}
    decibels: dict[str, float] = {}
    failed: dict[str, str] = {}
    for path in track(manifest.rows.index):
        try:
            pixels = open_picture(manifest.folder, path).pixels()
            flagged = _flagged(pixels)
            found, psnr = _survives(pixels)
        except InputRefused as error:
            failed[path] = reason(error, manifest.folder, path)
            continue
        if path in photographs:
            columns[SPARED][path] = not flagged
        else:
            columns[RECOGNISED][path] = flagged
        columns[FOUND][path] = found
        decibels[path] = psnr
    series: dict[str, pd.Series[bool]] = {
        name: pd.Series(values, dtype=object).reindex(manifest.rows.index)
        for name, values in columns.items()
        if values
    }
    findings = []
    if failed:
        findings.append(
            Finding(
                code="instruments-not-measured",
                summary="Pictures on which detector and watermark could not be measured.",
                count=len(failed),
                examples=some(failed.values()),
            )
        )
    psnrs = pd.Series(decibels, dtype=float).reindex(manifest.rows.index)
    measures = {PSNR: psnrs} if decibels else {}
    return InstrumentResults(series, measures, findings)


def _flagged(pixels: NDArray[np.uint8]) -> bool:
    from assay.detector import score

    return score(pixels).likely_generated


def _survives(pixels: NDArray[np.uint8]) -> tuple[bool, float]:
    """Whether a mark is read after sharing, and the PSNR of marking."""
    from assay.datasets.laundering_suite import SUITE
    from assay.watermark import detect, embed

    try:
        marked = np.asarray(embed(pixels, _PAYLOAD, existing="replace"), dtype=np.uint8)
    except AssayError as error:
        raise InputRefused(error.message) from error
    error_power = float(np.mean((marked.astype(np.float64) - pixels) ** 2))
    psnr = 10 * np.log10(255**2 / error_power) if error_power else 99.0
    found = detect(SUITE[SHARED](marked))
    if found is None:
        return False, float(psnr)
    wanted = _PAYLOAD & ((1 << found.payload_bits) - 1)
    return found.payload == wanted, float(psnr)
