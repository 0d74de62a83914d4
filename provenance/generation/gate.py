"""The gate: a private folder in, a public folder out, and between them both marks.

Hooks in a generator are best-effort, because their hosts go on when a hook fails. The gate is
the guarantee: nothing has a name in the public folder unless it was marked, signed and read
back. It may be killed at any moment; `gate_items` says what it finds again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from sqlalchemy.exc import SQLAlchemyError

from assay.errors import (
    AssayError,
    ConfigurationError,
    InputRefused,
    KeysUnavailable,
    OutputRefused,
)
from assay.files import write_atomically
from assay.media import Media
from assay.provenance import marking, watermarking
from assay.provenance.generation.arrivals import Arrival, Arrivals, Version
from assay.provenance.generation.gate_folders import (
    PARTIAL,
    check_folders,
    free_name,
    hold,
    release,
    taken,
)
from assay.provenance.generation.gate_items import WORK, Clearance, Item
from assay.provenance.generation.refusals import Refusals
from assay.provenance.keys import watermark_key
from assay.provenance.matching import Registry
from assay.provenance.reading import read
from assay.provenance.timestamping import TimestampUnavailable
from assay.settings import settings

SETTLE_SECONDS = 2.0
"""A file that did not change for this long counts as finished; see `arrivals`."""
POLL_SECONDS = 0.5
MAX_ATTEMPTS = 3
"""A file with which the gate died this often is refused instead of killing it again."""
_LONGEST_PAUSE = 60.0
_PATIENCE = 3
"""Files that have to wait before the others are left for the next time."""

_NOT_ITS_FAULT = (
    KeysUnavailable,
    TimestampUnavailable,
    OutputRefused,
    ConfigurationError,
    OSError,
    SQLAlchemyError,
)
"""What the next file would meet too: no keys, a full disk, a registry or a time stamp authority
that does not answer."""

Kind = Literal["released", "refused", "waiting", "changed"]


class GateCrashed(InputRefused):
    """The gate died each time it worked on this file."""

    code = "gate-crashed"


@dataclass(frozen=True)
class Event:
    """What became of one file.

    Attributes:
        kind: `released`: it is in the public folder; `refused`: it stays, with a reason
            beside it; `waiting`: it stays and is tried again, because what is missing is not
            its fault (keys, disk, registry); `changed`: it was written to meanwhile.
        name: path below the private folder.
        seconds: of work.
    """

    kind: Kind
    name: str
    target: Path | None = None
    clearance: Clearance | None = None
    error: AssayError | None = None
    seconds: float = 0.0


@dataclass
class Gate:
    """Moves what a generator leaves in one folder, marked and signed, to another.

    Attributes:
        private: where generators write; hidden files in it are passed over.
        public: where signed files appear, under the same names.
        options: more for `marking.sign`: `profile`, `generator`, `watermark`, ...
        originals: where unsigned originals are kept; None deletes them after release.
        settle: seconds for which a file must not have changed.
        registry: default: the one of the settings.
    """

    private: Path
    public: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    originals: Path | None = None
    settle: float = SETTLE_SECONDS
    registry: Registry | None = None

    def __post_init__(self) -> None:
        check_folders(self.private, self.public, self.originals)
        self._work = self.private / WORK
        self._refusals = Refusals()
        self._arrivals = Arrivals(self.private, self.settle)
        self._waited: set[str] = set()
        self._any_extension = bool(self.options.get("any_extension"))

    @contextlib.contextmanager
    def opened(self) -> Iterator[Gate]:
        """Hold the private folder and tidy up after an earlier run.

        Raises:
            ConfigurationError: another gate holds it.
            OutputRefused: a folder cannot be written.
        """
        try:
            for folder in (self._work, self.public):
                folder.mkdir(parents=True, exist_ok=True)
            lock = (self._work / "lock").open("w")
        except OSError as error:
            raise OutputRefused(f"{error.filename}: {error.strerror or error}") from error
        with lock:
            hold(lock, self.private)
            self._recover()
            if self.registry is None:
                self.registry = Registry(settings().registry_url)
            yield self

    def sweep(self, stop: threading.Event | None = None) -> Iterator[Event]:
        """Work off every finished file once; those that had to wait before come last."""
        arrivals = self._arrivals.scan()
        arrivals.sort(key=lambda arrival: arrival.name in self._waited)
        waiting = 0
        for arrival in arrivals:
            if waiting == _PATIENCE or (stop is not None and stop.is_set()):
                return
            if self._refusals.holds(arrival):
                continue
            event = self._pass(arrival)
            self._waited.discard(event.name)
            if event.kind == "waiting":
                self._waited.add(event.name)
                waiting += 1
            yield event

    def once(self, stop: threading.Event) -> Iterator[Event]:
        """What is finished now; files still being written are left to the next time."""
        self._arrivals.scan()
        stop.wait(self.settle)
        yield from self.sweep(stop)

    def watch(self, stop: threading.Event) -> Iterator[Event]:
        """Work off files as they come, until `stop` is set; the file at work is finished."""
        pause = POLL_SECONDS
        while not stop.is_set():
            kinds = set()
            for event in self.sweep(stop):
                kinds.add(event.kind)
                yield event
            pause = min(2 * pause, _LONGEST_PAUSE) if kinds == {"waiting"} else POLL_SECONDS
            stop.wait(pause)

    def _pass(self, arrival: Arrival) -> Event:
        """One file through the gate; whatever goes wrong, it is still in the private folder."""
        started = time.monotonic()
        try:
            event = self._pass_or_refuse(arrival)
        except _NOT_ITS_FAULT as error:
            event = Event("waiting", arrival.name, error=_as_refusal(error, arrival))
        return replace(event, seconds=round(time.monotonic() - started, 3))

    def _pass_or_refuse(self, arrival: Arrival) -> Event:
        target = self.public / arrival.name
        try:
            clearance = self._move(arrival, target)
        except _NOT_ITS_FAULT:
            raise
        except Exception as error:  # one file must not stop the others
            refusal = _as_refusal(error, arrival)
            Item.of(arrival, self._work).drop()
            self._refusals.note(arrival, refusal)
            return Event("refused", arrival.name, error=refusal)
        if clearance is None:
            return Event("changed", arrival.name)
        return Event("released", arrival.name, target, clearance)

    def _move(self, arrival: Arrival, target: Path) -> Clearance | None:
        """Sign, release, then take the original away; None when it was written to meanwhile."""
        item = Item.of(arrival, self._work)
        clearance = item.clearance()
        if clearance is None:
            if target.exists():
                raise taken(target)
            clearance = self._clear(arrival, item)
            if clearance is None:
                item.drop()
                return None
        release(item.result, target)
        with contextlib.suppress(FileNotFoundError):  # somebody else took it
            os.replace(arrival.path, item.original)
        self._dispose(item)
        return clearance

    def _clear(self, arrival: Arrival, item: Item) -> Clearance | None:
        attempts = item.begin()
        if attempts >= MAX_ATTEMPTS:
            raise GateCrashed(f"{arrival.name}: the gate died {attempts} times at this file")
        try:
            media = Media.open(arrival.path, any_extension=self._any_extension)
            if Version.of(arrival.path) != arrival.version:
                return None
            clearance = _cleared_before(media)
            if clearance is not None:
                write_atomically(item.result, media.data)
            else:
                signed = marking.sign(
                    media, out=item.result, registry=self.registry, **self.options
                )
                clearance = Clearance.of(signed.receipt)
        except Exception:
            item.drop()  # it was told, so it does not count as a crash
            raise
        item.clear(clearance)
        return clearance

    def _dispose(self, item: Item) -> None:
        """Remove the original that is held; who wrote to it meanwhile gets it back."""
        version = Version.of(item.original)
        if version is not None and version != item.version:
            os.rename(item.original, free_name(self.private / item.name))
        elif version is not None and self.originals is not None:
            kept = free_name(self.originals / item.name)
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(item.original, kept)
        item.drop()

    def _recover(self) -> None:
        """After a crash: finish removals, forget work on files that are gone or changed."""
        for partial in self.public.rglob(f"{PARTIAL}*"):
            partial.unlink()
        for item in Item.all(self._work):
            if item.original.exists():
                self._dispose(item)
            elif Version.of(self.private / item.name) != item.version:
                item.drop()


def _cleared_before(media: Media) -> Clearance | None:
    """Of a file that came with both marks of these keys, from a hook in its generator."""
    credentials = read(media)
    named, label = credentials.watermark_payload, credentials.manifest_label
    if credentials.state != "trusted" or named is None or label is None:
        return None
    found = watermarking.find(media, key=watermark_key())
    if found is None or found.payload != named & ((1 << found.payload_bits) - 1):
        return None
    return Clearance(
        manifest_label=label,
        payload=f"{named:015x}",
        signer=str(credentials.signer),
        sha256=media.sha256,
    )


def _as_refusal(error: Exception, arrival: Arrival) -> AssayError:
    if isinstance(error, AssayError):
        return error
    text = f"{arrival.name}: {type(error).__name__}: {error}"
    refusal = AssayError(text.splitlines()[0])
    refusal.__cause__ = error
    return refusal
