"""Sections of the page: how good pictures are, and what that takes."""

import record
from cells import percent, shown, spread, table

from deepsim_jax.reports.blocks import Bullets, Folded, Heading, Note, Warn
from deepsim_jax.reports.plots import Plot, PlotRow, Series
from deepsim_jax.reports.table import Column, Table

LEAK = (
    "Edges are drawn from the true test frames: the drawing then holds outlines of the very picture "
    "that is to be predicted."
)


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


def completion(found) -> list:
    columns = ("lpips", "rmse", "octave", "seconds")
    return [
        Note(
            f"{found['holes']} holes in each of {', '.join(found['photos'])}, at {found['size']} px, "
            "with nothing in them that had to go: the unchanged photo is the answer."
        ),
        table(
            ["the hole is filled by", "LPIPS", "RMSE", "finest octave, %", "processor's seconds"],
            [[name, *(shown(row[key]) for key in columns)] for name, row in found["rows"].items()],
        ),
    ]


def new_content(found) -> list:
    columns = ("f1", "recall", "precision", "lpips", "psnr")
    parts: list = []
    for name, of in found["cases"].items():
        trained = "; ".join(
            f"{label}: {run['steps']} steps in {shown(run['seconds'])} s, auto takes {run['auto']}"
            for label, run in of["trained"].items()
        )
        rows = [[label, *(shown(row.get(key)) for key in columns)] for label, row in of["rows"].items()]
        note = f"{name}, {found['size']} px, changed {percent(of['changed'])}. {trained}."
        parts += [Note(note), table(["in the changed region", *columns], rows)]
    return parts


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
