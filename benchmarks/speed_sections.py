"""Sections of the page: how quick things are, and how much memory they take."""

from cells import percent, shown, table

from deepsim_jax.reports.blocks import Folded, Heading, Note, Warn
from deepsim_jax.reports.plots import Plot, Series
from deepsim_jax.reports.table import Column, Table

DIRECTIONS = "forward", "input", "kernel"


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
    memory = [(int(edits), mib) for edits, mib in found["memory"].items()]
    return [
        table(["milliseconds", "median", "95th percentile", "most", "of"], rows),
        Note(
            f"A photo of 12 megapixels is open after {shown(found['opening']['milliseconds'] / 1000)} s."
        ),
        Plot(
            [Series("the server's resident memory", [memory])],
            x_label="edits, each with its preview",
            y_label="MiB",
        ),
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
