"""The soak, for half a minute: its parts fit together, and its books notice what is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.soaking.books import Books
from tests.benchmarks.soaking.counters import compare_metrics
from tests.benchmarks.soaking.ledger import Ledger

_SOAK = Path(__file__).parents[1] / "benchmarks" / "soak.py"
_METRICS = """
assay_http_requests_total{method="GET",route="/healthz",status="200"} 9.0
assay_http_requests_total{method="POST",route="/v1/signatures",status="201"} 3.0
assay_http_requests_total{method="GET",route="/v1/verifications/{id}",status="200"} 2.0
assay_http_requests_total{method="GET",route="unknown",status="503"} 1.0
assay_signatures_total{profile="generated"} 2.0
"""


def test_the_books_agree(tmp_path: Path) -> None:
    told = tmp_path / "soak.json"
    arguments = ["--minutes", "0.25", "--clients", "3", "--seed", "5", "--record", str(told)]
    finished = subprocess.run(
        [sys.executable, str(_SOAK), *arguments], capture_output=True, text=True, timeout=300
    )
    assert told.exists(), finished.stderr[-2000:]
    report = json.loads(told.read_text())
    # A slow recovery is no disagreement: this machine may be busy with other tests.
    assert report["disagreements"] == [], finished.stdout
    assert report["faults"]
    assert report["books"]["signed"]["clients"] >= 1
    assert report["books"]["accepted, not deleted"]["clients"] >= 1


@pytest.fixture
def ledger() -> Ledger:
    """What clients of a service with these metrics were told."""
    made = Ledger()
    for method, route, status, count in (
        ("POST", "/v1/signatures", 201, 3),
        ("GET", "/v1/verifications/{id}", 200, 2),
        ("GET", "/v1/signatures", 503, 1),
    ):
        for _ in range(count):
            made.note("api-1", 1, method, route, status)
    for again in (False, False, True):
        made.note_signed("api-1", 1, again)
    return made


def disagreements(ledger: Ledger, *, unanswered: int = 0) -> list[str]:
    books = Books()
    compare_metrics(books, ledger, "api-1", 1, _METRICS, unanswered=unanswered)
    return books.disagreements


def test_equal_counts_agree(ledger: Ledger) -> None:
    assert disagreements(ledger) == []


def test_an_answer_that_nobody_counted(ledger: Ledger) -> None:
    ledger.note("api-1", 1, "POST", "/v1/signatures", 201)
    ledger.note("api-1", 1, "POST", "/v1/signatures", 201)
    assert len(disagreements(ledger)) == 1
    ledger.note_signed("api-1", 1, again=False)
    assert len(disagreements(ledger)) == 2


def test_an_answer_that_nobody_got(ledger: Ledger) -> None:
    ledger.answers["api-1", 1, "GET", "/v1/verifications/{id}", 200] -= 1
    assert len(disagreements(ledger)) == 1
    assert disagreements(ledger, unanswered=1) == []
