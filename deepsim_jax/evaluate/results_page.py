"""Report pages of evaluations: of one network (`evaluation.json`) and of a table (`table.json`)."""

import json
import pathlib

from deepsim_jax import pages, plots
from deepsim_jax.data import images
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate.columns import COLUMNS
from deepsim_jax.evaluate.protocol import TRUE_FRAMES

MAIN = "lpips_alex", "sifid_64", "ssim", "psnr"
"""Columns that are plotted at once; plots of the others are folded."""

SHOWN = 320
"""Longest side in px of a strip's pictures on a page."""

LEAK = ("Where edges are marked with “leak”, they were drawn from the true test frames: the drawing "
        "then holds outlines of the very picture that is to be predicted. Compare such figures only "
        "with others that were given the same.")

_PRINTED = {"lpips": "LPIPS", "sifid": "SIFID"}


def write_evaluation(folder: pathlib.Path) -> pathlib.Path:
    """Writes `report.html` from a folder's `evaluation.json` and returns its path.

    Raises:
      UserError: the file is missing, damaged or has unknown columns.
    """
    folder = pathlib.Path(folder)
    found = _read(folder / "evaluation.json")
    rows, frames = found["rows"], len(found["rows"][0]["frames"])
    drawn = {"primitive": found["primitive"]["kind"], "edges_from": found["primitive"]["edges_from"]}
    parts = [pages.warning(LEAK)] if drawn["edges_from"] == TRUE_FRAMES else []
    headings = [pages.Heading(""), pages.Heading("Test primitive"), *_headings(found)]
    parts += [pages.heading(f"Mean over {_counted(frames, 'frame')}"), pages.table(headings, [
        [row["label"], _primitive({**row, **drawn}), *_means(row, found)] for row in rows],
        muted=_unchanged(rows))]
    if found.get("strips"):
        parts.append(pages.heading("Pictures"))
    for strip in found.get("strips", ()):
        parts += [pages.heading(f"Frame {strip['frame']}", 3), _strip(folder, strip["pictures"])]
    parts += _frame_plots(rows, found)
    parts += _heldout_plots([{"label": "trained network", "color": 0,
                              "lines": [found.get("heldout", ())]}], "During training")
    parts.append(pages.heading("Every frame"))
    parts += [pages.folded(row["label"], [pages.table(
        [pages.Heading("Frame"), *_headings(found)],
        [[frame["frame"], *(frame.get(key) for key in _keys(found))] for frame in row["frames"]],
        competing=())])
        for row in rows]
    parts += _about(found)
    height, width = found["size"]
    trained = ", ".join(f"{name} {found[key]}" for name, key in (
        ("steps:", "steps"), ("config:", "config"), ("seed:", "seed")) if found.get(key) is not None)
    return _write(folder, f"{found['sequence']}: the frames that were not trained on", parts, (
        f"Trained on frame {found['train_frame']} only, at {width}×{height} px; {trained}. Compared "
        f"with the true pictures of {_counted(frames, 'other frame')}."))


