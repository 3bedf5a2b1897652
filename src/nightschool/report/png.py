"""The morning report as one picture (PNG), drawn with matplotlib: the sentence and the main figures."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from nightschool.report import words
from nightschool.report.morning import Contrast, Guard, Morning

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER, INK, QUIET, FAINT = "#faf8f3", "#23211d", "#6b665c", "#a39d90"
RAIL, NIGHT, SOFT, DOT = "#ece8de", "#2c4a86", "#d9e1f0", "#b3ab9b"
GOOD, BAD = "#2a7350", "#ad4524"
SERIF, SANS = "DejaVu Serif", "DejaVu Sans"
"""Fonts that come with matplotlib, so that the picture is the same on every machine."""

WIDTH_IN, DPI = 10.0, 140
ROW_IN, HEAD_IN, GAP_IN = 0.42, 0.2, 0.5
"""Inches for a row, below a section's heading, and between sections."""


def draw_png(morning: Morning) -> bytes:
    """Draw the report on one light sheet as tall as it needs, 1400 pixels wide."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    title = textwrap.wrap(words.headline(morning), 44)
    top = 1.35 + 0.48 * len(title)
    checks = morning.decision.checks if morning.decision else ()
    sections = (
        ("What it knows, closed-book", morning.groups, words.GROUPS),
        ("Three ways to answer", morning.modes, words.MODES),
        ("What it must not lose", morning.guards, words.GUARDS),
    )
    rows = sum(len(contrasts) for _, contrasts, _ in sections)
    height = top + 3 * (HEAD_IN + GAP_IN) + rows * ROW_IN
    height += HEAD_IN + GAP_IN + ROW_IN * (len(morning.nights) + 1)
    riddles = textwrap.wrap(words.riddles(morning), 120) if morning.riddles else []
    height += HEAD_IN + GAP_IN + ROW_IN * max(1, len(checks)) + 0.6 + 0.22 * len(riddles)
    figure = Figure(figsize=(WIDTH_IN, height), dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    sheet = _Sheet(figure, height)
    _head(sheet, morning, title)
    for name, contrasts, names in sections:
        _contrasts(sheet, name, contrasts, names)
    _matrix(sheet, morning)
    _gate(sheet, morning)
    for line in riddles:
        warned = morning.riddles is not None and morning.riddles.widened
        sheet.text(0.06, line, 8.5, BAD if warned else QUIET)
        sheet.at += 0.22
    sheet.text(
        0.06, "white: base model, untouched    blue: tonight’s version, with 95% interval", 8.5
    )
    buffer = BytesIO()
    with warnings.catch_warnings():
        # Letters that the shipped fonts lack are drawn as boxes; the page shows them in full.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format="png", facecolor=PAPER)
    return buffer.getvalue()


class _Sheet:
    """A page that is filled from the top, measured in inches."""

    def __init__(self, figure: Figure, height: float) -> None:
        self.figure, self.height, self.at = figure, height, 0.55

    def text(self, x: float, text: str, size: float, color: str = QUIET, **style: Any) -> None:
        plain = text.replace("$", r"\$")
        style = {"family": SANS, "va": "center", **style}
        self.figure.text(x, 1 - self.at / self.height, plain, fontsize=size, color=color, **style)

    def axes(self, rows: float, left: float = 0.34, width: float = 0.4) -> Axes:
        bottom = 1 - (self.at + rows * ROW_IN) / self.height
        axes = self.figure.add_axes((left, bottom, width, rows * ROW_IN / self.height))
        axes.set_axis_off()
        return axes

    def heading(self, text: str) -> None:
        self.at += GAP_IN
        self.text(0.06, text, 14, INK, family=SERIF)
        self.at += HEAD_IN


def _head(sheet: _Sheet, morning: Morning, title: Sequence[str]) -> None:
    tenant = "" if morning.tenant == "default" else f" · {morning.tenant}"
    sheet.text(0.06, f"{morning.workspace}{tenant}", 9.5, INK, weight="bold")
    sheet.text(0.94, f"Morning report, {words.moment(morning.at)}", 9, ha="right")
    sheet.at += 0.65
    for line in title:
        sheet.text(0.06, line, 23, INK, family=SERIF)
        sheet.at += 0.48
    night = morning.tonight
    if night:
        figures = (
            (night.minutes, 1, "minutes"),
            (night.peak_gb, 1, "GB at its peak"),
            (night.tokens, 0, "tokens trained"),
            (morning.returns.tokens_saved, 0, "prompt tokens saved a question"),
        )
        shown = (
            f"{unit}: {words.NOT_RUN}" if value is None else words.number(value, digits, unit)
            for value, digits, unit in figures
        )
        sheet.text(0.06, "   ·   ".join(shown), 9.5)
    sheet.at += 0.15


def _contrasts(
    sheet: _Sheet,
    name: str,
    contrasts: Sequence[Contrast | Guard],
    names: dict[str, str],
) -> None:
    sheet.heading(name)
    if not contrasts:
        return
    axes = sheet.axes(len(contrasts))
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(len(contrasts) - 0.5, -0.5)
    sheet.at += ROW_IN / 2
    for y, contrast in enumerate(contrasts):
        base, version = contrast.base, contrast.version
        axes.plot([0, 1], [y, y], color=RAIL, lw=4, solid_capstyle="round", zorder=1)
        if base and version:
            axes.plot([base.value, version.value], [y, y], color=SOFT, lw=4, zorder=2)
        for rate, color in ((base, DOT), (version, NIGHT)):
            if rate and rate.low is not None and rate.high is not None:
                axes.plot([rate.low, rate.high], [y, y], color=color, lw=1.3, zorder=3)
        if base:
            axes.plot(
                base.value, y, "o", mfc=PAPER, mec=DOT, mew=1.6, ms=7, zorder=4, clip_on=False
            )
        if version:
            axes.plot(version.value, y, "o", color=NIGHT, ms=8, zorder=5, clip_on=False)
        either = version or base
        count = f"  (n = {either.n})" if either else ""
        sheet.text(0.06, words.label(names, contrast.name) + count, 9.5, INK)
        sheet.text(0.94, _arrow(contrast), 9.5, INK if either else FAINT, ha="right")
        sheet.at += ROW_IN
    sheet.at -= ROW_IN / 2


def _arrow(contrast: Contrast | Guard) -> str:
    if contrast.base is None and contrast.version is None:
        return words.NOT_RUN
    before, after = (
        words.percent(rate.value if rate else None) for rate in (contrast.base, contrast.version)
    )
    return f"{before} → {after}"


def _matrix(sheet: _Sheet, morning: Morning) -> None:
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    sheet.heading("Night after night")
    nights = len(morning.nights)
    if nights == 0:
        return
    shades = LinearSegmentedColormap.from_list("night", [RAIL, NIGHT])
    axes = sheet.axes(nights + 1, left=0.2, width=min(0.74, 0.13 * nights))
    axes.set_xlim(0, nights)
    axes.set_ylim(nights, -1)
    for j in range(nights):
        heading = f"facts of night {j + 1}" if nights <= 5 else str(j + 1)
        axes.text(j + 0.5, -0.4, heading, ha="center", va="center", color=QUIET, fontsize=8)
    sheet.at += 1.5 * ROW_IN
    for k, row in enumerate(morning.matrix):
        sheet.text(0.06, f"after night {k + 1}", 9)
        sheet.at += ROW_IN
        for j, value in enumerate(row):
            shown = "·" if value is None and j > k else words.percent(value)
            color = FAINT if value is None else PAPER if value >= 0.55 else INK
            if value is not None:
                place = (j + 0.03, k + 0.06)
                axes.add_patch(Rectangle(place, 0.94, 0.88, facecolor=shades(value)))
            axes.text(j + 0.5, k + 0.5, shown, ha="center", va="center", color=color, fontsize=9.5)
    sheet.at -= ROW_IN / 2


def _gate(sheet: _Sheet, morning: Morning) -> None:
    sheet.heading("The gate")
    sheet.at += ROW_IN / 2
    if morning.decision is None:
        sheet.text(0.06, words.NOT_RUN, 9.5, FAINT)
        sheet.at += ROW_IN
        return
    for check in morning.decision.checks:
        mark, color = ("✓", GOOD) if check.passed else ("✗", BAD)
        sheet.text(0.06, mark, 11, color)
        sheet.text(0.09, words.label(words.CHECKS, check.name), 9.5, INK)
        sheet.text(0.34, textwrap.shorten(check.reason, 58, placeholder=" …"), 8.5)
        shown = "no test" if check.difference is None else words.points(check.difference)
        worst = "" if check.low is None else f", at worst {words.points(check.low)}"
        sheet.text(
            0.94, shown + worst, 9, INK if check.difference is not None else FAINT, ha="right"
        )
        sheet.at += ROW_IN
