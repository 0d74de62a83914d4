"""One file's row of the results, made in a worker process."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import AssayError, InputRefused
from assay.media import Media
from assay.reports.scanning.sources import read_bytes
from assay.reports.scanning.tasks import TASKS
from assay.settings import settings
from assay.sniffing import name_contradicts


@dataclass(frozen=True)
class Question:
    """What is asked of one file.

    Attributes:
        sha256: of the first pass; content that changed since is not answered for.
    """

    uri: str
    size: int | None
    sha256: str
    task: str
    options: tuple[tuple[str, Any], ...] = ()


def answer(question: Question) -> dict[str, Any]:
    """The row of one file; a refusal is a row too.

    Raises:
        AssayError: no file can be answered: keys, a model or a registry are missing.
    """
    try:
        return _row(question)
    except InputRefused as refusal:
        return unanswered(question, refusal.code, refusal.message)
    except AssayError:
        raise
    except Exception as failure:
        # Third-party decoders raise anything; one file must not end a scan of millions.
        return unanswered(question, "failed", f"{type(failure).__name__}: {failure}")


def unanswered(question: Question, error: str, message: str) -> dict[str, Any]:
    """The row of a file that has no answer, with the reason."""
    return {
        "sha256": question.sha256,
        "uri": question.uri,
        "size": question.size,
        "error": error,
        "message": message,
    }


def _row(question: Question) -> dict[str, Any]:
    limits = settings().limits
    data = read_bytes(question.uri, limits.max_bytes)
    if hashlib.sha256(data).hexdigest() != question.sha256:
        return unanswered(question, "changed", "the content is not the one that was listed")
    name = Path(question.uri).name
    media = Media.from_bytes(data, name=name, limits=limits)
    if name_contradicts(name, media.media_type):
        return unanswered(question, "misnamed-file", f"the content is {media.media_type}")
    found, details = TASKS[question.task](media, dict(question.options))
    return {
        "sha256": question.sha256,
        "uri": question.uri,
        "media_type": media.media_type,
        "size": media.size,
        "width": media.width,
        "height": media.height,
        "answer": found,
        "details": json.dumps(details, sort_keys=True, ensure_ascii=False, allow_nan=False),
    }