def write_table(folder: pathlib.Path) -> pathlib.Path:
    """Writes `report.html` from a folder's `table.json`, finished or not, and returns its path.

    Raises:
      UserError: the file is missing, damaged or has unknown columns.
    """
    folder = pathlib.Path(folder)
    found = _read(folder / "table.json")
    rows, pending = found["rows"], found.get("pending", ())
    parts = []
    if pending:
        parts += [pages.warning(f"Not finished: {_counted(len(pending), 'training')} to come."),
                  pages.folded("Which ones", [pages.bullets(pending)])]
    if any(row["edges_from"] == TRUE_FRAMES for row in rows):
        parts.append(pages.warning(LEAK))
    if found.get("failed"):
        parts += [pages.warning("Some trainings failed:"),
                  pages.definitions(sorted(found["failed"].items()))]
    if found.get("findings"):
        parts += [pages.heading("Findings"), pages.bullets(found["findings"])]
    single = len(found["sequences"]) == 1
    if not single:
        parts += _averages(found)
    colors = {key: n for n, key in enumerate(dict.fromkeys(
        of["key"] for of in (*rows, *found.get("curves", ())) if of["key"] != "unchanged"))}
    for name in found["sequences"]:
        of_sequence = [row for row in rows if row["sequence"] == name]
        parts += [pages.heading(name)]
        if of_sequence:
            parts += _sequence_table(found, of_sequence, printed=single)
        else:
            parts.append(pages.soft("Nothing is measured yet."))
        curves = [curve for curve in found.get("curves", ()) if curve["sequence"] == name]
        parts += _heldout_plots([
            {"label": next(c["label"] for c in curves if c["key"] == key), "color": colors[key],
             "lines": [c["points"] for c in curves if c["key"] == key]}
            for key in dict.fromkeys(curve["key"] for curve in curves)], f"{name} during training")
    if found.get("strips"):
        parts.append(pages.heading("Pictures"))
    for strip in found.get("strips", ()):
        parts += [pages.heading(strip["title"], 3), _strip(folder, strip["pictures"])]
    parts += _about(found)
    if found.get("draws"):
        parts += [pages.heading("What each row draws (probabilities)"),
                  pages.definitions(found["draws"].items())]
    if found.get("config"):
        parts.append(pages.folded("The base config: what differs from the defaults (default -> here)",
                                  [pages.bullets(found["config"])]))
    folders = [f"{row['label']}, {row['sequence']}: {', '.join(row['folders'])}"
               for row in rows if row.get("folders") and row["key"] != "unchanged"]
    if folders:
        parts.append(pages.folded("Folders of the runs", [pages.bullets(folders)]))
    return _write(folder, found["title"], parts, found.get("note", ""))


def _read(path):
    if not path.is_file():
        raise UserError(f"{path}: no such file; a page is made from the results of an evaluation")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: damaged ({error}); delete it and evaluate again") from error
    if not isinstance(found, dict) or not {"columns", "rows"} <= set(found):
        raise UserError(f"{path}: damaged (no columns or rows); delete it and evaluate again")
    unknown = [key for key in (*found["columns"], *found.get("absent", ())) if key not in COLUMNS]
    if unknown:
        raise UserError(f"{path}: unknown column {unknown[0]!r}, known are {', '.join(COLUMNS)}; "
                        "evaluate again with this version")
    return found


def _write(folder, title, parts, subtitle):
    page = pages.document(title, parts, subtitle=subtitle)
    images.write_bytes_atomic(folder / "report.html", page.encode())
    return folder / "report.html"


def _keys(found):
    """The columns that are shown: the measured ones and the absent ones, in the usual order."""
    return [key for key in COLUMNS if key in found["columns"] or key in found.get("absent", ())]


def _headings(found, group=""):
    return [pages.Heading(COLUMNS[key].label, COLUMNS[key].digits, COLUMNS[key].lower,
                          found.get("absent", {}).get(key, "Not measured."), group)
            for key in _keys(found)]


def _means(row, found):
    """A row's cells: means, with their ranges where there are several seeds."""
    spread = row.get("spread", {}) if row.get("seeds", 1) > 1 else {}
    return [(row["mean"][key], *spread[key]) if key in spread and key in row["mean"]
            else row["mean"].get(key) for key in _keys(found)]


def _unchanged(rows):
    return [n for n, row in enumerate(rows) if row["key"] == "unchanged"]


def _primitive(row):
    """What a row's test frames were drawn as, and where their edges came from."""
    if row["key"] == "unchanged":
        return "none"
    if not row["edges_from"]:
        return row["primitive"]
    kind = pages.markup(row["primitive"])
    if TRUE_FRAMES in row["edges_from"]:
        kind = f"{kind} {pages.badge('leak')}"
    return pages.stacked(pages.Html(kind), f"edges: {row['edges_from']}")


