"""Prompt-declared values: does a picture show what its prompt asks for?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.reports.fairness.labels import Labels
from assay.reports.fairness.manifest import Manifest
from assay.reports.fairness.vocabulary import UNANSWERED
from assay.reports.inputs import InputFile
from assay.reports.tables import read_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Fidelity:
    """One attribute that prompts name.

    Attributes:
        outcome: name of the favourable outcome.
        followed: True where raters perceive the named value; missing without an answer.
        declared: the named value; missing where the prompt names none, or several.
    """

    outcome: str
    by: str
    followed: pd.Series[bool]
    declared: pd.Series[str]


def prompt_fidelity(
    table: Path, manifest: Manifest, labels: Labels
) -> tuple[list[Fidelity], InputFile]:
    """Compare what prompts name with what raters perceive.

    Args:
        table: columns `attribute,value,words`; words are separated by `|` and match whole
            words of a prompt, such as `presentation,woman,woman|women|female`.

    Raises:
        InputRefused: the table is unreadable or lacks a column.
    """
    read = read_table(table, role="declared values", required=("attribute", "value", "words"))
    results = []
    prompts = manifest.rows["prompt"]
    for name, group in read.rows.groupby("attribute", sort=True):
        attribute = str(name)
        if attribute not in labels.attributes:
            continue
        patterns = {
            str(value): _whole_words(str(words))
            for value, words in zip(group["value"], group["words"], strict=True)
        }
        unique = {prompt: _declared(prompt, patterns) for prompt in prompts.unique()}
        declared = prompts.map(unique)
        perceived = labels.consensus[attribute]
        known = declared.notna() & ~perceived.isin(UNANSWERED)
        followed = (perceived == declared).astype(object).where(known)
        outcome = f"{attribute} as the prompt names it"
        results.append(Fidelity(outcome, f"{attribute} in the prompt", followed, declared))
    return results, read.source


def _whole_words(words: str) -> re.Pattern[str]:
    alternatives = "|".join(re.escape(word.strip()) for word in words.split("|") if word.strip())
    return re.compile(rf"\b(?:{alternatives or '(?!)'})\b", re.IGNORECASE)


def _declared(prompt: str, patterns: dict[str, re.Pattern[str]]) -> str | None:
    named = [value for value, pattern in patterns.items() if pattern.search(prompt)]
    return named[0] if len(named) == 1 else None
