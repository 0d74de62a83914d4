"""The result of an audit: frozen types that serialise to the schema `assay.audit/1`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA: Literal["assay.audit/1"] = "assay.audit/1"

VerdictCode = Literal["disparity-found", "none-found", "cannot-tell"]
Interval = tuple[float, float]

UNANSWERED = ("unclear", "no-face", "disagreement", "missing")
"""Values that say why there is no answer. They are counted and shown, never dropped."""


class Frozen(BaseModel):
    """Base of all result types."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class System(Frozen):
    """The generator under audit, as its owner describes it."""

    name: str = "not stated"
    version: str = "not stated"
    description: str = ""


class Finding(Frozen):
    """Something about the input that a reader of the results must know."""

    code: str = Field(description="Stable kebab-case code.")
    summary: str
    count: int = Field(ge=0, description="Rows or pictures concerned.")
    excluded: int = Field(default=0, ge=0, description="How many of them the results leave out.")
    examples: tuple[str, ...] = ()


class InputFile(Frozen):
    """One file the audit read."""

    role: str
    name: str
    sha256: str
    rows: int


class Origins(Frozen):
    """What the pictures' own C2PA manifests say."""

    trusted: int = Field(description="Intact, signed by someone on a trust list.")
    valid: int = Field(description="Intact, signer on no trust list.")
    invalid: int = Field(description="Changed after signing.")
    unsigned: int
    models: tuple[str, ...] = ()


class Data(Frozen):
    """What was audited and what was wrong with it."""

    pictures: int = Field(description="Pictures in the results.")
    prompts: int
    seeds: int
    raters: tuple[str, ...]
    inputs: tuple[InputFile, ...]
    pictures_root: str | None = Field(
        default=None,
        description="SHA-256 over the sorted SHA-256 of the pictures that were found.",
    )
    pictures_hashed: int = 0
    origins: Origins | None = Field(
        default=None, description="Null when credentials were not read."
    )
    findings: tuple[Finding, ...] = ()


class Share(Frozen):
    """One value of an attribute: observed share, its 95 % interval, and the reference."""

    value: str
    count: int
    share: float
    interval: Interval
    reference: float


class Reference(Frozen):
    """What an attribute is compared with, and where that comes from."""

    attribute: str
    stratum: str | None = Field(description="Prompt it applies to; null for all prompts.")
    shares: dict[str, float]
    source: str
    date: str


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
    p_value: float
    p_adjusted: float
    q_value: float
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


class AmplificationResult(Frozen):
    """Observed against reference shares over prompts, for one value."""

    attribute: str
    value: str
    prompts: int
    slope: float = Field(description="of logits; above 1 the generator exaggerates")
    interval: Interval
    correlation: float
    mean_shift: float = Field(description="away from one half is positive")


class Cell(Frozen):
    """One cell of a crossing; null figures are suppressed."""

    values: tuple[str, ...]
    pictures: int | None
    share: float | None
    interval: Interval | None


class Intersection(Frozen):
    """Two attributes crossed."""

    attributes: tuple[str, ...]
    pictures: int
    cells: tuple[Cell, ...]


class Agreement(Frozen):
    """How far raters agree on one attribute."""

    attribute: str
    raters: int
    pictures: int = Field(description="with at least two answers")
    percent: float = Field(description="share of pairs of answers that are equal")
    level: Literal["nominal", "ordinal"]
    alpha: float | None = Field(description="Krippendorff")
    kappa: float | None = Field(description="Cohen; two raters only")
    weighted_kappa: float | None = Field(description="quadratic; two raters, ordinal only")


class CorrectedShare(Frozen):
    """One value's share before and after correction for annotator errors."""

    value: str
    observed: float
    corrected: float
    interval: Interval
    reference: float | None


class Correction(Frozen):
    """Shares of one attribute corrected for the annotator's errors (Rogan-Gladen)."""

    attribute: str
    labelled: int = Field(description="Pictures with a gold label.")
    accuracy: float
    shares: tuple[CorrectedShare, ...]


class PromptWeight(Frozen):
    """Share of the pictures that a prompt would get."""

    prompt: str
    weight: float


class Mitigation(Frozen):
    """What would bring one attribute to its reference, over all prompts together."""

    attribute: str
    distance: float = Field(description="total variation as observed")
    reweighted_distance: float = Field(description="what the best weights leave of it")
    weights: tuple[PromptWeight, ...]
    generated_per_kept: float | None = Field(
        description="Pictures to generate for each one kept under quotas that match the "
        "reference; null when a wanted value was never seen."
    )


class Suppressed(Frozen):
    """Groups that are too small to be shown."""

    attribute: str
    strata: int
    pictures: int


class Statistics(Frozen):
    """Settings that decided the results."""

    alpha: float
    power: float
    smallest_effect: float
    smallest_cell: int
    most_unanswered: float
    simulations: int
    seed: int
    family: int = Field(description="Number of claims corrected together.")


class SoftwareVersions(Frozen):
    """What computed the results."""

    assay: str
    numpy: str
    scipy: str


class Audit(Frozen):
    """A fairness audit."""

    schema_: Literal["assay.audit/1"] = Field(default=SCHEMA, alias="schema")
    title: str
    system: System
    auditor: str
    independence: str
    date: str = Field(description="ISO 8601 date of the audit.")
    data: Data
    references: tuple[Reference, ...]
    claims: tuple[RepresentationClaim, ...]
    parity: tuple[ParityClaim, ...] = ()
    quality: tuple[QualityClaim, ...] = ()
    counterfactuals: tuple[CounterfactualClaim, ...] = ()
    amplification: tuple[AmplificationResult, ...] = ()
    intersections: tuple[Intersection, ...] = ()
    agreement: tuple[Agreement, ...] = ()
    corrections: tuple[Correction, ...] = ()
    mitigations: tuple[Mitigation, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    statistics: Statistics
    software: SoftwareVersions

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True
    )

    @property
    def all_claims(self) -> tuple[AnyClaim, ...]:
        """Every claim that has a verdict."""
        return (*self.claims, *self.parity, *self.quality, *self.counterfactuals)

    @property
    def verdicts(self) -> dict[str, int]:
        """How many claims got each verdict. Not a score: claims are not exchangeable."""
        counts = {"disparity-found": 0, "none-found": 0, "cannot-tell": 0}
        for claim in self.all_claims:
            counts[claim.verdict.code] += 1
        return counts

    def json_document(self) -> dict[str, Any]:
        """The document that `report.json` holds."""
        return self.model_dump(mode="json", by_alias=True)
