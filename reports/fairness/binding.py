"""Binding a report to its pictures: which can be examined, and what their content is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from assay.errors import InputRefused, UnreadableFile
from assay.reports.fairness.manifest import Manifest
from assay.reports.fairness.pictures import left_out, open_picture, reason, some
from assay.reports.inputs import Finding

Track = Callable[[Iterable[str]], Iterable[str]]


@dataclass(frozen=True)
class Binding:
    """What the report is bound to.

    Attributes:
        root: SHA-256 over the sorted SHA-256 of the pictures; None when no file was found.
        pictures: how many were found.
    """

    root: str | None = None
    pictures: int = 0


def check_pictures(manifest: Manifest, track: Track = iter) -> tuple[Manifest, Binding]:
    """Decode every picture once, leave out those that show nothing, and bind the rest.

    A picture whose file is not there stays: its labels were made when it was.

    Returns:
        The manifest without unreadable pictures, with findings; and its binding.

    Raises:
        InputRefused: no picture remains.
    """
    digests: list[bytes] = []
    absent: list[str] = []
    unreadable: dict[str, str] = {}
    for name in track(manifest.rows.index):
        try:
            media = open_picture(manifest.folder, name)
            media.pixels()
        except UnreadableFile:
            absent.append(name)
        except InputRefused as error:
            unreadable[name] = reason(error, manifest.folder, name)
        else:
            digests.append(bytes.fromhex(media.sha256))
    if len(unreadable) == len(manifest.rows):
        raise InputRefused(
            f"none of {len(unreadable)} pictures can be examined: {next(iter(unreadable.values()))}"
        )
    findings = list(manifest.findings)
    if unreadable:
        findings.append(left_out(unreadable.values()))
    if absent:
        findings.append(
            Finding(
                code="pictures-not-found",
                summary="Picture files that could not be read: their labels count, but the "
                "report is not bound to their content.",
                count=len(absent),
                examples=some(absent),
            )
        )
    kept = replace(
        manifest,
        rows=manifest.rows.drop(index=list(unreadable)),
        findings=findings,
        origins={name: o for name, o in manifest.origins.items() if name not in unreadable},
        left_out=manifest.left_out | set(unreadable),
    )
    root = hashlib.sha256(b"".join(sorted(digests))).hexdigest() if digests else None
    return kept, Binding(root, len(digests))
