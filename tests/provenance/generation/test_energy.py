"""Energy is an estimate, says so, and stays out of manifests."""

from __future__ import annotations

import pytest

from assay.errors import ConfigurationError
from assay.provenance.generation.energy import estimating


@pytest.mark.filterwarnings("ignore")  # codecarbon takes a warning for a failure and is silent
def test_a_run_is_estimated() -> None:
    pytest.importorskip("codecarbon")
    with estimating("deu") as energy:
        sum(number * number for number in range(2_000_000))
    told = energy.to_json()
    assert told["isEstimate"] is True
    assert told["kWh"] > 0
    assert told["country"] == "DEU"
    assert told["method"].startswith("codecarbon")


@pytest.mark.parametrize("country", ["DE", "Germany", "12A"])
def test_countries_have_three_letters(country: str) -> None:
    with pytest.raises(ConfigurationError, match="three letters"), estimating(country):
        pass
