"""`assay sign DIR --watch OUT`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.cli.console import print_error, print_json, print_line

if TYPE_CHECKING:
    from assay.provenance.generation.gate import Event


def run(
    private: Path,
    public: Path,
    options: Mapping[str, Any],
    *,
    originals: Path | None,
    settle: float | None,
    once: bool,
    as_json: bool,
) -> int:
    """Run the gate until it is told to stop, or once.

    Returns:
        The exit code: 0, or with `once` 3 when a file was refused or has to wait.
    """
    from assay.provenance.generation.gate import SETTLE_SECONDS, Gate

    gate = Gate(private, public, options, originals, SETTLE_SECONDS if settle is None else settle)
    left = 0
    with gate.opened(), _told_to_stop() as stop:
        if not as_json and not once:
            print_line(f"gate open: {private} -> {public}")
        for event in gate.once(stop) if once else gate.watch(stop):
            _tell(event, as_json)
            left += event.kind in ("refused", "waiting")
    return 3 if once and left else 0


def _tell(event: Event, as_json: bool) -> None:
    if event.error is not None and not as_json:
        print_error(event.error, instance=event.name)
        return
    if as_json:
        document: dict[str, Any] = {"event": event.kind, "file": event.name}
        if event.clearance is not None:
            document |= event.clearance.model_dump(mode="json")
            document["target"] = str(event.target)
        if event.error is not None:
            document |= event.error.problem()
        print_json(document | {"seconds": event.seconds})
    elif event.clearance is not None:
        mark = event.clearance.payload
        told = f"watermark {mark}" if mark else "no watermark"
        print_line(f"{event.target}  {event.clearance.manifest_label}  {told}")
    else:
        print_line(f"{event.name}: written to while it was read; tried again")


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """Set at the first SIGTERM or SIGINT; the second one is handled as before."""
    stop = threading.Event()

    def handle(number: int, frame: object) -> None:
        signal.signal(number, before[signal.Signals(number)])
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
