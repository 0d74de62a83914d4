"""The plan of a scan: written once, kept beside the results, followed to the end."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from assay.errors import OutputRefused
from assay.files import write_atomically
from assay.reports.scanning import tables
from assay.reports.scanning.sources import list_source
from assay.version import __version__

SHARD_FILES = 1000
"""At a second a file a worker loses at most a quarter of an hour; 100 M files are 100,000
shards, which file systems and listings still bear."""


class Plan(BaseModel):
    """What is scanned, for what, and in how many shards."""

    model_config = ConfigDict(frozen=True)

    schema_: Literal["assay.scan-plan/1"] = "assay.scan-plan/1"
    version: str = __version__
    source: str
    task: str
    options: dict[str, Any] = {}
    shard_files: int
    shards: int
    files: int


def planned(
    out: Path, source: str, task: str, options: dict[str, Any], shard_files: int = SHARD_FILES
) -> Plan:
    """The plan in `out`; made, and its shards listed, if there is none yet.

    Raises:
        OutputRefused: `out` holds another scan.
        UnreadableFile: the source cannot be listed, or nothing is in it.
    """
    path = out / "plan.json"
    if not path.exists():
        return _make(out, source, task, options, shard_files)
    try:
        plan = Plan.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise OutputRefused(f"{path}: not the plan of a scan") from error
    wanted = {
        "version": __version__,
        "source": source,
        "task": task,
        "options": options,
        "shard_files": shard_files,
    }
    for name, value in wanted.items():
        if getattr(plan, name) != value:
            raise OutputRefused(
                f"{out}: holds a scan with {name} {getattr(plan, name)!r}, not {value!r}",
                advice="choose another folder for this scan",
            )
    return plan


def _make(out: Path, source: str, task: str, options: dict[str, Any], shard_files: int) -> Plan:
    items = list_source(source)
    shards = files = 0
    while batch := list(islice(items, shard_files)):
        rows = ({"uri": i.uri, "size": i.size, "sha256": i.sha256} for i in batch)
        tables.write(tables.part(out / "input", shards), rows, tables.INPUT)
        shards += 1
        files += len(batch)
    plan = Plan(
        source=source,
        task=task,
        options=options,
        shard_files=shard_files,
        shards=shards,
        files=files,
    )
    # Last: without it the listing starts afresh.
    document = json.dumps(plan.model_dump(), indent=2, ensure_ascii=False)
    write_atomically(out / "plan.json", document + "\n")
    return plan
