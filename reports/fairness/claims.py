"""Claims: what an audit tests, one by one, and the verdict on each."""

from __future__ import annotations

from pydantic import Field

from assay.reports.fairness.vocabulary import Interval, VerdictCode
from assay.reports.frozen import Frozen


class Share(Frozen):
    """One value of an attribute: observed share, its 95 % interval, and the reference."""

    value: str
    count: int
    share: float
    interval: Interval
    reference: float


class Verdict(Frozen):
    """What may be said about one claim."""

    code: VerdictCode
    summary: str
    reasons: tuple[str, ...] = Field(
        default=(), description="Kebab-case codes; why a claim cannot be decided."
    )


class RepresentationClaim(Frozen):
    """Representation of one attribute, in one prompt or in all, against a reference."""

    id: str
    attribute: str
    stratum: str | None = Field(description="Prompt; null for all prompts together.")
    pictures: int
    answered: int
    unanswered: dict[str, int]
    shares: tuple[Share, ...]
    total_variation: float = Field(description="Share of pictures that would have to change.")
    interval: Interval = Field(description="95 % interval of the total variation.")
    null_mean: float = Field(description="Total variation expected of a perfect generator.")
    null_95: float = Field(description="95th percentile of it for a perfect generator.")
    bounds: Interval = Field(
        description="Total variation if the unanswered were the best and the worst case."
    )
    jensen_shannon: float = Field(description="bits, 0..1")
    entropy: float = Field(description="normalised, 0..1; 1 is evenly spread")
    mean_absolute_deviation: float = Field(description="from uniform, as HEIM reports it")
    design_effect: float = Field(description="variance inflation by shared seeds; 1 is none")
    effective_n: int
    p_value: float
    p_adjusted: float = Field(description="Holm, over all claims of this audit.")
    q_value: float = Field(description="Benjamini-Hochberg, for exploration only.")
    minimum_detectable: float = Field(
        description="Smallest total variation found with the stated power at this n."
    )
    verdict: Verdict


class GroupRate(Frozen):
    """One group's rate of a favourable outcome."""

    group: str
    pictures: int
    favourable: int
    rate: float
    interval: Interval
    impact_ratio: float | None = Field(description="rate / highest rate; null if that is 0")
    ratio_interval: Interval | None = Field(
        description="Simultaneous 95 % interval of the ratio; null for the highest group."
    )
    below_four_fifths: bool = Field(description="The whole interval lies below 0.8.")


class ParityClaim(Frozen):
    """Do groups get a favourable outcome at one rate?"""

    id: str
    outcome: str = Field(description="Favourable outcome, such as: not refused.")
    by: str = Field(description="prompt, or an attribute")
    groups: tuple[GroupRate, ...]
    left_out: int = Field(description="Pictures in groups that are too small, or without a value.")
    p_value: float
    p_adjusted: float
    q_value: float
    minimum_detectable: float = Field(
        description="Smallest difference of rates, against the smallest group, that is found."
    )
    verdict: Verdict


class GroupMean(Frozen):
    """One group's mean of a quality measure, with a 95 % interval."""

    group: str
    pictures: int
    mean: float
    interval: Interval


class QualityClaim(Frozen):
    """Do groups get pictures of one quality?"""

    id: str
    measure: str
    by: str
    groups: tuple[GroupMean, ...]
    left_out: int
    spread: float = Field(description="standard deviation within groups")
    p_value: float
    p_adjusted: float
    q_value: float
    minimum_detectable: float = Field(
        description="Smallest shift, in standard deviations, of the smallest group that is found."
    )
    verdict: Verdict


class PairedShare(Frozen):
    """Change of one value's share between the variants of a pair."""

    value: str
    first: float
    second: float
    difference: float
    interval: Interval


class CounterfactualClaim(Frozen):
    """Does a changed word change what is shown, the seed being the same?"""

    id: str
    attribute: str
    pair: str
    variants: tuple[str, str]
    pairs: int
    changed: int = Field(description="Pairs with two different answers.")
    incomplete: int = Field(description="Seeds without an answer in both variants.")
    total_variation: float
    shares: tuple[PairedShare, ...]
    p_value: float
    p_adjusted: float
    q_value: float
    minimum_detectable: float
    verdict: Verdict


AnyClaim = RepresentationClaim | ParityClaim | QualityClaim | CounterfactualClaim
