"""Running one audit in a process of its own, the same `assay audit` that people run.

A picture that crashes a decoder, or an audit that never ends, costs that audit and nothing else.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from assay.api.audits import archive
from assay.api.audits.options import MANIFESTS, SENT, Options, tables_of
from assay.errors import AssayError, InputRefused
from assay.settings import settings

SECONDS = 3600.0  # 20,000 pictures with every instrument take half of it on two cores
MEMORY_BYTES = 8_000_000_000  # of address space
LONGEST_ANSWER = 1_000_000


class AuditFailed(AssayError):
    """The audit ended without a report."""

    code = "audit-failed"


@dataclass(frozen=True)
class Outcome:
    """The files of a report by name, or the problem document that explains why there is none."""

    files: dict[str, bytes] = field(default_factory=dict)
    problem: dict[str, Any] | None = None


def examine(stream: IO[bytes], options: Options, stop: threading.Event) -> Outcome | None:
    """Unpack an archive and audit it; None when it was stopped."""
    with tempfile.TemporaryDirectory(prefix="assay-audit-") as name:
        place = Path(name)
        folder, sent, out = place / "pictures", place / SENT, place / "out"
        folder.mkdir()
        try:
            archive.unpack(stream, folder, settings().limits)
            if (folder / SENT).exists():
                (folder / SENT).rename(sent)
            arguments = _arguments(archive.root_of(folder), sent, out, options)
            answer = _run(arguments, place, stop)
        except AssayError as error:
            return Outcome(problem=_without_paths(dict(error.problem()), place))
        if answer is None:
            return None
        files = {file.name: file.read_bytes() for file in sorted(out.glob("report.*"))}
        if "report.json" in files:
            return Outcome(files)
        failed = AuditFailed("the audit ended without a report: out of memory, or a crash")
        return Outcome(problem=_without_paths(answer or dict(failed.problem()), place))


def _arguments(folder: Path, sent: Path, out: Path, options: Options) -> list[str]:
    manifest = next(
        (
            place / name
            for place in (sent, folder)
            for name in MANIFESTS
            if (place / name).is_file()
        ),
        None,
    )
    source = folder  # without a manifest: pictures that state their own prompts
    if manifest is not None:
        _refuse_paths_outside(manifest, folder)
        source = folder / manifest.name
        manifest.replace(source)
    return [
        "run",
        str(source),
        f"--out={out}",
        "--json",
        *tables_of(folder, sent),
        *options.arguments(),
    ]


def _refuse_paths_outside(manifest: Path, folder: Path) -> None:
    """A manifest names its pictures; it must not name files of the server.

    Raises:
        InputRefused: a path leads out of the archive, or the table cannot be read.
    """
    from assay.reports.tables import read_table

    root = folder.resolve()
    for path in read_table(manifest, role="manifest", required=("path",)).rows["path"]:
        if "\0" in path or not (root / path).resolve().is_relative_to(root):
            raise InputRefused(f"{path[:200]!a}: leads out of the archive")


def _run(arguments: list[str], place: Path, stop: threading.Event) -> dict[str, Any] | None:
    """Run `assay audit`; its problem document, empty when it succeeded, None when stopped."""
    with (place / "answer").open("w+b") as answer, (place / "messages").open("w+b") as messages:
        # -P and a foreign folder: nothing in the archive can be imported.
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "assay", "audit", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=answer,
            stderr=messages,
            cwd="/",
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(place)},
        )
        try:
            _limit_memory(child.pid)
            ended = _wait(child, stop)
        finally:
            _end(child)
        if not ended and stop.is_set():
            return None
        if not ended:
            raise AuditFailed(f"the audit took more than {SECONDS:,.0f} seconds")
        if child.returncode in (0, 1):
            return {}
        answer.seek(0)
        return _problem(answer.read(LONGEST_ANSWER), child.returncode)


def _wait(child: subprocess.Popen[bytes], stop: threading.Event) -> bool:
    """Whether it ended by itself in time."""
    waited = 0.0
    while waited < SECONDS and not stop.is_set():
        try:
            child.wait(0.25)
        except subprocess.TimeoutExpired:
            waited += 0.25
        else:
            return True
    return False


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill it with all it started."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _limit_memory(pid: int) -> None:
    import resource

    if hasattr(resource, "prlimit"):
        try:
            resource.prlimit(pid, resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        except ProcessLookupError:
            return  # ended already


def _problem(answer: bytes, code: int) -> dict[str, Any]:
    """What the command said, in its last line."""
    try:
        found = json.loads(answer.splitlines()[-1])
    except (IndexError, ValueError):
        found = None
    if isinstance(found, dict) and "type" in found:
        return found
    return dict(AuditFailed(f"the audit ended with exit code {code}").problem())


def _without_paths(problem: dict[str, Any], place: Path) -> dict[str, Any]:
    """The problem without folders of the server."""
    text = json.dumps(problem)
    for folder in (place / SENT, place / "pictures", place):
        text = text.replace(json.dumps(f"{folder}/")[1:-1], "")
    return dict(json.loads(text))
