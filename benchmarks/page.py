"""One self-contained page of what the benchmarks have written; what was not measured is named.

    python benchmarks/page.py [benchmarks/results results/other.json ...] [--output report.html]

Takes JSON files of the benchmarks and folders of them. Several of one benchmark are shown one below
the other.
"""

import argparse
import json
import pathlib
import sys

import record

from deepsim_jax.errors import UserError
from deepsim_jax.reports import page as report_page
from deepsim_jax.reports.blocks import Bullets, Folded, Heading, Note, Warn
from deepsim_jax.reports.plots import Plot, PlotRow, Series
from deepsim_jax.reports.table import Cell, Column, Table

DIRECTIONS = "forward", "input", "kernel"
LEAK = (
    "Edges are drawn from the true test frames: the drawing then holds outlines of the very picture "
    "that is to be predicted."
)


def shown(value: float | None) -> str:
    """A figure to three digits, with none in front of the point lost."""
    if value is None:
        return "–"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"


def spread(of: dict):
    """A median with its range below, where there is one."""
    if of["low"] == of["high"]:
        return shown(of["median"])
    return Cell(shown(of["median"]), below=(f"{shown(of['low'])}–{shown(of['high'])}",))


def table(labels, rows) -> Table:
    """A table of cells that are text already; the first column names the rows."""
    return Table([Column(labels[0]), *(Column(label, 0) for label in labels[1:])], rows)


def step(found) -> list:
    parts = []
    for size, of in found["sizes"].items():
        rows = [
            [
                "whole step",
                shown(of["seconds_per_step"]),
                "",
                shown(of["gflops"]),
                percent(of["share_of_peak"]),
            ]
        ]
        rows += [
            [
                name,
                shown(part["seconds"]),
                percent(part["share_of_step"]),
                shown(part["gflops"]) if "gflops" in part else "",
                percent(part["share_of_peak"]) if "gflops" in part else "",
            ]
            for name, part in of["parts"].items()
        ]
        way, memory = of["of_these"], of["memory_gib"]
        parts += [
            Heading(f"{found['config']}, {size}, batch {found['batch']}, {of['peak']['dtype']}", 3),
            table(["", "seconds", "of the step", "GFLOP/s", "of the peak"], rows),
            Note(
                f"Peak: {shown(of['peak']['gflops'])} GFLOP/s. Arithmetic: {shown(2 * of['gmac'])} GFLOP "
                f"a step. First step done {shown(of['seconds_from_start_to_first_step'])} s after the "
                f"start of the process: imports and building {shown(way['imports_and_building'])} s, "
                f"initial state {shown(way['initial_state'])} s, then waiting for the compiler, which "
                f"took {shown(way['compiling'])} s in all, and the step "
                f"{shown(way['waiting_and_first_step'])} s. Peak memory: "
                + ", ".join(f"{name} {shown(gib)} GiB" for name, gib in memory.items())
                + "."
            ),
        ]
    return [
        *parts,
        Note(
            "The parts are programs of their own that hold some work twice or not at all: their sum is "
            "near the step's time. Parts without GFLOP/s are not made of convolutions."
        ),
    ]


def gpu(found) -> list:
    if "not_measured" in found:
        return [Warn(f"{found['not_measured']}.")]
    parts = []
    for size, of in found["sizes"].items():
        said = [
            f"{name.replace('_', ' ')}: {shown(value)}"
            for name, value in of.items()
            if name.startswith("seconds_for")
        ]
        rows = [
            [
                batch,
                *(
                    [row["not_measured"], "", "", "", ""]
                    if "not_measured" in row
                    else [
                        shown(1e3 * row["seconds_per_step"]),
                        shown(row["samples_per_second"]),
                        shown(row["gflops"] / 1e3),
                        percent(row["share_of_peak"]),
                        shown(row["device_memory_gib"]),
                    ]
                ),
            ]
            for batch, row in of["batches"].items()
        ]
        parts += [
            Heading(f"{found['config']}, {size}, {found['dtype']}", 3),
            *(Note(f"{line.capitalize()}.") for line in said),
            table(["batch", "ms a step", "samples/s", "TFLOP/s", "of the peak", "GiB"], rows),
        ]
    return parts


