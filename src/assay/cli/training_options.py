"""Options that several `assay train` commands, `assay evaluate` and `assay calibrate` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Manifest = Annotated[Path, typer.Argument(help="CSV with path,label,generator,source[,licence].")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for what is trained.")]
Name = Annotated[str, typer.Option(help="Name of the model and its files.")]
Version = Annotated[str, typer.Option(help="Version that the model card states.")]
MostPerGroup = Annotated[
    int, typer.Option(min=1, help="Pictures used of each source and generator.")
]
Deliveries = Annotated[
    int, typer.Option(min=0, help="Random renditions of each picture, beside the standard one.")
]
Folds = Annotated[int, typer.Option(min=2, help="Group-out folds.")]
Seed = Annotated[int, typer.Option(help="Seed of every random choice.")]
