"""A small run of the benchmark's batch: every output reads back, nothing else does."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "generation.py"


def _benchmark() -> Any:
    spec = importlib.util.spec_from_file_location("generation_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_output_of_a_mixed_batch_reads_back() -> None:
    tally = _benchmark().batch(10)
    assert tally == {
        "outputs": 10,
        "both marks": 10,
        "wrong payload": 0,
        "payload in unmarked": 0,
        "distinct payloads": 10,
    }
