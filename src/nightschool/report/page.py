"""The morning report as one self-contained HTML page: inline style and SVG, no script, no network."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from nightschool.report import words
from nightschool.report.morning import Morning
from nightschool.types import Check

if TYPE_CHECKING:
    from jinja2 import Environment


def build_page(morning: Morning) -> str:
    """Lay out the morning report as HTML; every text of the user is escaped."""
    return _environment().get_template("page.html.j2").render(m=morning, gauge=_gauge)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("nightschool.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=words.percent,
        interval=words.interval,
        points=words.points,
        number=words.number,
        moment=words.moment,
        group=lambda name: words.label(words.GROUPS, name),
        mode=lambda name: words.label(words.MODES, name),
        guard=lambda name: words.label(words.GUARDS, name),
        check=lambda name: words.label(words.CHECKS, name),
        riddle=lambda name: words.label(words.RIDDLES, name),
        dropped=lambda reason: words.DROPPED.get(reason, (reason, reason)),
    )
    environment.globals.update(
        headline=words.headline,
        subline=words.subline,
        verdict=words.verdict,
        continual=words.continual,
        caution=words.caution,
        riddles=words.riddles,
        not_run=words.NOT_RUN,
    )
    return environment


def _gauge(check: Check) -> dict[str, float] | None:
    """Place a check's margin, bound and difference on a line from 0 to 100, with zero at 50.

    Each line has a scale of its own: what matters is on which side of the margin the bound lies.
    """
    if check.difference is None or check.low is None:
        return None
    marks = {"difference": check.difference, "low": check.low, "limit": -(check.margin or 0.0)}
    reach = max(0.02, *(abs(value) for value in marks.values())) * 1.1
    return {name: round(50 + 50 * value / reach, 2) for name, value in marks.items()}
