"""Lines, axes and colours of plots, and the SVG that is made of them."""

import math
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

import numpy as np
import pytest

from deepsim_jax.reports import page, plots
from deepsim_jax.reports.plots import Plot, Series


def plot(*series, x_label="step", y_label="LPIPS, lower is better", log_x=False):
    return Plot(series, x_label, y_label, log_x)


def axes(*series, **options):
    return plots.draw(plot(*series, **options)).axes[0]


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def lines(drawn):
    return [line.get_xydata().tolist() for line in drawn.lines]


def test_lines_hold_their_points_and_axes_their_labels():
    drawn = axes(Series("a", [[(0, 0.0), (5, 1.0), (10, 0.5)]]))
    assert lines(drawn) == [[[0, 0], [5, 1], [10, 0.5]]]
    assert drawn.get_xlabel() == "step" and drawn.get_title(loc="left") == "LPIPS, lower is better"
    assert drawn.get_xlim() == (0, 10) and drawn.get_ylim() == (0, 1)
    assert dict(zip(labels(drawn.xaxis), drawn.get_xticks(), strict=True)) == {
        str(x): x for x in range(0, 11, 2)
    }


@pytest.mark.parametrize(
    "ys, expected",
    [
        ((0.05, 0.19), ["0.00", "0.05", "0.10", "0.15", "0.20"]),
        ((19.0, 21.0), ["19.0", "19.5", "20.0", "20.5", "21.0"]),
        ((0.0, 1800.0), ["0", "500", "1,000", "1,500", "2,000"]),
        ((-0.3, 0.2), ["-0.3", "-0.2", "-0.1", "0.0", "0.1", "0.2"]),
        ((0.0, 0.0), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ],
)
def test_ticks_are_round_numbers_around_the_values(ys, expected):
    drawn = axes(Series("", [list(enumerate(ys))]))
    assert labels(drawn.yaxis) == expected
    low, high = drawn.get_ylim()
    assert low <= min(ys) and max(ys) <= high


def test_whole_numbers_have_whole_ticks():
    drawn = axes(Series("", [[(1, 0.5), (2, 0.25), (3, 0.4)]]), x_label="frame")
    assert labels(drawn.xaxis) == ["1", "2", "3"]


def test_seeds_are_thin_their_median_thick_and_their_range_a_band():
    seeds = [[(0, 0.0), (10, 1.0)], [(0, 1.0), (10, 3.0)], [(0, 0.5), (10, 4.0)]]
    drawn = axes(Series("a", seeds))
    *thin, median = drawn.lines
    assert [line.get_xydata().tolist() for line in thin] == [[list(p) for p in seed] for seed in seeds]
    assert median.get_xydata().tolist() == [[0, 0.5], [10, 3]]
    assert all(line.get_linewidth() < median.get_linewidth() / 2 for line in thin)
    (band,) = drawn.collections
    corners = {tuple(point) for point in band.get_paths()[0].vertices.tolist()}
    assert corners == {(0, 0), (0, 1), (10, 1), (10, 4)}


def test_the_median_ends_where_a_seed_ends():
    drawn = axes(Series("a", [[(0, 1.0), (10, 1.0), (20, 1.0)], [(5, 3.0), (15, 3.0)]]))
    assert lines(drawn)[-1] == [[5, 2], [10, 2], [15, 2]]
    apart = axes(Series("a", [[(0, 1.0), (1, 1.0)], [(5, 3.0), (6, 3.0)]]))
    assert len(apart.lines) == 2 and not apart.collections


def test_points_without_a_value_are_left_out(parse):
    points = [(1, 1.0), (2, None), (3, math.nan), (4, math.inf), (5, 2.0)]
    made = plot(Series("a", [points]), Series("empty", [[]]))
    assert [series.label for series in made.series] == ["a"]
    assert lines(plots.draw(made).axes[0]) == [[[1, 1], [5, 2]]]
    nothing = plot(Series("a", [[(1, None)]]))
    assert made and not nothing and not plot()
    found = parse(page.render("a", [plots.PlotRow([made, nothing, plot()])]))
    assert [alt for alt, *_ in found.images] == ["LPIPS, lower is better over step"]
    assert "empty" not in found.text


def test_a_single_point_is_a_dot():
    drawn = axes(Series("a", [[(5, 0.1)]]))
    (line,) = drawn.lines
    assert line.get_marker() == "o" and labels(drawn.xaxis) == ["5"]
    assert drawn.get_xlim() == (4.5, 5.5)
    for log_x in (False, True):
        assert "nan" not in plots.svg(plot(Series("a", [[(5, 0.1)]]), log_x=log_x))


def test_dots_mark_few_points_only():
    few, many = ([(x, float(x)) for x in range(count)] for count in (15, 16))
    (short,), (long,) = (axes(Series("a", [line])).lines for line in (few, many))
    assert short.get_marker() == "o" and long.get_marker() == "None"


def test_series_differ_in_colour_or_dashes(parse):
    series = [Series(str(n), [[(0, n), (1, n)]], n) for n in range(20)]
    series.append(Series("compared with", [[(0, 1), (1, 1)]], None))
    looks = [(one.variable, one.dashes) for one in series]
    assert len(set(looks)) == 21 and looks[0] == ("c0", ()) and looks[-1] == ("grey", (5, 4))
    assert [axes(one).lines[0].get_color() for one in series[:8]] == [light for light, _ in plots.COLORS]
    found = parse(page.render("a", [plot(*series)]))
    keys = [attrs for tag, attrs in found.tags if tag == "line"]
    assert [(key["stroke"], key.get("stroke-dasharray", "")) for key in keys] == [
        (f"var(--{name})", " ".join(map(str, dashes))) for name, dashes in looks
    ]


def test_a_plot_follows_light_and_dark_mode():
    source = plots.svg(plot(Series("a", [[(0, 1), (1, 2)]], 3), Series("b", [[(0, 1), (1, 1)]], None)))
    drawing, style = source.split("<style>:root", 1)
    assert {"c3", "grey", "ink", "soft", "faint"} == set(re.findall(r"var\(--(\w+)\)", drawing))
    light, dark = style.split("@media(prefers-color-scheme:dark)")
    for name, pair in plots.THEME.items():
        assert f"--{name}:{pair[0]}" in light and f"--{name}:{pair[1]}" in dark


def test_an_svg_needs_nothing_else_and_holds_its_texts():
    source = plots.svg(plot(Series("a", [[(0, 1), (1, 2)]]), y_label="größer <b> & 日本 $x$ \x07"))
    texts = [node.text for node in xml.fromstring(source).iter("{http://www.w3.org/2000/svg}text")]
    assert "größer <b> & 日本 $x$ \N{REPLACEMENT CHARACTER}" in texts and "step" in texts
    outside = re.sub(r'xmlns(:xlink)?="[^"]*"', "", source)
    assert not re.search(r"https?:|@import|<script", outside)
    assert all(link.startswith("#") for link in re.findall(r'href="([^"]*)"', source))


def test_the_same_plot_has_the_same_bytes_in_every_process():
    program = (
        "import hashlib; from deepsim_jax.reports.plots import *; "
        "picture = svg(Plot([Series('a', [[(0, 1), (1, 2)]])], 'x', 'y')); "
        "print(hashlib.sha256(picture.encode()).hexdigest())"
    )
    first, second = (
        subprocess.run([sys.executable, "-c", program], check=True, text=True, capture_output=True).stdout
        for _ in range(2)
    )
    assert first == second and len(first) == 65


def test_settings_of_the_user_change_nothing():
    import matplotlib

    one = plot(Series("a", [[(0, 1), (1, 2)]]))
    before = plots.svg(one)
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "svg.fonttype": "path"}):
        assert plots.svg(one) == before
        assert matplotlib.rcParams["font.size"] == 30


