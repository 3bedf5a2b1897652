"""Curves of pass@k as one picture (PNG), each with its band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO

COLOURS = ("#8a8f98", "#c8853d", "#2c4a86", "#2a7350")
Curve = Sequence[tuple[int, float, float, float]]
"""Points (k, value, low, high)."""


def draw_passes(curves: Mapping[str, Curve], title: str) -> bytes:
    """Draw pass@k over k, which doubles from mark to mark.

    Args:
        curves: Name -> its points; drawn in their order, the last on top.
        title: Above the picture.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), dpi=140, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, (name, points) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        ks, values, lows, highs = zip(*points, strict=True) if points else ((), (), (), ())
        axes.fill_between(ks, lows, highs, color=colour, alpha=0.15, linewidth=0)
        axes.plot(ks, values, color=colour, marker="o", markersize=4, linewidth=2, label=name)
    axes.set_xscale("log", base=2)
    ticks = sorted({k for points in curves.values() for k, *_ in points})
    axes.set_xticks(ticks, [str(k) for k in ticks])
    axes.minorticks_off()
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("k (draws)")
    axes.set_ylabel("pass@k over held-out tasks, with 95% band")
    axes.set_title(title.replace("$", r"\$"), fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    if curves:
        axes.legend(frameon=False, fontsize=9)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
