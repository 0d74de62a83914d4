"""An estimate of the energy a run took; optional, and never part of a manifest.

codecarbon reads counters of the processor where it may and otherwise models its load, so the
figure is an estimate. It describes the machine more than the picture: kept out of manifests,
where it would help to recognise whose machine it was.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from assay.errors import ConfigurationError, MissingExtra


@dataclass
class Energy:
    """What a run took, as estimated by codecarbon; None until the run is over, and where
    codecarbon could not measure.

    Attributes:
        country: whose electricity the emissions are computed for, ISO 3166-1 alpha-3.
    """

    country: str
    kilowatt_hours: float | None = None
    kilograms_co2e: float | None = None
    method: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "isEstimate": True,
            "kWh": self.kilowatt_hours,
            "kgCO2e": self.kilograms_co2e,
            "country": self.country,
            "method": self.method,
        }


@contextmanager
def estimating(country: str) -> Iterator[Energy]:
    """Estimate the energy of the block. Starting takes about three seconds; nothing is sent.

    Args:
        country: ISO 3166-1 alpha-3, such as DEU.

    Raises:
        MissingExtra: codecarbon is not installed.
        ConfigurationError: not a country code.
    """
    if len(country) != 3 or not country.isalpha():
        raise ConfigurationError(f"{country!r} is not a country code of three letters")
    if find_spec("codecarbon") is None:
        raise MissingExtra(
            "energy estimates need codecarbon",
            advice="install it with `pip install 'assay[energy]'`",
        )
    from codecarbon import OfflineEmissionsTracker

    logging.getLogger("codecarbon").disabled = True
    tracker = OfflineEmissionsTracker(
        country_iso_code=country.upper(),
        save_to_file=False,
        log_level="critical",
        tracking_mode="process",
        allow_multiple_runs=True,
    )
    energy = Energy(country.upper(), method=f"codecarbon {version('codecarbon')}, this process")
    tracker.start()
    try:
        yield energy
    finally:
        tracker.stop()
        # codecarbon swallows its own failures; a run is not lost for want of an estimate.
        data = getattr(tracker, "final_emissions_data", None)
        if data is not None:
            energy.kilowatt_hours = float(data.energy_consumed)
            energy.kilograms_co2e = float(data.emissions)
