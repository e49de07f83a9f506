"""Plots of lines, drawn by matplotlib as SVG pictures that follow the reader's light or dark mode."""

import dataclasses
import io
import math
import re
import threading
import typing
import warnings
from collections.abc import Sequence

import numpy as np

COLORS = (
    ("#0068b0", "#56b0f0"),
    ("#d04a00", "#ff8b45"),
    ("#00805f", "#3ecf9f"),
    ("#8d45a8", "#cb92e8"),
    ("#9a7200", "#e0b53c"),
    ("#b5204f", "#f5769b"),
    ("#3d4fd0", "#97a3ff"),
    ("#5c7a00", "#a8cc40"),
)
"""(on a light page, on a dark one) of lines; the lines after them are dashed."""

THEME = {f"c{n}": pair for n, pair in enumerate(COLORS)} | {
    "grey": ("#777777", "#999999"),
    "ink": ("#1b1b1b", "#ececec"),
    "soft": ("#636363", "#a2a2a2"),
    "faint": ("#e4e4e4", "#363636"),
}
"""CSS variable -> (on a light page, on a dark one); of the page's own style sheet too."""

_DASHES = (), (7, 4), (2, 3), (9, 3, 2, 3)
_DASHES_OF_GREY = (5, 4)
_SETTINGS: dict[typing.Any, typing.Any] = {
    "svg.hashsalt": "deepsim_jax",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 10.5,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
}
_DRAWING = threading.Lock()  # matplotlib's settings are global


class Series(typing.NamedTuple):
    """The lines of one entry of a plot's legend.

    Attributes:
      label: in the legend.
      lines: one list of (x, y) per seed; points without a finite y are left out.
      color: number of its colour, which it keeps in other plots; None: grey and dashed, for what the
        others are compared with.
    """

    label: str
    lines: Sequence
    color: int | None = 0

    @property
    def variable(self) -> str:
        """The CSS variable of its colour, see `THEME`."""
        return "grey" if self.color is None else f"c{self.color % len(COLORS)}"

    @property
    def dashes(self) -> tuple[int, ...]:
        """Lengths of strokes and gaps; none for a solid line."""
        if self.color is None:
            return _DASHES_OF_GREY
        return _DASHES[self.color // len(COLORS) % len(_DASHES)]


@dataclasses.dataclass(frozen=True)
class Plot:
    """Lines over their axes.

    A series of several lines (seeds) is drawn as thin lines, their median as a thick one, and the range
    from the lowest to the highest as a band, where all of them reach.

    Attributes:
      series: of `Series`; those without a point that has a place are left out.
      x_label: below the horizontal axis, with its unit.
      y_label: above the vertical axis, with its unit.
      log_x: whether the horizontal axis is logarithmic; points that it has no place for are left out.
    """

    kind: typing.ClassVar[str] = "plot"
    series: Sequence[Series]
    x_label: str
    y_label: str
    log_x: bool = False

    def __post_init__(self):
        series_with_points = [
            series._replace(lines=lines)
            for series in self.series
            if (lines := _with_place(series.lines, positive=self.log_x))
        ]
        object.__setattr__(self, "series", series_with_points)

    def __bool__(self):
        """Whether there is anything to show."""
        return bool(self.series)


@dataclasses.dataclass(frozen=True)
class PlotRow:
    """Plots in two columns, in one on a narrow screen."""

    kind: typing.ClassVar[str] = "plot_row"
    plots: Sequence[Plot]


def svg(plot: Plot) -> str:
    """An SVG file of a plot; the same plot always gives the same bytes."""
    import matplotlib

    content = io.StringIO()
    with _DRAWING, matplotlib.rc_context(), warnings.catch_warnings():
        # A viewer has its own fonts, whatever the one that is measured with here lacks.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        matplotlib.rcdefaults()  # without what the user's own settings would change
        matplotlib.rcParams.update(_SETTINGS)
        absent: dict[str, None] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        draw(plot).savefig(content, format="svg", transparent=True, metadata=absent)
    svg_text = content.getvalue()
    svg_text = svg_text[svg_text.index("<svg") :]
    for name, (light, _) in THEME.items():
        svg_text = svg_text.replace(light, f"var(--{name})")
    return svg_text.replace("</svg>", f"<style>{_style()}</style></svg>")


def draw(plot: Plot):
    """The `matplotlib.figure.Figure` of a plot that has points."""
    from matplotlib import figure

    canvas = figure.Figure(figsize=(6.4, 3.3), layout="constrained")
    axes = canvas.add_subplot()
    points = np.array([point for series in plot.series for line in series.lines for point in line], float)
    _scale_x(axes.xaxis, points[:, 0], log=plot.log_x)
    _scale_y(axes.yaxis, points[:, 1])
    ink, soft, faint = (THEME[name][0] for name in ("ink", "soft", "faint"))
    axes.grid(axis="y", color=faint)
    axes.set_axisbelow(True)
    axes.spines["bottom"].set_color(soft)
    axes.tick_params(colors=soft)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(_visible(plot.x_label), color=ink)
    axes.set_title(_visible(plot.y_label), color=ink, loc="left", fontsize="medium")
    for series in plot.series:
        _draw_series(axes, series)
    return canvas


def _style():
    light, dark = (";".join(f"--{name}:{pair[mode]}" for name, pair in THEME.items()) for mode in (0, 1))
    return (
        f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"
        "text{font-family:system-ui,sans-serif!important}"
    )


def _visible(text):
    """Text without characters that XML does not have."""
    return re.sub(
        "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\N{REPLACEMENT CHARACTER}", text
    )


def _with_place(lines, *, positive):
    """The lines, reduced to the points that have a place on the axes; empty lines are dropped."""
    placed = (
        [(x, y) for x, y in line if y is not None and math.isfinite(y) and (x > 0 or not positive)]
        for line in lines
    )
    return [line for line in placed if line]


def _scale_x(axis, values, *, log):
    """Limits at the first and the last value, with round numbers between them as ticks."""
    from matplotlib import ticker

    low, high = float(values.min()), float(values.max())
    if log:
        axis.axes.set_xscale("log")
        axis.set_minor_locator(ticker.NullLocator())
    ticks = _log_ticks(low, high) if log else _linear_ticks(values, low, high)
    axis.set_ticks(ticks, [f"{tick:,.10g}" for tick in ticks])
    if low < high:
        axis.axes.set_xlim(low, high)
    else:
        axis.axes.set_xlim((low / 2, low * 2) if log else (low - 0.5, low + 0.5))
    axis.axes.margins(x=0)


def _linear_ticks(values, low, high):
    if low == high:
        return [low]
    integral = bool((values == np.round(values)).all())
    slack = 1e-9 * (high - low)
    return [tick for tick in _round_numbers(low, high, integral) if low - slack <= tick <= high + slack]


def _round_numbers(low, high, integral=False):
    """Round numbers, at most six steps of them, from the last below the range to the first above it."""
    from matplotlib import ticker

    locator = ticker.MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=integral)
    return [float(f"{tick:.10g}") for tick in locator.tick_values(low, high)]