def _competing(rows):
    """The rows whose best figures are marked: without those that leak, unless all trained ones do."""
    leaking = [row["key"] != "unchanged" and TRUE_FRAMES in row["edges_from"] for row in rows]
    trained = sum(row["key"] != "unchanged" for row in rows)
    return [n for n in range(len(rows)) if not leaking[n] or sum(leaking) == trained]


def _sequence_table(found, rows, *, printed):
    """The table of one sequence; what all trained rows share stands above it, not in columns."""
    trained = [row for row in rows if row["key"] != "unchanged"] or rows
    facts = {"size": lambda r: "{1}×{0} px".format(*r["size"]), "steps": lambda r: str(r["steps"]),
             "seeds": lambda r: str(r["seeds"]), "frames": lambda r: str(r["frames"])}
    differing = [name for name, tell in facts.items() if len({tell(row) for row in trained}) > 1]
    shared = ", ".join(f"{name}: {tell(trained[0])}" for name, tell in facts.items()
                       if name not in differing)
    headings = [pages.Heading(""), pages.Heading("Test primitive"),
                *(pages.Heading(name.capitalize()) for name in differing)]
    cells = {row["key"]: [
        row["label"], _primitive(row),
        *("" if row["key"] == "unchanged" and name in ("steps", "seeds") else facts[name](row)
          for name in differing)] for row in rows}
    said = [pages.soft(f"Mean over the frames that were not trained on; {shared}.")] if shared else []
    leaking = len(_competing(rows)) < len(rows)
    said += [pages.soft("Rows that leak are left out when the best is marked.")] if leaking else []
    return [*said, *_table(found, rows, headings, cells, _competing(rows), printed=printed)]


def _averages(found):
    """The table of averages over sequences, with the published figures."""
    averages = found.get("averages", [])
    if not averages and not found.get("published", {}).get("rows"):
        return []
    merged = []
    for row in averages:
        of_key = [of for of in found["rows"] if of["key"] == row["key"]]
        merged.append({**row, **{name: " / ".join(dict.fromkeys(of[name] for of in of_key if of[name]))
                                 for name in ("primitive", "edges_from")}})
    most = max((row["sequences"] for row in averages), default=0)
    competing = [n for n in _competing(merged) if merged[n]["sequences"] == most]
    counted = len({row["sequences"] for row in merged}) > 1
    cells = {row["key"]: [row["label"], _primitive(row), *([str(row["sequences"])] if counted else [])]
             for row in merged}
    headings = [pages.Heading(""), pages.Heading("Test primitive"),
                *([pages.Heading("Sequences")] if counted else [])]
    said = [] if len(competing) == len(merged) else [pages.soft(
        "Rows that leak, or that lack sequences, are left out when the best is marked.")]
    if not merged:
        said.append(pages.soft("No row is measured on every sequence yet."))
    return [pages.heading(f"Mean over {_counted(most, 'sequence') if most else 'the sequences'}"), *said,
            *_table(found, merged, headings, cells, competing, printed=True)]


def _table(found, rows, headings, cells, competing, *, printed):
    """Rows with their figures; if `printed`, the published ones beside them and rows that we lack."""
    published = found.get("published", {}) if printed else {}
    there = published.get("rows", {})
    shown = [key for key in published.get("columns", ()) if any(key in of for of in there.values())]
    if not rows:
        headings = headings[:1]
    measured = _headings(found, "measured here" if there else "") if rows else []
    digits = {name: max(_decimals(of[name]) for of in there.values() if name in of) for name in shown}
    headings = [*headings, *measured, *(
        pages.Heading(_PRINTED.get(name, name), digits[name], None, "Not published.",
                      "published, not ours") for name in shown)]
    labels = {**found.get("published", {}).get("labels", {}),
              **{of["key"]: of["label"] for of in (*found["rows"], *found.get("curves", ()))}}
    lines = {row["key"]: [*cells[row["key"]], *_means(row, found)] for row in rows}
    for key in there:
        blank = [""] * (len(headings) - len(measured) - len(shown) - 1)
        lines.setdefault(key, [labels.get(key, key), *blank, *[None] * len(measured)])
    for key, line in lines.items():
        line += [there.get(key, {}).get(name) for name in shown]
    parts = [pages.table(headings, list(lines.values()), competing=competing, muted=_unchanged(rows))]
    if shown:
        note = published.get("note", "")
        parts.append(pages.soft(f"Published: {published['where']}." + (
            f" {note}" if note != found.get("note") else "")))
    return parts


