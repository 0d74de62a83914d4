"""Running an audit from files to files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from assay.errors import ConfigurationError, InputRefused
from assay.reports.annotators import skin_tone
from assay.reports.fairness.annotation import annotate, chosen_annotators, face_finder
from assay.reports.fairness.binding import Binding, check_pictures
from assay.reports.fairness.claims import AnyClaim
from assay.reports.fairness.counterfactuals import counterfactual_claims
from assay.reports.fairness.declared import Fidelity, prompt_fidelity
from assay.reports.fairness.earlier import since
from assay.reports.fairness.exploration import (
    agreement,
    amplification_results,
    corrections,
    distances_by_rater,
    intersections,
)
from assay.reports.fairness.instruments import measure_instruments
from assay.reports.fairness.labels import Labels, assemble, read_labels
from assay.reports.fairness.manifest import Manifest, read_manifest
from assay.reports.fairness.mitigation import mitigations
from assay.reports.fairness.options import AuditOptions
from assay.reports.fairness.origins import read_all, summarise
from assay.reports.fairness.parity import (
    favourable_outcomes,
    parity_claims,
    quality_claims,
    quality_measures,
)
from assay.reports.fairness.reference import References, read_references
from assay.reports.fairness.representation import representation
from assay.reports.fairness.results import (
    Audit,
    Data,
    NotCompared,
    Origins,
    SoftwareVersions,
    Statistics,
)
from assay.reports.fairness.settling import settle
from assay.reports.fairness.vocabulary import UNANSWERED
from assay.reports.inputs import Finding, InputFile

if TYPE_CHECKING:
    import pandas as pd

Track = Callable[[Iterable[str]], Iterable[str]]


def audit(
    manifest: str | Path,
    *,
    out: str | Path | None = None,
    pdf: bool = True,
    track: Track = iter,
    **options: Any,
) -> Audit:
    """Audit generated pictures for disparities in how people are represented.

    Args:
        manifest: CSV or JSONL with columns `path,prompt,seed`, paths relative to it; or a
            folder of pictures whose signed manifests state their prompts.
        out: folder that receives report.html, report.json and their signatures.
        pdf: write report.pdf too, where the optional library is installed.
        track: wraps long iterations over pictures, to show progress.
        options: fields of `AuditOptions`; `labels` or an annotator is needed.

    Raises:
        InputRefused: a table cannot be read or lacks a column.
        ConfigurationError: an option does not exist or has an unusable value.
        OutputRefused: the folder cannot be written.
    """
    result = examine(manifest, _options(options), track)
    if out is not None:
        from assay.reports.fairness.output import write

        write(result, out, pdf=pdf)
    return result


def examine(source: str | Path, options: AuditOptions, track: Track = iter) -> Audit:
    """The audit without writing anything."""
    manifest, binding = read_manifest(source, track), Binding()
    if options.hash_pictures:
        manifest, binding = check_pictures(manifest, track)
    labels = _labels(manifest, options, track)
    references = read_references(options.reference) if options.reference else References()
    references = replace(references, known=_known_values(labels, options))
    inputs = [manifest.source, *labels.sources]
    inputs += [references.source] if references.source else []
    others, not_compared, notes, more_inputs = _other_claims(manifest, labels, options, track)
    found = representation(manifest, labels, references, options, others=len(others))
    settled = settle([*found.claims, *others], options)
    findings = [
        *manifest.findings,
        *labels.findings,
        *references.findings,
        *notes,
        *found.findings,
    ]
    return Audit(
        title=options.title,
        system=options.system,
        auditor=options.auditor,
        independence=options.independence,
        date=options.date,
        data=_data(manifest, binding, labels, (*inputs, *more_inputs), findings, options, track),
        references=found.references,
        claims=settled.representation,
        parity=settled.parity,
        quality=settled.quality,
        counterfactuals=settled.counterfactuals,
        amplification=amplification_results(settled.representation),
        intersections=intersections(labels, options),
        agreement=agreement(labels, options),
        by_rater=distances_by_rater(labels, references, options),
        corrections=corrections(labels, references, options),
        mitigations=mitigations(settled.representation),
        suppressed=found.suppressed,
        not_compared=tuple(not_compared),
        earlier=since(options.earlier, settled.representation) if options.earlier else None,
        statistics=_statistics(options, len(found.claims) + len(others)),
        software=_software(),
    )


def _other_claims(
    manifest: Manifest, labels: Labels, options: AuditOptions, track: Track
) -> tuple[list[AnyClaim], list[NotCompared], list[Finding], list[InputFile]]:
    """Parity, quality and counterfactual claims, undecided; comparisons that cannot be made;
    findings; further input files."""
    outcomes, findings = favourable_outcomes(manifest, labels, options)
    measures, more = quality_measures(manifest, options)
    findings += more
    if options.instruments:
        own = measure_instruments(manifest, track)
        outcomes, measures = outcomes | own.outcomes, measures | own.measures
        findings += own.findings
    fidelity: list[Fidelity] = []
    inputs: list[InputFile] = []
    if options.declared is not None:
        fidelity, source = prompt_fidelity(options.declared, manifest, labels)
        inputs.append(source)
    counterfactuals, odd_pairs = counterfactual_claims(manifest, labels, options)
    parity, no_parity = parity_claims(manifest, labels, outcomes, fidelity, options)
    quality, no_quality = quality_claims(manifest, labels, measures, options)
    claims: list[AnyClaim] = [*parity, *quality, *counterfactuals]
    return claims, [*no_parity, *no_quality], [*findings, *odd_pairs], inputs


def _labels(manifest: Manifest, options: AuditOptions, track: Track) -> Labels:
    """Answers of people and programs, settled."""
    import pandas as pd

    parts: list[pd.DataFrame] = []
    sources: list[InputFile] = []
    findings: list[Finding] = []
    if options.labels is not None:
        table = read_labels(options.labels)
        parts.append(table.rows)
        sources.append(table.source)
        findings += table.findings
    annotators = chosen_annotators(options)
    if annotators:
        rows, trouble = annotate(manifest, annotators, face_finder(options), track)
        parts.append(rows)
        findings += trouble
    if not parts:
        raise InputRefused(
            "there are no labels to audit",
            advice="pass a label table (path,attribute,value,rater) or an annotator",
        )
    rows = pd.concat(parts, ignore_index=True)
    return assemble(rows, manifest, tuple(sources), findings, gold=options.gold)


def _known_values(labels: Labels, options: AuditOptions) -> dict[str, tuple[str, ...]]:
    """Values that exist whether or not a picture shows them."""
    known = dict(options.ordinal)
    tones = labels.rows.loc[labels.rows["attribute"] == skin_tone.ATTRIBUTE, "value"]
    if set(tones) - set(UNANSWERED) <= set(skin_tone.BINS) and len(tones):
        known.setdefault(skin_tone.ATTRIBUTE, tuple(skin_tone.BINS))
    return known


def _data(
    manifest: Manifest,
    binding: Binding,
    labels: Labels,
    inputs: tuple[InputFile, ...],
    findings: list[Finding],
    options: AuditOptions,
    track: Track,
) -> Data:
    rows = manifest.rows
    origins: Origins | None = None
    if options.origins or manifest.origins:
        read = manifest.origins or read_all(manifest.folder, rows.index, track)
        origins, trouble = summarise(read, dict(rows["prompt"]))
        findings += trouble
    return Data(
        pictures=len(rows),
        prompts=int(rows["prompt"].nunique()),
        seeds=int(rows.loc[rows["seed"] != "", "seed"].nunique()),
        raters=labels.raters,
        inputs=inputs,
        pictures_root=binding.root,
        pictures_hashed=binding.pictures,
        origins=origins,
        findings=tuple(findings),
    )


def _options(options: dict[str, Any]) -> AuditOptions:
    try:
        return AuditOptions(**options)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"audit option {name}: {first['msg']}") from error


def _statistics(options: AuditOptions, family: int) -> Statistics:
    shared = set(Statistics.model_fields) & set(AuditOptions.model_fields)
    return Statistics(family=family, **options.model_dump(include=shared))


def _software() -> SoftwareVersions:
    import numpy
    import scipy

    from assay.version import __version__

    return SoftwareVersions(assay=__version__, numpy=numpy.__version__, scipy=scipy.__version__)