def _log_ticks(low, high):
    """1, 2 and 5 times powers of ten within the range; only the powers where those would be many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [
        tick
        for power in powers
        for factor in (1, 2, 5)
        if low <= (tick := float(f"{factor}e{power}")) <= high
    ]
    ticks = [tick for tick in ticks if math.log10(tick).is_integer()] if len(ticks) > 8 else ticks
    return ticks or _linear_ticks(np.array([low, high]), low, high)


def _scale_y(axis, values):
    """Limits at round numbers around the values, at zero if that is near."""
    low, high = float(values.min()), float(values.max())
    if 0 < low < high / 2:
        low = 0.0
    if high == low:
        low, high = (low, low + 1) if low == 0 else (low - abs(low) / 10, low + abs(low) / 10)
    ticks = _round_numbers(low, high)
    digits = max(len(f"{tick:.10f}".rstrip("0").partition(".")[2]) for tick in ticks)
    axis.set_ticks(ticks, [f"{tick:,.{digits}f}" for tick in ticks])
    axis.axes.set_ylim(ticks[0], ticks[-1])


def _draw_series(axes, series):
    color = THEME[series.variable][0]
    thick = series.lines
    if len(series.lines) > 1:
        for line in series.lines:
            axes.plot(*zip(*line, strict=True), color=color, alpha=0.55, linewidth=0.7)
        thick, xs, low, high = _spread(series.lines)
        if xs:
            axes.fill_between(xs, low, high, color=color, alpha=0.14, linewidth=0)
    for line in thick:
        axes.plot(
            *zip(*line, strict=True),
            color=color,
            linewidth=1.6,
            linestyle=(0, series.dashes) if series.dashes else "-",
            marker="o" if len(line) <= 15 else None,
            markersize=3.5,
            clip_on=False,
        )


def _spread(lines):
    """(the median as a list of lines, places, lowest, highest) of lines, where all of them reach."""
    lines = [sorted(line) for line in lines]
    start, end = max(line[0][0] for line in lines), min(line[-1][0] for line in lines)
    xs = sorted({x for line in lines for x, _ in line if start <= x <= end})
    if not xs:
        return [], [], [], []
    ys = np.array([np.interp(xs, *zip(*line, strict=True)) for line in lines])
    return [list(zip(xs, np.median(ys, 0), strict=True))], xs, ys.min(0), ys.max(0)