def conv(found) -> list:
    headings = [
        Column("network"),
        *(
            Column(name, 0, group=direction)
            for direction in DIRECTIONS
            for name in ("ours, ms", "plain, ms", "times faster")
        ),
    ]
    rows = []
    for network, of in found["sums_ms"].items():
        row = [network]
        for direction in DIRECTIONS:
            ms = of.get(direction)
            row += (
                [shown(ms["ours"]), shown(ms["plain"]), shown(ms["plain"] / ms["ours"])]
                if ms
                else ["", "", ""]
            )
        rows.append(row)
    each = [
        [
            name,
            shown(2 * of["gmac"]),
            *(
                cell
                for d in DIRECTIONS
                for cell in (
                    (of[d]["path"], shown(of[d]["ours"]["gflops"]), shown(of[d]["plain"]["gflops"]))
                    if d in of
                    else ("", "", "")
                )
            ),
        ]
        for name, of in found["layers"].items()
    ]
    labels = [
        Column("layer"),
        Column("GFLOP", 0),
        *(
            heading
            for d in DIRECTIONS
            for heading in (
                Column("way", group=d),
                Column("ours, GFLOP/s", 0, group=d),
                Column("plain, GFLOP/s", 0, group=d),
            )
        ),
    ]
    return [
        Note(
            f"All layers of one pass, batch {found['batch']}, ours beside plain XLA; peak "
            f"{shown(found['peak_gflops'])} GFLOP/s."
        ),
        Table(headings, rows),
        Folded("Every layer", [Table(labels, each)]),
    ]


def singan(found) -> list:
    rows = [
        [
            name,
            str(of["channels"]),
            shown(of["seconds_per_iteration"]),
            shown(of["gflops"]),
            percent(of["share_of_peak"]),
            shown(of["seconds_before_the_first"] + of["first_seconds"]),
        ]
        for name, of in found["scales"].items()
    ]
    return [
        Heading(f"{found['config']}, a photo of {found['size']} px", 3),
        table(
            [
                "",
                "channels",
                "seconds an iteration",
                "GFLOP/s",
                "of the peak",
                "seconds until the first is done",
            ],
            rows,
        ),
        Note(
            f"Peak: {shown(found['peak']['gflops'])} GFLOP/s in {found['peak']['dtype']}. All "
            f"iterations of all scales: {shown(60 * found['hours_of_training'])} minutes."
        ),
    ]


def memory(found) -> list:
    return [
        Note(f"Peak resident memory of {found['config']}, from the start of the process."),
        table(
            ["", "GiB", "seconds of the third step"],
            [
                [name, shown(of["peak_GiB"]), shown(of["third_step_s"])]
                for name, of in found["memory"].items()
            ],
        ),
    ]


def edit_latency(found) -> list:
    return [
        Note(f"Seconds per edit at {found['size']}x{found['size']}, from array to array."),
        table(
            ["", "median", "least", "most", "the first, compiling"],
            [
                [name, *(shown(of[key]) for key in ("median", "least", "most", "first"))]
                for name, of in found["seconds_per_edit"].items()
            ],
        ),
    ]


