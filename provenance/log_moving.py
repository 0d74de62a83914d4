"""Moving the transparency log from a folder into a database that several machines share."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from assay.databases.moving import MoveFailed
from assay.provenance.log_storage import DatabaseStorage, FolderStorage
from assay.provenance.transparency import Log


def move_log(folder: Path, target: sa.Engine) -> int:
    """Copy a log, all at once, and recompute its root there; the folder stays as it is.

    Args:
        folder: with `checkpoint` and `tile/`.
        target: has the log's table, empty or with this very log.

    Returns:
        Number of entries.

    Raises:
        MoveFailed: the target holds another log, or the root is not the signed one.
        OutputRefused: a file of the log is missing, or the database cannot be written.
    """
    here, there = FolderStorage(folder), DatabaseStorage(target)
    moved = there.read("checkpoint")
    if moved is None:
        with here.locked(), there.locked():
            for path in sorted([folder / "checkpoint", *(folder / "tile").rglob("*")]):
                if path.is_file():
                    there.write(path.relative_to(folder).as_posix(), path.read_bytes())
    elif moved != here.read("checkpoint"):
        raise MoveFailed("the database holds another log", advice="move into an empty database")
    log = Log(there)
    if not log.audit():
        raise MoveFailed("the log does not add up to its signed root")
    return log.checkpoint().size
