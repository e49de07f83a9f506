"""Plots of lines as SVG within a page, in its colours, for light and dark mode."""

import math
import typing

import numpy as np

from deepsim_jax.pages import Html, markup

COLORS = 8
"""How many colours lines have; the ones after them are dashed."""

_DASHES = "", "7 4", "2 3", "9 3 2 3"
_WIDTH, _HEIGHT = 640, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 32, 46


class Series(typing.NamedTuple):
    """What one entry of a plot's legend stands for.

    Attributes:
      label: in the legend.
      lines: one list of (x, y) per seed; points without a finite y are left out.
      color: number of its colour, which it keeps in other plots; None: grey and dashed, for what the
        others are compared with.
    """

    label: str
    lines: list
    color: int | None = 0


def row_of_plots(plots) -> Html:
    """Plots in two columns, in one on a narrow screen."""
    return Html(f"<div class='plots'>{''.join(plots)}</div>")


def line_plot(series, *, x_label: str, y_label: str, log_x: bool = False) -> Html:
    """Lines over their axes, as an SVG within the page.

    A series of several lines (seeds) is drawn as thin lines, their median as a thick one, and the range
    from the lowest to the highest as a band, where all of them reach.

    Args:
      series: of `Series`.
      x_label: below the horizontal axis, with its unit.
      y_label: above the vertical axis, with its unit.
      log_x: whether the horizontal axis is logarithmic; points that it has no place for are left out.

    Returns:
      The plot, or nothing if no point has a finite value.
    """
    kept = [(s, lines) for s in series if (lines := _clean(s.lines, positive=log_x))]
    points = np.array([point for _, lines in kept for line in lines for point in line], float)
    if not len(points):
        return Html("")
    x_ticks = _log_ticks(points[:, 0]) if log_x else _ticks(points[:, 0], within=True)
    y_ticks = _ticks(points[:, 1], within=False)
    left, right = points[:, 0].min(), points[:, 0].max()
    scale = np.log10 if log_x else np.asarray

    def place(xy):
        xy = np.asarray(xy, float)
        share_x = ((scale(xy[:, 0]) - scale(left)) / (scale(right) - scale(left)) if right > left
                   else np.full(len(xy), 0.5))
        share_y = (xy[:, 1] - y_ticks[0]) / (y_ticks[-1] - y_ticks[0])
        return list(zip(_LEFT + share_x * (_WIDTH - _LEFT - _RIGHT),
                        _HEIGHT - _BOTTOM - share_y * (_HEIGHT - _TOP - _BOTTOM), strict=True))

    drawn = [_axes(place, x_ticks, y_ticks, left, x_label, y_label)]
    drawn += [_draw(s, lines, place) for s, lines in kept]
    legend = "".join(f"<span><svg class='key' style='{_color(s)}' viewBox='0 0 26 10' aria-hidden='true'>"
                     f"<line x1='0' y1='5' x2='26' y2='5'{_dash(s)}/></svg>{markup(s.label)}</span>"
                     for s, _ in kept)
    return Html(f"<figure><svg viewBox='0 0 {_WIDTH} {_HEIGHT}' role='img' "
                f"aria-label='{markup(f'{y_label} over {x_label}')}'>{''.join(drawn)}</svg>"
                + (f"<figcaption class='legend'>{legend}</figcaption>" if kept[0][0].label else "")
                + "</figure>")


def _clean(lines, *, positive):
    kept = ([(x, y) for x, y in line if y is not None and math.isfinite(y) and (x > 0 or not positive)]
            for line in lines)
    return [line for line in kept if line]