def copying(found) -> list:
    columns = ("lpips", "changed_lpips", "changed_psnr", "precision", "recall", "f1")
    parts: list = []
    for of in found["measured"]:
        height, width = of["size"]
        rows = [
            [name, *(f"{row[key]:.4f}" if key in row else "–" for key in columns)]
            for name, row in of["rows"].items()
        ]
        parts += [
            Note(
                f"{of['sequence']}, {of['kind']}, {of['frames']} held-out frames of {width}x{height} px"
                f"{', edges of ' + of['edges_from'] if of['edges_from'] else ''}; "
                f"{shown(of['edit_cpu_ms'])} ms of a processor an edit."
            ),
            table(["nothing trained", *(name.replace("_", " ") for name in columns)], rows),
        ]
        if of["far_edits_px"]:
            far = [
                [name, shown(px["moved"]), shown(px["error"])] for name, px in of["far_edits_px"].items()
            ]
            parts.append(table(["random warps, jitter", "moved, px", "median error, px"], far))
    return parts


def copy_latency(found) -> list:
    sizes = list(found["opened"])
    rows = [
        [
            f"{size} px",
            shown(found["opened"][size]["median"]),
            *(shown(found["preview"][size][tool]) for tool in ("drag", "stroke")),
        ]
        for size in sizes
    ]
    large = [
        [f"{size} px, dragged by {name}", shown(of["opened"]), shown(edit["seconds"]), shown(of["gib"])]
        + [shown(edit["octave"][kind]) for kind in ("copied", "enlarged")]
        for size, of in found["large"].items()
        for name, edit in of.items()
        if isinstance(edit, dict)
    ]
    return [
        Note(
            f"The whole command at 256 px takes {shown(found['command'])} s; everything else on one core."
        ),
        table(["", "file to first edit, s", "preview of a drag, ms", "of a stroke, ms"], rows),
        table(
            [
                "12 megapixels",
                "opened, s",
                "edited, s",
                "GiB",
                "finest octave, %",
                "of a network at most",
            ],
            large,
        ),
    ]


def painting(found) -> list:
    columns = ("lpips", "changed_lpips", "changed_psnr", "following_f1")
    return [
        block
        for of in found["measured"]
        for block in (
            Note(
                f"{of['sequence']}, {of['run']['data.kind']}, {of['run']['train.steps']} steps, seed "
                f"{of['run']['seed']}: {of['frames']} held-out frames of {of['size'][1]}x{of['size'][0]}."
            ),
            table(
                ["painted over the copy", *(name.replace("_", " ") for name in columns)],
                [[name, *(f"{row[key]:.4f}" for key in columns)] for name, row in of["rows"].items()],
            ),
        )
    ]


def torch_singan(found) -> list:
    rows = [
        [
            name,
            str(of["channels"]),
            shown(of["ours"]["seconds"]),
            shown(of["torch"]["seconds"]),
            shown(of["ratio"]["seconds"]),
            percent(of["ours"]["share_of_peak"]),
            shown(of["cpu_seconds_of_the_first"]),
        ]
        for name, of in found["scales"].items()
    ]
    return [
        Heading(f"{found['config']} beside PyTorch, a photo of {found['size']} px", 3),
        table(
            [
                "",
                "channels",
                "seconds an iteration",
                "PyTorch's",
                "ratio",
                "of the peak",
                "processor seconds of the first, compilation included",
            ],
            rows,
        ),
        Note(
            f"PyTorch {found['torch']['version']} with {found['torch']['threads']} threads, in turn in "
            f"one process; medians of {found['runs']} runs. Peak: {shown(found['peak_gflops'])} GFLOP/s."
        ),
    ]


def singan_conv(found) -> list:
    """The speed of each layer in each direction; PyTorch's columns stay empty where it was not there."""
    who = ("ours", "PyTorch") if found["torch"] else ("ours",)
    directions = list(next(iter(found["layers"].values()), {}))
    columns = [
        Column(f"{name}, {unit}", 0, group=direction)
        for direction in directions
        for name in who
        for unit in ("GMAC/s", "of the peak")
    ]
    rows = [
        [
            layer,
            *(
                cell
                for direction in directions
                for name in who
                for figures in [of[direction]["ours" if name == "ours" else "torch"]]
                for cell in (shown(figures["gmac_per_second"]), percent(figures["share_of_peak"]))
            ),
        ]
        for layer, of in found["layers"].items()
    ]
    beside = (
        f"PyTorch {found['torch']['version']} with {found['torch']['threads']} threads, in turn in one "
        "process"
        if found["torch"]
        else "PyTorch was not installed"
    )
    return [
        Table([Column("unpadded 3x3 layer"), *columns], rows),
        Note(f"{beside}; medians of {found['runs']} runs. Peak: {shown(found['peak_gflops'])} GFLOP/s."),
    ]