def _decimals(value):
    return len(str(value).partition(".")[2])


def _frame_plots(rows, found):
    """The plots over frames: the main columns open, the others folded."""
    names = [frame["frame"] for frame in rows[0]["frames"]]
    numbered = all(name.isdecimal() for name in names)
    places = {name: int(name) if numbered else n for n, name in enumerate(names, 1)}
    drawn = {}
    for key in found["columns"]:
        series = [plots.Series(row["label"], [[(places[f["frame"]], f.get(key)) for f in row["frames"]
                                              if f["frame"] in places]],
                               None if row["key"] == "unchanged" else n)
                  for n, row in enumerate(rows)]
        drawn[key] = plots.line_plot(series, y_label=_titled(key),
                                     x_label="frame" if numbered else "frame, in order")
    main = plots.row_of_plots(plot for key, plot in drawn.items() if key in MAIN)
    others = [plot for key, plot in drawn.items() if key not in MAIN]
    folded = [pages.folded("The other columns", [plots.row_of_plots(others)])] if others else []
    return [pages.heading("Over the frames"), main, *folded]


def _heldout_plots(curves, title):
    """Plots of held-out quality over steps and seconds; `curves` of label, color and lines of points."""
    drawn = []
    for key in COLUMNS:
        for of, label in (("step", "step"), ("seconds", "training time, seconds")):
            series = [plots.Series(curve["label"], [
                [(point[of], point[key]) for point in points if key in point and of in point]
                for points in curve["lines"]], curve["color"]) for curve in curves]
            drawn.append(plots.line_plot(series, x_label=label, y_label=f"Held-out {_titled(key)}"))
    drawn = [plot for plot in drawn if plot]
    if not drawn:
        return []
    seeds = max(len(curve["lines"]) for curve in curves)
    told = [pages.soft("Thin: each seed. Thick: their median. Band: from the lowest to the highest.")]
    return [pages.heading(title, 3), *(told if seeds > 1 else []), plots.row_of_plots(drawn)]


def _titled(key):
    column = COLUMNS[key]
    return f"{column.label}, {'lower' if column.lower else 'higher'} is better"


def _strip(folder, pictures):
    return pages.row_of_figures(
        pages.figure(folder / path, caption, longest=SHOWN, lossy=True) if (folder / path).is_file()
        else pages.missing_figure(f"{path}: not there", caption) for caption, path in pictures)


def _about(found):
    """What the columns mean, which are absent, and the machine."""
    parts = [pages.heading("The columns"), pages.definitions(
        (COLUMNS[key].label, COLUMNS[key].about + (
            " Absent here; the tables' notes say why." if key in found.get("absent", ()) else ""))
        for key in _keys(found))]
    if found.get("strips"):
        parts.append(pages.soft("Pictures on this page are shrunk and compressed; the files beside it "
                                "are what was measured."))
    words = []
    seconds = found.get("seconds", {})
    if seconds:
        words.append("Seconds: " + ", ".join(f"{name} {value:g}" for name, value in seconds.items()
                                             if name != "frames") + (
            f", for {_counted(seconds['frames'], 'frame')}." if "frames" in seconds else "."))
    if found.get("machine"):
        words.append("Machine: " + ", ".join(
            f"{name} {', '.join(value) if isinstance(value, list) else value}"
            for name, value in found["machine"].items()) + ".")
    return [*parts, *(pages.soft(line) for line in words)]


def _counted(number, thing):
    return f"{number} {thing}{'' if number == 1 else 's'}"
