"""What the pictures' own C2PA manifests say about where they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import InputRefused
from assay.reports.fairness.results import Origins
from assay.reports.inputs import Finding

Track = Callable[[Iterable[str]], Iterable[str]]


@dataclass(frozen=True)
class Origin:
    """One picture's credentials.

    Attributes:
        state: none, invalid, valid or trusted.
        prompt, seed, model: as the active manifest states them; empty unless it is intact.
    """

    state: str
    prompt: str = ""
    seed: str = ""
    model: str = ""


def read_origin(file: Path) -> Origin:
    """The origin of one picture.

    Raises:
        InputRefused: the file cannot be read.
    """
    from assay.provenance.reading import read

    credentials = read(file)
    if credentials.state not in ("valid", "trusted"):
        return Origin(credentials.state)
    stated = _prompt_assertion(credentials.raw.get("reader", {}))
    model = next((a.agent for a in credentials.actions if a.agent), None)
    return Origin(
        credentials.state,
        prompt=str(stated.get("prompt", "")),
        seed=str(stated.get("seed", "")),
        model=model or credentials.claim_generator or "",
    )


def summarise(origins: dict[str, Origin], prompts: dict[str, str]) -> tuple[Origins, list[Finding]]:
    """Counts for the data section, and pictures whose signed prompt is another one.

    Args:
        origins: by path.
        prompts: as the audit's manifest gives them, by path.
    """
    states = [origin.state for origin in origins.values()]
    other = [
        path for path, origin in origins.items() if origin.prompt and origin.prompt != prompts[path]
    ]
    findings = []
    if other:
        findings.append(
            Finding(
                code="prompt-mismatch",
                summary="Pictures whose signed manifest states another prompt than the audit's "
                "manifest; the audit's manifest was used.",
                count=len(other),
                examples=tuple(other[:5]),
            )
        )
    if broken := [path for path, origin in origins.items() if origin.state == "invalid"]:
        findings.append(
            Finding(
                code="invalid-credentials",
                summary="Pictures that were changed after signing.",
                count=len(broken),
                examples=tuple(broken[:5]),
            )
        )
    counts = Origins(
        trusted=states.count("trusted"),
        valid=states.count("valid"),
        invalid=states.count("invalid"),
        unsigned=states.count("none"),
        models=tuple(sorted({o.model for o in origins.values() if o.model})),
    )
    return counts, findings


def read_all(folder: Path, paths: Iterable[str], track: Track = iter) -> dict[str, Origin]:
    """Origins of every picture that can be read."""
    found: dict[str, Origin] = {}
    for path in track(paths):
        try:
            found[path] = read_origin(folder / path)
        except InputRefused:
            continue  # counted by `check_pictures`
    return found


def _prompt_assertion(reader: dict[str, Any]) -> dict[str, Any]:
    from assay.provenance.prompting import PROMPT_LABEL

    active = reader.get("manifests", {}).get(reader.get("active_manifest"), {})
    for assertion in active.get("assertions", []):
        if assertion.get("label") == PROMPT_LABEL:
            return dict(assertion.get("data", {}))
    return {}