def editor(found) -> list:
    times = {f"from a move to its preview, {name}": of for name, of in found["preview"].items()}
    times["between two frames of the page, a brush on 2048x2048 px"] = found["strokes"]
    rows = [
        [name, str(of["median"]), str(of["p95"]), str(of["most"]), str(of["count"])]
        for name, of in times.items()
    ]
    return [
        table(["milliseconds", "median", "95th percentile", "most", "of"], rows),
        Note(
            f"A photo of 12 megapixels is open after {shown(found['opening']['milliseconds'] / 1000)} s."
        ),
    ]


def igan(found) -> list:
    each = found["each"]
    rows = [
        [
            name.replace("_", " "),
            *(shown(pick(one[name] for one in each)) for pick in (min, max)),
            shown(mean),
        ]
        for name, mean in found["means"].items()
    ]
    return [
        table([f"{len(each)} held-out pictures", "lowest", "highest", "mean"], rows),
        Note(f"40 steps of 16 candidates: {shown(found['forty_steps_of_16_s'])} s."),
    ]


def igan_photos(found) -> list:
    rows = [[name.replace("_", " "), shown(value)] for name, value in found["figures"].items()]
    return [
        Note(f"{found['pictures']} rendered photos of vases, {found['config']}; see the benchmark."),
        table(["", ""], rows),
    ]


def evaluation(found) -> list:
    return [
        Note(
            f"{found['frames']} held-out frames at {found['size']}x{found['size']}, compilation included."
        ),
        table(["", "seconds"], [[name, shown(of)] for name, of in found["seconds"].items()]),
    ]


def scaling(found) -> list:
    parts = [Note(f"{found['config']} at {found['size']}x{found['size']}.")]
    parts += (
        [Warn(f"Not yet measured on real devices. These are {found['note']}.")] if found["note"] else []
    )
    rows = [
        [
            f"{name}: {count}",
            str(of["batch"]),
            *(
                [of["not_measured"], "", ""]
                if "not_measured" in of
                else [
                    shown(of["seconds_per_step"]),
                    shown(of["samples_per_second"]),
                    percent(of.get("efficiency")),
                ]
            ),
        ]
        for name in ("weak", "strong")
        for count, of in found[name].items()
    ]
    parts.append(table(["devices", "batch", "seconds a step", "samples/s", "efficiency"], rows))
    same = found["first_losses"]
    if "not_measured" in same:
        return [*parts, Note(f"First losses are not compared: {same['not_measured']}.")]
    said = "do not depend" if same["equal"] else "DEPEND"
    return [
        *parts,
        Note(
            f"The losses of the first step with the same global batch {said} on the number of devices "
            f"({', '.join(map(str, same['devices']))}): the largest relative difference is "
            f"{same['largest_relative_difference']:.1e}, rounding is below {same['tolerance']:.0e}."
        ),
    ]


def time_to_quality(found) -> list:
    parts = [
        Note(
            f"{found['sequence']} at {found['size']} px. LPIPS (AlexNet) is the mean over all held-out "
            f"frames; curves are over {found['frames_of_the_curves']} of them. Seconds: from the start "
            "of the process to the last checkpoint, compilation included, pauses for measuring left out; "
            "in brackets those of a run that measures nothing. TFLOP: arithmetic of the leanest step."
        )
    ]
    for kind, of in found["kinds"].items():
        of = _renamed(of, _short(of["configs"]))
        leaks = of["edges_from"] == "true frames"
        parts.append(Heading(f"Primitive {kind}" + ", edges from the true frames" * leaks, 3))
        parts += [Warn(LEAK)] if leaks else []
        parts += [
            _quality_table(of),
            Note("Below: thin each seed, thick their median, the band from the lowest to the highest."),
            _quality_curves(of),
            *_reached(of),
        ]
        parts += [
            Folded(f"Settings of {label} (default -> here)", [Bullets(run["config"])])
            for label, run in of["configs"].items()
        ]
    return parts


