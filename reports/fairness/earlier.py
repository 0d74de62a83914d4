"""Setting an audit beside an earlier one of the same system."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import ValidationError

from assay.errors import InputRefused, UnreadableFile
from assay.reports.fairness.claims import RepresentationClaim
from assay.reports.fairness.results import Audit, Earlier, Since


def read_earlier(path: Path) -> tuple[Audit, str]:
    """An earlier report.json, and its SHA-256.

    Raises:
        UnreadableFile: it cannot be read.
        InputRefused: it is no audit of this schema.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error
    try:
        return Audit.model_validate_json(data), hashlib.sha256(data).hexdigest()
    except ValidationError as error:
        raise InputRefused(
            f"{path}: not an audit of schema assay.audit/1",
            advice="pass the report.json of an earlier audit",
        ) from error


def since(path: Path, claims: tuple[RepresentationClaim, ...]) -> Earlier:
    """Every representation claim before and now; errors as `read_earlier`.

    The figures stand side by side without a test: for that, `compare` pairs the pictures.
    """
    audit, digest = read_earlier(path)
    before = {(c.attribute, c.stratum): c for c in audit.claims}
    now = {(c.attribute, c.stratum): c for c in claims}
    changes = []
    for key in sorted(before | now, key=lambda k: (k[0], k[1] or "")):
        old, new = before.get(key), now.get(key)
        changes.append(
            Since(
                attribute=key[0],
                stratum=key[1],
                distance_before=old.total_variation if old else None,
                distance_now=new.total_variation if new else None,
                verdict_before=old.verdict.code if old else None,
                verdict_now=new.verdict.code if new else None,
            )
        )
    return Earlier(date=audit.date, sha256=digest, changes=tuple(changes))