def _ticks(values, *, within, count=5):
    """Round numbers of an axis: those within the values, or around them and with zero if it is near."""
    low, high = float(values.min()), float(values.max())
    if not within and 0 < low < high / 2:
        low = 0.0
    if high == low:
        if within:
            return [low]
        low, high = (low, low + 1) if low == 0 else (low - abs(low) / 10, low + abs(low) / 10)
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(f * power for f in (1, 2, 5, 10) if f * power >= rough * 0.999)
    if within and (values == np.round(values)).all():
        step = max(step, 1.0)
    first, last = low / step, high / step
    first, last = ((math.ceil(first - 1e-9), math.floor(last + 1e-9)) if within
                   else (math.floor(first + 1e-9), math.ceil(last - 1e-9)))
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return [round(i * step, digits) for i in range(first, last + 1)]


def _log_ticks(values):
    """1, 2 and 5 times powers of ten within the values; only the powers where those would be many."""
    low, high = float(values.min()), float(values.max())
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [tick for power in powers for factor in (1, 2, 5)
             if low <= (tick := float(f"{factor}e{power}")) <= high]
    ticks = [tick for tick in ticks if math.log10(tick).is_integer()] if len(ticks) > 8 else ticks
    return ticks or _ticks(values, within=True)


def _axes(place, x_ticks, y_ticks, left, x_label, y_label):
    bottom, parts = _HEIGHT - _BOTTOM, []
    digits = max((len(f"{t:.10f}".rstrip("0").partition(".")[2]) for t in y_ticks), default=0)
    for tick in y_ticks:
        y = place([(left, tick)])[0][1]
        parts.append(f"<line class='grid' x1='{_LEFT}' x2='{_WIDTH - _RIGHT}' y1='{y:.1f}' y2='{y:.1f}'/>"
                     f"<text class='soft' x='{_LEFT - 8}' y='{y + 5:.1f}' text-anchor='end'>"
                     f"{tick:,.{digits}f}</text>")
    for tick in x_ticks:
        x = place([(tick, y_ticks[0])])[0][0]
        parts.append(f"<line class='axis' x1='{x:.1f}' x2='{x:.1f}' y1='{bottom}' y2='{bottom + 5}'/>"
                     f"<text class='soft' x='{x:.1f}' y='{bottom + 20}' text-anchor='middle'>"
                     f"{tick:,.10g}</text>")
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f"<line class='axis' x1='{_LEFT}' x2='{_WIDTH - _RIGHT}' y1='{bottom}' y2='{bottom}'/>"
                 f"<text x='{middle}' y='{_HEIGHT - 6}' text-anchor='middle'>{markup(x_label)}</text>"
                 f"<text x='0' y='16'>{markup(y_label)}</text>")
    return "".join(parts)


def _draw(series, lines, place):
    def path(line):
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in place(line))

    parts = []
    thick = lines
    if len(lines) > 1:
        parts += [f"<polyline class='seed' points='{path(line)}'/>" for line in lines]
        thick, band = _median(lines)
        parts += [f"<polygon points='{path(band)}'/>"] if band else []
    for line in thick:
        parts.append(f"<polyline points='{path(line)}'{_dash(series)}/>" if len(line) > 1 else "")
        if len(line) <= 15:
            parts += [f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3'/>" for x, y in place(line)]
    return f"<g style='{_color(series)}'>{''.join(parts)}</g>"


def _median(lines):
    """The median of lines, as a list of lines, and the outline of their range, where all reach."""
    lines = [sorted(line) for line in lines]
    start, end = max(line[0][0] for line in lines), min(line[-1][0] for line in lines)
    xs = sorted({x for line in lines for x, _ in line if start <= x <= end})
    if not xs:
        return [], []
    ys = np.array([np.interp(xs, *zip(*line, strict=True)) for line in lines])
    low, high = ys.min(0), ys.max(0)
    band = [*zip(xs, high, strict=True), *zip(xs[::-1], low[::-1], strict=True)]
    return [list(zip(xs, np.median(ys, 0), strict=True))], band


def _color(series):
    name = "grey" if series.color is None else f"c{series.color % COLORS}"
    return f"--color:var(--{name})"


def _dash(series):
    pattern = "5 4" if series.color is None else _DASHES[series.color // COLORS % len(_DASHES)]
    return f" stroke-dasharray='{pattern}'" if pattern else ""