def _short(labels) -> dict:
    """Label -> what stands in tables and plots: long lists of changed keys do not fit there."""
    parts = {label: record.CHANGE.split(label) for label in labels}
    short = {
        label: f"{name}, {len(changes)} keys changed" if len(changes) > 2 else label
        for label, (name, *changes) in parts.items()
    }
    return short if len(set(short.values())) == len(short) else dict(zip(labels, labels, strict=True))


def _renamed(of, names):
    """The figures of a kind of primitive with other names of its configs."""
    ends = {f"end of {label}": f"end of {name}" for label, name in names.items()}
    return {
        **of,
        "configs": {names[label]: run for label, run in of["configs"].items()},
        "reached": {
            ends.get(target, target): {
                **there,
                "configs": {names[label]: place for label, place in there["configs"].items()},
            }
            for target, there in of["reached"].items()
        },
    }


def _quality_table(of):
    still = of["training frame unchanged"]
    rows = []
    for label, run in of["configs"].items():
        seconds = shown(run["seconds"]["median"]) + (
            f" ({shown(run['plain']['seconds'])})" if run["plain"] else ""
        )
        rows.append(
            [
                label,
                str(run["steps"]),
                str(run["batch"]),
                str(len(run["seeds"])),
                shown(run["tflop"]),
                seconds,
                spread(run["lpips"]),
                shown(run["lpips"]["median"] / still["all"]),
            ]
        )
    rows.append(["training frame unchanged", "", "", "", "", "", shown(still["all"]), "1"])
    return Table(
        [
            Column("config"),
            *(
                Column(label, 0)
                for label in (
                    "steps",
                    "batch",
                    "seeds",
                    "TFLOP",
                    "seconds",
                    "LPIPS, median",
                    "of unchanged",
                )
            ),
        ],
        rows,
        muted=[len(rows) - 1],
    )


def _quality_curves(of):
    """LPIPS over seconds and over TFLOP, with the unchanged frame as a level line."""
    still, drawn = of["training frame unchanged"]["curve"], []
    for key, label in (("seconds", "seconds from the start"), ("tflop", "TFLOP")):
        lines = {
            name: [[(point[key], point["lpips"]) for point in run["curve"]] for run in config["runs"]]
            for name, config in of["configs"].items()
        }
        xs = [x for curves in lines.values() for curve in curves for x, _ in curve]
        ends = [curve[-1][0] for curves in lines.values() for curve in curves]
        level = [[(min(xs), still), (max(xs), still)]]
        series = [
            *(Series(name, curves, number) for number, (name, curves) in enumerate(lines.items())),
            Series("training frame unchanged", level, None),
        ]
        # Beside one config that takes many times as much, another would be a vertical line.
        log = max(ends) > 4 * min(ends)
        drawn.append(
            Plot(
                series,
                x_label=label + ", logarithmic" * log,
                y_label="Held-out LPIPS, lower is better",
                log_x=log,
            )
        )
    return PlotRow(drawn)


