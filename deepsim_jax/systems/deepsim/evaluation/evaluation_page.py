"""The page of an evaluation of one network (`evaluation.json`)."""

import pathlib

from deepsim_jax.reports import measured, page, plots, table
from deepsim_jax.reports.blocks import Block, Folded, Heading, Note, Warn, machine_note
from deepsim_jax.reports.measured import counted
from deepsim_jax.systems.deepsim.evaluation import comparison
from deepsim_jax.systems.deepsim.evaluation.held_out import TRUE_FRAMES

MAIN = "lpips_alex", "changed_lpips", "following_f1", "sifid_64", "ssim", "psnr"
"""Columns that are plotted at once; plots of the others are folded."""


def write(folder: pathlib.Path) -> pathlib.Path:
    """Writes `report.html` from a folder's `evaluation.json` and returns its path.

    Raises:
      UserError: the file is missing, damaged or has unknown columns.
    """
    folder = pathlib.Path(folder)
    results = measured.read(folder / "evaluation.json")
    rows = results["rows"]
    frames = counted(len(rows[0]["frames"]), "other frame")
    height, width = results["size"]
    trained = ", ".join(
        f"{name}: {results[name]}"
        for name in ("steps", "config", "seed")
        if results.get(name) is not None
    )
    curves = [{"label": "trained network", "color": 0, "lines": [results.get("heldout", ())]}]
    blocks = [
        *_means(results),
        *_strips(folder, results),
        *_frame_plots(results),
        *comparison.heldout_plots(curves, "During training"),
        Heading("Every frame"),
        *(Folded(row["label"], [_frames_table(row, results)]) for row in rows),
        *measured.about_columns(results),
        *_facts(results),
    ]
    return page.write(
        folder / "report.html",
        f"{results['sequence']}: the frames that were not trained on",
        blocks,
        subtitle=(
            f"Trained on frame {results['train_frame']} only, at {width}×{height} px; {trained}. "
            f"Compared with the true pictures of {frames}."
        ),
    )


def _means(results) -> list[Block]:
    rows = results["rows"]
    primitive = {
        "primitive": results["primitive"]["kind"],
        "edges_from": results["primitive"]["edges_from"],
    }
    lines = [
        [row["label"], comparison.primitive_cell({**row, **primitive}), *comparison.means(row, results)]
        for row in rows
    ]
    columns = [table.Column(""), table.Column("Test primitive"), *measured.heads(results)]
    return [
        *([Warn(comparison.LEAK)] if primitive["edges_from"] == TRUE_FRAMES else []),
        Heading(f"Mean over {counted(len(rows[0]['frames']), 'frame')}"),
        table.Table(columns, lines, muted=comparison.unchanged(rows)),
    ]


def _strips(folder, results) -> list[Block]:
    blocks: list[Block] = []
    for strip in results.get("strips", ()):
        blocks += [
            Heading(f"Frame {strip['frame']}", 3),
            measured.strip(folder, strip["pictures"]),
        ]
    return [Heading("Pictures"), *blocks] if blocks else []


def _frame_plots(results) -> list[Block]:
    """The plots over frames: the main columns open, the others folded."""
    rows = results["rows"]
    names = [frame["frame"] for frame in rows[0]["frames"]]
    numbered = all(name.isdecimal() for name in names)
    places = {name: int(name) if numbered else n for n, name in enumerate(names, 1)}
    plotted = {}
    for key in results["columns"]:
        series = [
            plots.Series(
                row["label"],
                [[(places[f["frame"]], f.get(key)) for f in row["frames"] if f["frame"] in places]],
                None if comparison.is_unchanged(row) else n,
            )
            for n, row in enumerate(rows)
        ]
        x_label = "frame" if numbered else "frame, in order"
        plotted[key] = plots.Plot(series, x_label, comparison.titled(key))
    main = plots.PlotRow([plot for key, plot in plotted.items() if key in MAIN])
    other_plots = [plot for key, plot in plotted.items() if key not in MAIN]
    folded = [Folded("The other columns", [plots.PlotRow(other_plots)])] if other_plots else []
    return [Heading("Over the frames"), main, *folded]


def _frames_table(row, results):
    columns = [table.Column("Frame"), *measured.heads(results)]
    lines = [
        [frame["frame"], *(frame.get(key) for key in measured.shown(results))] for frame in row["frames"]
    ]
    return table.Table(columns, lines, competing=())


def _facts(results) -> list[Block]:
    """That pictures are shrunk, how long it took, and on what machine."""
    blocks: list[Block] = [Note(measured.SHRUNK)] if results.get("strips") else []
    seconds = results.get("seconds", {})
    if seconds:
        durations = ", ".join(f"{name} {value:g}" for name, value in seconds.items() if name != "frames")
        frames = f", for {counted(seconds['frames'], 'frame')}" if "frames" in seconds else ""
        blocks.append(Note(f"Seconds: {durations}{frames}."))
    return blocks + machine_note(results.get("machine", {}))
