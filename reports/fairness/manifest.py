"""The manifest: which pictures are audited, from which prompt and seed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import InputRefused
from assay.reports.fairness.origins import Origin, read_all
from assay.reports.fairness.pictures import left_out, open_picture, reason, some
from assay.reports.inputs import Finding, InputFile
from assay.reports.tables import examples, read_table

if TYPE_CHECKING:
    import pandas as pd


PICTURE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".avif", ".heic", ".tif", ".tiff"}
Track = Callable[[Iterable[str]], Iterable[str]]


@dataclass(frozen=True)
class Manifest:
    """Pictures under audit.

    Attributes:
        rows: one row a picture, indexed by `path`, with `prompt`, `seed` and every further
            column of the input.
        folder: what relative paths are relative to.
        origins: credentials that were read already, by path.
        left_out: pictures that were listed and cannot be examined.
    """

    rows: pd.DataFrame
    folder: Path
    source: InputFile
    findings: list[Finding]
    origins: dict[str, Origin] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()


def read_manifest(path: str | Path, track: Track = iter) -> Manifest:
    """Read a manifest with columns `path` and `prompt`, and usually `seed`; or a folder.

    A path that is listed twice counts once; rows without path or prompt are left out and
    counted.

    Raises:
        InputRefused: unreadable, a column is missing, or no picture remains.
    """
    if Path(path).is_dir():
        return _read_folder(Path(path), track)
    table = read_table(path, role="manifest", required=("path", "prompt"))
    rows, findings = table.rows, list(table.findings)
    if "seed" not in rows.columns:
        rows["seed"] = ""
        findings.append(
            Finding(
                code="no-seeds",
                summary="The manifest has no seeds: pictures are taken as independent, which "
                "is too optimistic if seeds were shared between prompts.",
                count=len(rows),
            )
        )
    blank = (rows["path"] == "") | (rows["prompt"] == "")
    if blank.any():
        findings.append(
            Finding(
                code="incomplete-rows",
                summary="Manifest rows without a path or a prompt were left out.",
                count=int(blank.sum()),
                excluded=int(blank.sum()),
            )
        )
    rows = rows[~blank]
    repeated = rows["path"].duplicated()
    if repeated.any():
        findings.append(
            Finding(
                code="duplicate-paths",
                summary="Pictures listed more than once were counted once, by their first row.",
                count=int(repeated.sum()),
                excluded=int(repeated.sum()),
                examples=examples(rows.loc[repeated, "path"]),
            )
        )
    rows = rows[~repeated]
    if rows.empty:
        raise InputRefused(f"{path}: no manifest row has both a path and a prompt")
    findings.extend(_repeated_seeds(rows))
    return Manifest(rows.set_index("path"), Path(path).parent, table.source, findings)


def _read_folder(folder: Path, track: Track) -> Manifest:
    """Pictures of a folder, by the prompts of their intact C2PA manifests."""
    import pandas as pd

    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in PICTURE_SUFFIXES)
    names = [str(f.relative_to(folder)) for f in files]
    origins = read_all(folder, names, track)
    stated = {name: origin for name, origin in origins.items() if origin.prompt}
    if not stated:
        raise InputRefused(
            f"{folder}: none of {len(files)} pictures has a signed prompt",
            advice="write a manifest: a CSV with columns path, prompt, seed",
        )
    unreadable, silent = _unreadable(folder, [name for name in names if name not in stated])
    findings = [left_out(unreadable.values())] if unreadable else []
    if silent:
        findings.append(
            Finding(
                code="pictures-without-prompt",
                summary="Pictures without an intact manifest that states a prompt were left out.",
                count=len(silent),
                excluded=len(silent),
                examples=some(silent),
            )
        )
    rows = pd.DataFrame(
        [(name, o.prompt, o.seed, o.model) for name, o in stated.items()],
        columns=["path", "prompt", "seed", "model"],
    )
    listing = "\n".join(names).encode()
    source = InputFile(
        role="folder",
        name=folder.name,
        sha256=hashlib.sha256(listing).hexdigest(),
        rows=len(names),
    )
    findings += _repeated_seeds(rows)
    return Manifest(rows.set_index("path"), folder, source, findings, stated, frozenset(unreadable))


def _unreadable(folder: Path, names: list[str]) -> tuple[dict[str, str], list[str]]:
    """Why some pictures cannot be examined, and the others."""
    refused: dict[str, str] = {}
    for name in names:
        try:
            open_picture(folder, name).pixels()
        except InputRefused as error:
            refused[name] = reason(error, folder, name)
    return refused, [name for name in names if name not in refused]


def _repeated_seeds(rows: pd.DataFrame) -> list[Finding]:
    seeded = rows[rows["seed"] != ""]
    repeated = seeded.duplicated(["prompt", "seed"])
    if not repeated.any():
        return []
    return [
        Finding(
            code="repeated-seeds",
            summary="Pictures that share both prompt and seed with another one; they count as "
            "one cluster, not as independent pictures.",
            count=int(repeated.sum()),
        )
    ]