def _reached(of):
    rows = []
    for target, there in of["reached"].items():
        for label, place in there["configs"].items():
            median, every = place.get("median"), place.get("every seed")
            named = target if target.startswith("LPIPS") else f"{target}: {shown(there['lpips'])}"
            rows.append(
                [
                    named,
                    label,
                    *(
                        [shown(median["tflop"]), shown(median["seconds"]), str(median["step"])]
                        if median
                        else ["not reached", "", ""]
                    ),
                    percent(place["share"]) if "share" in place else "",
                    shown(every["tflop"]) if every else "not reached",
                ]
            )
    said = (
        "Where the curves first come down to a target, in the median of the seeds. The share is that "
        "of the arithmetic which the target's own config took to get there."
    )
    return [
        Folded(
            "What it takes to reach a quality",
            [
                Note(said),
                Table(
                    [
                        Column("target"),
                        Column("config"),
                        *(
                            Column(label, 0)
                            for label in ("TFLOP", "seconds", "step", "share", "every seed: TFLOP")
                        ),
                    ],
                    rows,
                ),
            ],
        )
    ]


SECTIONS = {
    "step": ("The training step", step),
    "gpu": ("On a GPU", gpu),
    "singan": ("SinGAN", singan),
    "torch_singan": ("SinGAN beside PyTorch", torch_singan),
    "time_to_quality": ("Time to quality", time_to_quality),
    "conv": ("Convolutions", conv),
    "singan_conv": ("SinGAN's convolutions", singan_conv),
    "memory": ("Memory", memory),
    "edit_latency": ("Editing", edit_latency),
    "editor": ("The browser editor", editor),
    "evaluation": ("Evaluation", evaluation),
    "copying": ("Copies, with nothing trained", copying),
    "copy_latency": ("How soon a copied edit is there", copy_latency),
    "painting": ("What a network paints over a copy", painting),
    "igan": ("iGAN's edits", igan),
    "igan_photos": ("iGAN on a folder of photos", igan_photos),
    "scaling": ("Over devices", scaling),
}
"""Benchmark -> its heading, and what makes blocks of its file's content."""


def about(found: dict) -> Note:
    """The machine, the versions and the date of a file."""
    tunables = found.get("glibc_tunables")
    return Note(
        f"{found['date'][:10]}: {found['processor']}, cores: {found['cores']}, "
        f"{', '.join(found['devices'])}; deepsim_jax {found['deepsim_jax']}, jax {found['jax']}, Python "
        f"{found['python']}{f', {tunables}' if tunables else ''}."
    )


def read(paths: list[pathlib.Path]) -> dict[str, list[dict]]:
    """Benchmark -> the contents of its files, older ones first.

    Raises:
      UserError: no such file, or it is none of a benchmark.
    """
    found: dict = {name: [] for name in SECTIONS}
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: no such file or folder; write one with a benchmark's --output")
        for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
            try:
                content = json.loads(file.read_text(encoding="utf-8"))
            except ValueError as error:
                raise UserError(f"{file}: damaged ({error}); measure again") from error
            name = content.get("benchmark") if isinstance(content, dict) else None
            if name not in SECTIONS:
                raise UserError(f"{file}: benchmark {name!r}, known are {', '.join(SECTIONS)}")
            found[name].append(content)
    return {name: sorted(of, key=lambda content: content["date"]) for name, of in found.items()}


def page(found: dict[str, list[dict]]) -> str:
    """The page of the contents that `read` returns."""
    parts = []
    for name, (title, blocks) in SECTIONS.items():
        parts.append(Heading(title))
        for content in found[name]:
            parts += [about(content), *blocks(content)]
        if not found[name]:
            parts.append(Note(f"Not yet measured: benchmarks/{name}.py."))
    return report_page.render(
        "Benchmarks",
        parts,
        subtitle=("Each figure with the machine, the versions and the day that it was measured on."),
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    results = pathlib.Path(__file__).parent / "results"
    parser.add_argument("paths", nargs="*", type=pathlib.Path, default=[results])
    parser.add_argument("--output", type=pathlib.Path, default=results / "report.html")
    options = parser.parse_args()
    try:
        content = page(read(options.paths))
    except UserError as error:
        sys.exit(f"error: {error}")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(content, encoding="utf-8")
    print(options.output)


if __name__ == "__main__":
    main()
