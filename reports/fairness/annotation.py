"""Running annotators over the pictures of a manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from assay.errors import AssayError, ConfigurationError, InputRefused
from assay.extending import ANNOTATORS, Annotator, load
from assay.reports.fairness.labels import PROGRAM
from assay.reports.fairness.manifest import Manifest
from assay.reports.fairness.options import AuditOptions
from assay.reports.fairness.pictures import open_picture, reason, some
from assay.reports.inputs import Finding

if TYPE_CHECKING:
    import pandas as pd

    from assay.reports.annotators.faces import FaceFinder

Track = Callable[[Iterable[str]], Iterable[str]]
COLUMNS = ["path", "attribute", "value", "rater"]


def chosen_annotators(options: AuditOptions) -> list[Annotator]:
    """The annotators an auditor named, ready to run.

    Raises:
        ConfigurationError: a name is unknown or an option is missing.
        MissingExtra: an annotator's libraries are not installed.
    """
    annotators: list[Annotator] = []
    if options.clip is not None:
        if options.descriptions is None:
            raise ConfigurationError(
                "a CLIP model without descriptions",
                advice="pass --descriptions: a CSV with columns attribute, value, text",
            )
        from assay.reports.annotators.zero_shot import ZeroShotAnnotator

        annotators.append(ZeroShotAnnotator(options.clip, options.descriptions))
    if options.command is not None:
        from assay.reports.annotators.external import ExternalCommandAnnotator

        annotators.append(ExternalCommandAnnotator(options.command))
    if options.annotators:
        installed = load(ANNOTATORS)
        for name in options.annotators:
            if name not in installed:
                raise ConfigurationError(
                    f"no annotator named {name!r}",
                    advice=f"installed: {', '.join(installed) or 'none'}",
                )
            annotators.append(installed[name])
    return annotators


def face_finder(options: AuditOptions) -> FaceFinder:
    """Boxes from the user's table, else their YuNet file, else the bundled cascade."""
    from assay.reports.annotators.faces import CascadeFaces, TableFaces, YunetFaces

    if options.boxes is not None:
        return TableFaces(options.boxes)
    if options.yunet is not None:
        return YunetFaces(options.yunet)
    return CascadeFaces()


def annotate(
    manifest: Manifest,
    annotators: list[Annotator],
    faces: FaceFinder,
    track: Track = iter,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Label every picture that can be read.

    Returns:
        Rows `path,attribute,value,rater`, and what went wrong. A picture that cannot be
        read, or that an annotator refused, has no row and is thus counted as missing.
    """
    import pandas as pd

    rows: list[tuple[str, str, str, str]] = []
    unreadable: dict[str, str] = {}
    refused: dict[str, str] = {}
    for path in track(manifest.rows.index):
        try:
            image = open_picture(manifest.folder, path).pixels()
        except InputRefused as error:
            unreadable[path] = reason(error, manifest.folder, path)
            continue
        boxes = faces.find(path, image)
        for annotator in annotators:
            try:
                seen = annotator.annotate(image, boxes)
            except ConfigurationError:
                raise
            except AssayError as error:
                refused[path] = reason(error, manifest.folder, path)
                continue
            rater = f"{PROGRAM}{annotator.name} {annotator.version}"
            rows += [(path, o.attribute, o.value, rater) for o in seen]
    findings = _findings("pictures-without-labels", "Pictures that could not be read", unreadable)
    findings += _findings("annotator-refusals", "Pictures that an annotator refused", refused)
    return pd.DataFrame(rows, columns=COLUMNS), findings


def _findings(code: str, what: str, reasons: dict[str, str]) -> list[Finding]:
    if not reasons:
        return []
    return [
        Finding(
            code=code,
            summary=f"{what}; they count as missing.",
            count=len(reasons),
            examples=some(reasons.values()),
        )
    ]
