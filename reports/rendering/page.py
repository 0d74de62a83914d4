"""Rendering templates to self-contained HTML: one style, no reference to anything outside."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = Path(__file__).parents[1] / "templates"
SHAPES = {"disparity-found": "◆", "none-found": "○", "cannot-tell": "□"}
WORDS = {
    "disparity-found": "disparity found",
    "none-found": "none found at this n",
    "cannot-tell": "cannot tell",
}


def render(template: str, **context: Any) -> str:
    """Render a template with the shared style; text is escaped, figures come as `Markup`."""
    page = _environment().get_template(template).render(style=Markup(stylesheet()), **context)
    return "\n".join(line.rstrip() for line in page.splitlines() if line.strip()) + "\n"


@cache
def stylesheet() -> str:
    """The CSS of every Assay page, tokens included."""
    return (TEMPLATES / "report.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., Any]] = {
        "titled": titled,
        "sentence": lambda text: text[:1].upper() + text[1:],
        "number": number,
        "counted": counted,
        "percent": percent,
        "percents": percents,
        "p_value": p_value,
        "shape": lambda code: SHAPES.get(code, "·"),
        "verdict_words": lambda code: WORDS.get(code, code),
    }
    environment.filters.update(filters)
    return environment


def titled(svg: Markup, title: str) -> Markup:
    """An SVG element with its text alternative, which browsers and PDF readers both find."""
    drawing = str(svg)
    end = drawing.index(">")
    described = Markup(' role="img"><title>{}</title>').format(title)
    return Markup(drawing[:end]) + described + Markup(drawing[end + 1 :])


def number(value: float, digits: int = 2) -> str:
    """Thousands separated by thin spaces, as ISO 80000 has it."""
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f")
    return f"{value:.{digits}f}"


def counted(count: int, what: str) -> str:
    """A number with its noun: 1 prompt, 2 prompts."""
    return f"{number(count)} {what}{'' if count == 1 else 's'}"


def percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f}\u202f%"


def percents(interval: tuple[float, float], digits: int = 0) -> str:
    """An interval of shares."""
    low, high = interval
    return f"{100 * low:.{digits}f} to {100 * high:.{digits}f}\u202f%"


def p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
