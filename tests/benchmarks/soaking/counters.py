"""What the processes counted against what clients got from them."""

from __future__ import annotations

import re
from collections import Counter

from tests.benchmarks.soaking.books import Books
from tests.benchmarks.soaking.ledger import Ledger

_NOT_OF_CLIENTS = ("/healthz", "/readyz", "/metrics")


def compare_metrics(
    books: Books, ledger: Ledger, service: str, life: int, text: str, *, unanswered: int
) -> None:
    """Answers that one process counted against those that clients got from it.

    Args:
        text: of its `/metrics`.
        unanswered: requests to it that got no answer; it may have counted them.
    """
    counted: Counter[tuple[str, str, int]] = Counter()
    for labels, number in re.findall(r"^assay_http_requests_total\{(.*)\} (\S+)$", text, re.M):
        label = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if label["route"] not in _NOT_OF_CLIENTS:
            status = int(label["status"])
            counted[label["method"], _route(label["route"], status), status] += int(float(number))
    got: Counter[tuple[str, str, int]] = Counter()
    for (name, number, method, route, status), count in ledger.answers.items():
        if (name, number) == (service, life):
            got[method, _route(route, status), status] += count
    more = sum((counted - got).values())
    less = sum((got - counted).values())
    books.counts[f"answers of {service}"] = {
        "clients": sum(got.values()),
        "metrics": sum(counted.values()),
        "without an answer": unanswered,
    }
    books.require(
        less == 0 and more <= unanswered,
        f"answers of {service}: clients {dict(got - counted)}, metrics {dict(counted - got)}, "
        f"{unanswered} unanswered",
    )
    made = sum(
        float(number) for number in re.findall(r"^assay_signatures_total\S* (\S+)$", text, re.M)
    )
    told = ledger.signed[service, life]
    begun = sum(signing.unclear for signing in ledger.signings.values())
    books.counts[f"signed by {service}"] = {"clients": told, "metrics": int(made)}
    books.require(told <= made <= told + begun, f"{service} counted {made:g} signings, not {told}")


def _route(route: str, status: int) -> str:
    """A refusal before routing has no route, so refusals are compared without theirs."""
    return "any" if status in (0, 401, 429) or status >= 500 else route