def test_matplotlib_is_imported_when_something_is_plotted():
    program = (
        "import sys; from deepsim_jax import main; from deepsim_jax.reports import page; "
        "assert not {'matplotlib', 'jinja2'} & set(sys.modules); page.render('a', []); "
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_logarithmic_axis_gives_each_factor_the_same_width():
    drawn = axes(Series("a", [[(0, 9.0), (1, 1.0), (10, 2.0), (100, 0.0)]]), x_label="TFLOP", log_x=True)
    assert lines(drawn) == [[[1, 1], [10, 2], [100, 0]]]  # nothing at 0
    xs = drawn.transData.transform([(1, 0), (10, 0), (100, 0)])[:, 0]
    assert np.diff(xs)[0] == pytest.approx(np.diff(xs)[1])
    assert labels(drawn.xaxis) == ["1", "2", "5", "10", "20", "50", "100"]
    few = axes(Series("", [[(0.02, 1.0), (3e4, 2.0)]]), log_x=True)
    assert labels(few.xaxis) == ["0.1", "1", "10", "100", "1,000", "10,000"]
    narrow = axes(Series("", [[(2.1, 1.0), (4.5, 2.0)]]), log_x=True)
    assert labels(narrow.xaxis) == ["2.5", "3", "3.5", "4", "4.5"]
