"""How many pictures an audit needs, before anybody generates one."""

from __future__ import annotations

import math

from pydantic import Field

from assay.errors import ConfigurationError
from assay.reports.frozen import Frozen
from assay.reports.statistics.planning import pictures_per_prompt
from assay.reports.statistics.representation import RepresentationTest

_SUM_TOLERANCE = 0.005


class Plan(Frozen):
    """Sample size of an audit.

    `null_mean` and `null_95` are the scores of a perfect generator at that size.
    """

    effect: float
    claims: int = Field(description="Attributes times prompts, and all prompts together.")
    pictures_per_prompt: int
    pictures: int
    null_mean: float
    null_95: float


def plan_audit(
    *,
    effect: float,
    shares: tuple[float, ...],
    prompts: int,
    attributes: int = 1,
    answered: float = 1.0,
    power: float = 0.8,
    alpha: float = 0.05,
) -> Plan:
    """Pictures a prompt, so that a distance of `effect` is found with the wanted power.

    Raises:
        ConfigurationError: shares do not sum to 1, or no distribution is that far away.
    """
    if len(shares) < 2 or min(shares) < 0 or abs(sum(shares) - 1) > _SUM_TOLERANCE:
        raise ConfigurationError("reference shares must be two or more that sum to 1")
    reference = [share / sum(shares) for share in shares]
    farthest = 1 - min(reference)
    if not 0 < effect <= farthest:
        raise ConfigurationError(
            f"an effect of {effect} is impossible", advice=f"choose one above 0, up to {farthest}"
        )
    claims = attributes * (prompts + 1 if prompts > 1 else 1)
    test = RepresentationTest(simulations=max(9_999, 40 * claims - 1))
    needed = pictures_per_prompt(
        reference, effect, claims=claims, alpha=alpha, power=power, test=test
    )
    floor = test.floor(needed, reference)
    generated = math.ceil(needed / answered)
    return Plan(
        effect=effect,
        claims=claims,
        pictures_per_prompt=generated,
        pictures=generated * prompts,
        null_mean=floor[0],
        null_95=floor[1],
    )
