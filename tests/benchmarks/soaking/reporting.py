"""The record of a soak, what in it is not as it should be, and a short table."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tests.benchmarks.soaking.books import Books
    from tests.benchmarks.soaking.faults import Happened
    from tests.benchmarks.soaking.ledger import Ledger
    from tests.benchmarks.soaking.servers import Service

RECOVERY_SECONDS = 10.0  # beyond what an upload took just before
GROWTH = 0.10  # of a process's memory, from the second fifth of the time to the last
WARM_MINUTES = 10.0  # shorter runs see processes that are still filling their caches


def record(
    *,
    minutes: float,
    clients: int,
    seed: int,
    books: Books,
    ledger: Ledger,
    happened: Sequence[Happened],
    services: Sequence[Service],
    memory: dict[str, list[tuple[int, int]]],
    drained: float,
) -> dict[str, Any]:
    """Everything as JSON, with what is not as it should be."""
    wrong = list(books.disagreements)
    statuses = ledger.statuses()
    errors = {status: n for status, n in statuses.items() if status >= 500 and status != 503}
    if errors:
        wrong.append(f"failures of the service: {errors}")
    for service in services:
        if service.ended_alone:
            wrong.append(f"{service.name} ended by itself: {service.ended_alone}")
    slow = [each for each in happened if each.recovered - each.usual > RECOVERY_SECONDS]
    sizes = {name: _memory(found) for name, found in memory.items() if len(found) >= 5}
    wrong += [
        f"{name} grew by {size['growth']:.0%}"
        for name, size in sizes.items()
        if size["growth"] > GROWTH and minutes >= WARM_MINUTES
    ]
    return {
        "minutes": minutes,
        "clients": clients,
        "seed": seed,
        "requests": sum(statuses.values()),
        "without an answer": sum(ledger.broken.values()),
        "nobody answered": len(ledger.lost),
        "answers that cannot be right": len(ledger.wrong),
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        "books": books.counts,
        "seconds": {kind: _times(found) for kind, found in sorted(ledger.seconds.items())},
        "seconds_to_drain": round(drained, 1),
        "recovery": recovery(happened),
        "processes": {service.name: len(service.lives) for service in services},
        "starts_while_the_database_was_away": sum(s.failed_starts for s in services),
        "memory": sizes,
        "faults": [each.as_json() for each in happened],
        "slow_recoveries": [each.as_json() for each in slow],
        "disagreements": wrong,
    }


def recovery(happened: Sequence[Happened]) -> dict[str, dict[str, float]]:
    """By kind of fault: how often, and the seconds until a new upload had its result.

    `usual` is what an upload took just before, the median.
    """
    kinds: dict[str, list[Happened]] = {}
    for each in happened:
        kinds.setdefault(each.what, []).append(each)
    return {
        kind: {
            "times": len(found),
            "usual": round(statistics.median(each.usual for each in found), 2),
            "median": round(statistics.median(each.recovered for each in found), 2),
            "longest": round(max(each.recovered for each in found), 2),
        }
        for kind, found in sorted(kinds.items())
    }


def _times(found: Sequence[float]) -> dict[str, float]:
    p50, p99 = (round(float(np.percentile(found, q)), 2) for q in (50, 99))
    return {"count": len(found), "p50": p50, "p99": p99, "longest": round(max(found), 2)}


def _memory(sizes: Sequence[tuple[int, int]]) -> dict[str, float]:
    """Megabytes in the second fifth of the time, when all is warm, and in the last."""
    fifth = max(1, len(sizes) // 5)
    found: dict[str, float] = {}
    for name, which in (("alone", 0), ("with children", 1)):
        before, after = (
            statistics.median(size[which] for size in part)
            for part in (sizes[fifth : 2 * fifth], sizes[-fifth:])
        )
        found[f"{name}, before"], found[f"{name}, after"] = round(before / 1e6), round(after / 1e6)
        if which == 0:
            found["growth"] = round(after / before - 1, 3)
    return found


def show(report: dict[str, Any]) -> None:
    """A short table."""
    print(f"{report['requests']} requests, {report['without an answer']} without an answer")
    print(f"answers: {report['statuses']}")
    for what, sides in report["books"].items():
        told = sides if isinstance(sides, int) else ", ".join(f"{a} {b}" for a, b in sides.items())
        print(f"  {what:<44} {told}")
    for kind, times in report["seconds"].items():
        print(f"  {kind:<12} " + ", ".join(f"{name} {value}" for name, value in times.items()))
    for kind, times in report["recovery"].items():
        print(f"  {kind:<60} " + ", ".join(f"{name} {value}" for name, value in times.items()))
    for name, sizes in report["memory"].items():
        print(f"  {name:<12} " + ", ".join(f"{part} {size}" for part, size in sizes.items()))
    for disagreement in report["disagreements"]:
        print(f"DISAGREES: {disagreement}")
    for each in report["slow_recoveries"]:
        print(f"SLOW: {each['what']}: {each['recovered']} s, usual {each['usual']}")
    print(
        f"{len(report['faults'])} faults, {len(report['slow_recoveries'])} recoveries over "
        f"{RECOVERY_SECONDS:g} s; the books {'dis' if report['disagreements'] else ''}agree"
    )


def log_errors(logs: Path) -> Counter[str]:
    """Last lines of the tracebacks that the processes wrote."""
    found: Counter[str] = Counter()
    for path in logs.glob("*.log"):
        for line in path.read_text(errors="replace").splitlines():
            try:
                document = json.loads(line)
            except ValueError:
                continue
            if isinstance(document, dict) and document.get("level") in ("error", "critical"):
                last = str(document.get("exception", "")).strip().rpartition("\n")[2]
                found[f"{document.get('event')}: {last[:160]}"] += 1
    return found
