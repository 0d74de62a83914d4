"""The detector as an examiner: a score becomes evidence, never a verdict."""

from __future__ import annotations

from typing import Any

from assay.detector.linear import default_model
from assay.detector.scoring import Score, score
from assay.evidence import Evidence
from assay.media import Media

# Feature groups in the words of a reader.
GROUP_WORDS = {
    "spectrum": "how detail is spread over frequencies",
    "residuals": "how prediction errors of neighbouring pixels go together",
    "neighbours": "patterns among adjacent pixels",
    "blocks": "statistics of 8x8 blocks",
    "colour": "how the colour channels agree",
    "naturalness": "statistics that natural scenes share",
}


class DetectorExaminer:
    """Examines still pictures with the shipped frequency-artifact model."""

    name = "detector"

    @property
    def version(self) -> str:
        model = default_model()
        return f"{model.name}/{model.version}"

    def examine(self, media: Media) -> list[Evidence]:
        """One finding: `likely-generated` or `detector-inconclusive`.

        Raises:
            AssayError: the media cannot be decoded or the model cannot be loaded; `verify`
                records that as "not scored".
        """
        if not media.is_image:
            return [self._not_scored("this model scores still pictures, not video")]
        result = score(media)
        details = _details(result)
        if result.likely_generated:
            rate = result.model.card["threshold"]["worst_source_fpr"]
            return [
                self._evidence(
                    "likely-generated",
                    result,
                    details,
                    "Pixel statistics resemble generated pictures; of photographs from the worst "
                    f"source left out of training {100 * rate:.1f} % score as high.",
                )
            ]
        return [
            self._evidence(
                "detector-inconclusive",
                result,
                details,
                f"Pixel statistics decide nothing here: {result.reason}.",
            )
        ]

    def _evidence(
        self, finding: str, result: Score, details: dict[str, Any], summary: str
    ) -> Evidence:
        likely = result.likely_generated
        return Evidence(
            examiner=self.name,
            version=self.version,
            kind="detector",
            finding=finding,
            points_to="generated" if likely else "nothing",
            strength="moderate" if likely else "weak",
            probability=round(result.probability, 4),
            summary=summary,
            details=details,
        )

    def _not_scored(self, why: str) -> Evidence:
        return Evidence(
            examiner=self.name,
            version=self.version,
            kind="not-scored",
            finding="not-scored",
            points_to="nothing",
            strength="weak",
            summary=why,
        )


def _details(result: Score) -> dict[str, Any]:
    """The numbers behind the evidence, JSON-ready."""
    return {
        "log_odds": round(result.log_odds, 3),
        "interval": [round(bound, 4) for bound in result.interval],
        "threshold_log_odds": round(result.model.threshold, 3),
        "abstained": result.abstained,
        "reason": result.reason,
        "components": [
            {
                "model": part.model,
                "version": part.version,
                "log_odds": round(part.log_odds, 3),
                "contributions": {
                    GROUP_WORDS[group]: round(value, 3)
                    for group, value in sorted(
                        part.contributions.items(), key=lambda item: -abs(item[1])
                    )
                },
            }
            for part in result.components
        ],
    }
