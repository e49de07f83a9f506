import math
import re

import pytest

from deepsim_jax import pages, plots


def lines(plot, kind="polyline"):
    """Points of the lines of a kind, as [[(x, y), ...], ...], and their attributes."""
    found = re.findall(rf"<{kind} ([^>]*)points='([^']*)'", plot)
    return [([tuple(map(float, p.split(","))) for p in points.split()], attrs) for attrs, points in found]


def texts(plot):
    return re.findall(r"<text[^>]*>([^<]*)</text>", plot)


def plot(*series, x_label="step", y_label="LPIPS, lower is better"):
    return plots.line_plot(series, x_label=x_label, y_label=y_label)


def test_points_stand_where_the_axes_say():
    drawn = plot(plots.Series("a", [[(0, 0.0), (5, 1.0), (10, 0.5)]]))
    (line, _), = lines(drawn)
    place = {label: (float(x), float(y)) for x, y, label in re.findall(
        r"<text class='soft' x='([\d.]+)' y='([\d.]+)'[^>]*>([^<]*)<", drawn)}
    assert [x for x, _ in line] == [place["0"][0], pytest.approx(
        (place["0"][0] + place["10"][0]) / 2, abs=0.1), place["10"][0]]
    level = {label: y - 5 for label, (_, y) in place.items()}  # text hangs 5 below its grid line
    assert [y for _, y in line] == pytest.approx(
        [level["0.0"], level["1.0"], (level["0.4"] + level["0.6"]) / 2], abs=0.11)
    assert {"step", "LPIPS, lower is better"} <= set(texts(drawn)) and "<span>" in drawn


@pytest.mark.parametrize("ys, expected", [
    ((0.05, 0.19), ["0.00", "0.05", "0.10", "0.15", "0.20"]),
    ((19.0, 21.0), ["19.0", "19.5", "20.0", "20.5", "21.0"]),
    ((0.0, 1800.0), ["0", "500", "1,000", "1,500", "2,000"]),
    ((-0.3, 0.2), ["-0.3", "-0.2", "-0.1", "0.0", "0.1", "0.2"]),
    ((0.0, 0.0), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
])
def test_ticks_are_round_numbers_around_the_values(ys, expected):
    shown = texts(plot(plots.Series("", [list(enumerate(ys))])))
    assert shown[: len(expected)] == expected


def test_whole_numbers_have_whole_ticks():
    shown = texts(plot(plots.Series("", [[(1, 0.5), (2, 0.25), (3, 0.4)]]), x_label="frame"))
    assert shown[-5:-2] == ["1", "2", "3"]


def test_seeds_are_thin_their_median_thick_and_their_range_a_band():
    seeds = [[(0, 0.0), (10, 1.0)], [(0, 1.0), (10, 3.0)], [(0, 0.5), (10, 4.0)]]
    drawn = plot(plots.Series("a", seeds))
    found = lines(drawn)
    assert [("seed" in attrs) for _, attrs in found] == [True, True, True, False]
    assert found[3][0] == [found[2][0][0], found[1][0][1]]  # medians 0.5 and 3
    (band, _), = lines(drawn, "polygon")
    assert band == [found[1][0][0], found[2][0][1], found[0][0][1], found[0][0][0]]


def test_the_median_ends_where_a_seed_ends():
    found = lines(plot(plots.Series("a", [[(0, 1.0), (10, 1.0), (20, 1.0)], [(5, 3.0), (15, 3.0)]])))
    (long, _), (short, _), (median, _) = found
    assert [x for x, _ in median] == [short[0][0], long[1][0], short[1][0]]
    assert [y for _, y in median] == pytest.approx([(long[0][1] + short[0][1]) / 2] * 3, abs=0.1)
    apart = plot(plots.Series("a", [[(0, 1.0), (1, 1.0)], [(5, 3.0), (6, 3.0)]]))
    assert len(lines(apart)) == 2 and not lines(apart, "polygon")


def test_points_without_a_value_are_left_out():
    drawn = plot(plots.Series("a", [[(1, 1.0), (2, None), (3, math.nan), (4, math.inf), (5, 2.0)]]),
                 plots.Series("empty", [[]]))
    (line, _), = lines(drawn)
    assert len(line) == 2 and "empty" not in drawn
    assert plot(plots.Series("a", [[(1, None)]])) == "" == plot()


def test_a_single_point_is_a_dot():
    drawn = plot(plots.Series("a", [[(5, 0.1)]]))
    assert not lines(drawn) and drawn.count("<circle") == 1 and "nan" not in drawn


def test_series_differ_in_colour_or_dashes():
    drawn = plot(*(plots.Series(str(n), [[(0, n), (1, n)]], n) for n in range(20)),
                 plots.Series("compared with", [[(0, 1), (1, 1)]], None))
    styles = re.findall(r"<g style='([^']*)'><polyline [^>]*?(?:stroke-dasharray='([^']*)')?/>", drawn)
    assert len(set(styles)) == len(styles) == 21
    assert styles[-1] == ("--color:var(--grey)", "5 4")
    used = set(re.findall(r"var\((--\w+)\)", drawn))
    assert all(pages.STYLE.count(f"{name}: #") == 2 for name in used)  # light and dark


def test_labels_are_escaped():
    drawn = plots.row_of_plots([plot(plots.Series("<b>", [[(0, 1)]]), x_label="<b>", y_label="<b>'")])
    assert "<b>" not in drawn and drawn.count("&lt;b&gt;") == 5


def test_a_logarithmic_axis_gives_each_factor_the_same_width():
    drawn = plots.line_plot([plots.Series("a", [[(0, 9.0), (1, 1.0), (10, 2.0), (100, 0.0)]])],
                            x_label="TFLOP", y_label="LPIPS", log_x=True)
    (line, _), = lines(drawn)
    (a, _), (b, _), (c, _) = line  # nothing at 0
    assert b - a == pytest.approx(c - b, abs=0.11) and a == 62
    assert [t for t in texts(drawn) if t in ("1", "2", "5", "10", "20", "50", "100")] == [
        "1", "2", "5", "10", "20", "50", "100"]
    few = texts(plots.line_plot([plots.Series("", [[(0.02, 1.0), (3e4, 2.0)]])], x_label="TFLOP",
                                y_label="LPIPS", log_x=True))
    assert {"0.1", "1", "10", "100", "1,000", "10,000"} <= set(few) and "5" not in few
