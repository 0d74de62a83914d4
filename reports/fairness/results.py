"""The result of an audit: frozen types that serialise to the schema `assay.audit/1`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from assay.reports.fairness.claims import (
    AnyClaim,
    CounterfactualClaim,
    ParityClaim,
    QualityClaim,
    RepresentationClaim,
)
from assay.reports.fairness.vocabulary import Interval, VerdictCode
from assay.reports.frozen import Frozen
from assay.reports.inputs import Finding, InputFile

SCHEMA: Literal["assay.audit/1"] = "assay.audit/1"


class System(Frozen):
    """The generator under audit, as its owner describes it."""

    name: str = "not stated"
    version: str = "not stated"
    description: str = ""


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


class Reference(Frozen):
    """What an attribute is compared with, and where that comes from."""

    attribute: str
    stratum: str | None = Field(description="Prompt it applies to; null for all prompts.")
    shares: dict[str, float]
    source: str
    date: str


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


class RaterDistance(Frozen):
    """Total variation over all prompts if one rater's answers alone counted."""

    attribute: str
    rater: str
    answered: int
    total_variation: float


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


class Since(Frozen):
    """One claim in an earlier audit and now; null where one of the two lacks it."""

    attribute: str
    stratum: str | None
    distance_before: float | None
    distance_now: float | None
    verdict_before: VerdictCode | None
    verdict_now: VerdictCode | None


class Earlier(Frozen):
    """An earlier audit that this one follows."""

    date: str
    sha256: str = Field(description="of its report.json")
    changes: tuple[Since, ...]


class Suppressed(Frozen):
    """Groups that are too small to be shown."""

    attribute: str
    strata: int
    pictures: int


class NotCompared(Frozen):
    """A comparison of groups that could not be made."""

    subject: str = Field(description="Outcome or measure, as in a claim.")
    by: str = Field(description="prompt, or an attribute")
    groups: int = Field(description="Groups with at least one picture that has a value.")
    large_groups: int = Field(description="Those of `smallest_cell` pictures or more.")
    measured: int = Field(description="Pictures with a value.")
    left_out: int = Field(description="Pictures with a value that no comparison shows.")
    figure: Literal["rate", "mean"] = Field(description="What `overall` is.")
    overall: float | None = Field(
        description="Over all pictures with a value; null under `smallest_cell` of them."
    )
    interval: Interval | None = Field(description="95 % interval of it.")
    summary: str


class Statistics(Frozen):
    """Settings that decided the results."""

    alpha: float
    power: float
    smallest_effect: float
    smallest_shift: float
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
    by_rater: tuple[RaterDistance, ...] = ()
    corrections: tuple[Correction, ...] = ()
    mitigations: tuple[Mitigation, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()
    earlier: Earlier | None = None
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
