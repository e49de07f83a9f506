"""Blocks of self-contained HTML pages: text, figures and tables, without scripts or other files.

Every function returns `Html`. Any other string that is given to them is text and is escaped, so that
a name like "<b>" is shown as it is. Pages follow the reader's light or dark mode and narrow screens.
"""

import base64
import html
import math
import typing

import cv2
import numpy as np

from deepsim_jax.data import images

STYLE = """
:root { color-scheme: light dark; --line: #8885; --faint: #8882; --soft: #636363; --warn: #a33a00;
--c0: #0068b0; --c1: #d04a00; --c2: #00805f; --c3: #8d45a8; --c4: #9a7200; --c5: #b5204f; --c6: #3d4fd0;
--c7: #5c7a00; --grey: #777; }
@media (prefers-color-scheme: dark) { :root { --soft: #a2a2a2; --warn: #ff9a5c; --c0: #56b0f0;
--c1: #ff8b45; --c2: #3ecf9f; --c3: #cb92e8; --c4: #e0b53c; --c5: #f5769b; --c6: #97a3ff; --c7: #a8cc40;
--grey: #999; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1280px; margin: 2rem auto; padding: 0 1rem;
overflow-wrap: break-word; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; } .soft { color: var(--soft); font-size: .9rem; }
.wide + .soft { margin-top: .6rem; } .soft + .soft { margin-top: -.6rem; }
.row { display: grid; gap: 12px; align-items: start; margin-bottom: 1rem; }
.plots { display: grid; gap: 20px 28px; grid-template-columns: repeat(2, 1fr); }
figure { margin: 0; min-width: 0; }
figcaption { font-size: .85rem; color: var(--soft); margin-top: .3rem; }
img { width: 100%; border: 1px solid var(--line); border-radius: 4px; background: #fff; display: block;
box-sizing: border-box; }
.missing { border: 1px dashed var(--line); border-radius: 4px; padding: 2rem .6rem; text-align: center;
color: var(--soft); font-size: .85rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; line-height: 1.3;
font-variant-numeric: tabular-nums; }
th, td { padding: .32rem .5rem; text-align: left; vertical-align: top;
border-top: 1px solid var(--faint); }
thead th { vertical-align: bottom; border-top: 0; border-bottom: 1px solid var(--line);
font-weight: 600; color: var(--soft); }
tbody th { font-weight: 500; position: sticky; left: 0; background: Canvas; min-width: 8rem; }
th:first-child { padding-left: 0; }
tbody tr:first-child > * { border-top: 0; } tbody tr:hover > * { background-color: var(--faint); }
thead span { white-space: nowrap; }
th.group { text-align: center; font-weight: 500; }
th.number, td.number { text-align: right; } td.number { white-space: nowrap; }
th.first, td.first { border-left: 1px solid var(--line); }
tr.muted > * { color: var(--soft); font-style: italic; }
td strong { color: var(--c2); } td small { display: block; color: var(--soft); font-size: .78rem; }
.line { white-space: nowrap; } sup { line-height: 0; }
.badge { color: var(--warn); border: 1px solid; border-radius: 3px; padding: 0 .35em; font-size: .78rem;
font-weight: 600; font-style: normal; white-space: nowrap; }
.warning { border-left: 4px solid var(--warn); padding: .3rem .8rem; background: var(--faint); }
ul { padding-left: 1.3rem; } dt { font-weight: 600; } dd { margin: 0 0 .4rem 1.3rem; }
summary { cursor: pointer; margin: .8rem 0; }
svg { width: 100%; height: auto; display: block; } svg text { fill: currentColor; font-size: 14px; }
svg .soft { fill: var(--soft); } .grid { stroke: var(--faint); } .axis { stroke: var(--soft); }
polyline { fill: none; stroke: var(--color); stroke-width: 2.2; stroke-linejoin: round; }
polyline.seed { stroke-width: 1; opacity: .55; } polygon { fill: var(--color); opacity: .14; }
circle { fill: var(--color); } .key line { stroke: var(--color); stroke-width: 3; }
.legend span { display: inline-flex; align-items: center; margin-right: 1.1em; }
.key { width: 26px; height: 10px; margin-right: .4em; flex: none; }
@media (max-width: 700px) { .row { grid-template-columns: repeat(2, 1fr) !important; }
.plots { grid-template-columns: 1fr; } body { margin: 1rem auto; } th, td { padding: .3rem .45rem; } }
"""

SHOWN = 1000
"""Longest side in px of a picture on a page; larger ones are shrunk, or the page would be huge."""


class Html(str):
    """Markup of this module, which is not escaped again."""


class Heading(typing.NamedTuple):
    """The head of a table's column.

    Attributes:
      label: what the column is called.
      digits: after the decimal point; None for a column of text.
      lower: whether a lower figure is better; None where figures are not compared.
      absent: why a figure may be missing, one sentence.
      group: a heading over neighbouring columns of the same group.
    """

    label: str
    digits: int | None = None
    lower: bool | None = None
    absent: str = "Not measured."
    group: str = ""


def document(title: str, parts, *, subtitle: str = "") -> str:
    """A whole page.

    Args:
      title: of the window, and the page's first heading.
      parts: `Html` blocks; other strings become paragraphs.
      subtitle: one line below the heading.
    """
    lead = Html(f"<p class='soft'>{markup(subtitle)}</p>") if subtitle else ""
    return (f"<!doctype html><html lang='en'><head><meta charset='utf-8'>"
            f"<meta name='viewport' content='width=device-width'><title>{html.escape(title)}</title>"
            f"<style>{STYLE}</style></head><body><h1>{markup(title)}</h1>{lead}"
            f"{_blocks(parts)}</body></html>\n")


def heading(text: str, level: int = 2) -> Html:
    """A heading within the page, of level 2 or 3."""
    return Html(f"<h{level}>{markup(text)}</h{level}>")


def soft(text: str) -> Html:
    """A paragraph in smaller, paler type."""
    return Html(f"<p class='soft'>{markup(text)}</p>")


def warning(text: str) -> Html:
    """A paragraph that is not to be missed."""
    return Html(f"<p class='warning'>{markup(text)}</p>")


def badge(text: str) -> Html:
    """A short mark within a table's cell."""
    return Html(f"<span class='badge'>{markup(text)}</span>")


def stacked(first: str, *others: str) -> Html:
    """A table's cell of several short lines, which are not broken, the first in full size."""
    rest = "".join(f"<small class='line'>{markup(line)}</small>" for line in others)
    return Html(f"<span class='line'>{markup(first)}</span>{rest}")


def bullets(items) -> Html:
    """A list."""
    return Html("<ul>" + "".join(f"<li>{markup(item)}</li>" for item in items) + "</ul>")


def definitions(pairs) -> Html:
    """A list of (name, what it means)."""
    return Html("<dl>" + "".join(f"<dt>{markup(name)}</dt><dd>{markup(about)}</dd>"
                                 for name, about in pairs) + "</dl>")


def folded(summary: str, parts) -> Html:
    """Blocks that are shown after a click on the summary."""
    return Html(f"<details><summary>{markup(summary)}</summary>{_blocks(parts)}</details>")


def figure(picture, caption: str, *, longest: int = SHOWN, lossy: bool = False) -> Html:
    """A picture with its caption, inside the page.

    Args:
      picture: a path or a uint8 array (H, W, 3).
      caption: below it.
      longest: longest side in px, at least 16; larger pictures are shrunk.
      lossy: whether a JPEG may stand for it where that is smaller, as for photographs it is.

    Raises:
      UserError: the picture cannot be read.
    """
    pixels = images.read_image(picture)
    share = min(1.0, longest / max(pixels.shape))
    if share < 1:
        pixels = cv2.resize(pixels, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    kind, content = "png", cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1]
    if lossy:
        full = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
        options = [cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, full]
        smaller = cv2.imencode(".jpg", pixels, options)[1]
        kind, content = ("jpeg", smaller) if len(smaller) < len(content) else (kind, content)
    data = base64.b64encode(content).decode()
    return Html(f"<figure><img alt='{markup(caption)}' src='data:image/{kind};base64,{data}'>"
                f"<figcaption>{markup(caption)}</figcaption></figure>")


def heat_map(values: np.ndarray, top: float) -> np.ndarray:
    """(H, W) figures as a uint8 (H, W, 3) picture: black at 0, light yellow from `top` on."""
    scaled = np.clip(255 * values / max(float(top), 1e-12), 0, 255).astype(np.uint8)
    return cv2.cvtColor(cv2.applyColorMap(scaled, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)


def missing_figure(reason: str, caption: str) -> Html:
    """Stands where a picture would be and says why it is not there."""
    return Html(f"<figure><div class='missing'>{markup(reason)}</div>"
                f"<figcaption>{markup(caption)}</figcaption></figure>")


def row_of_figures(figures) -> Html:
    """Figures side by side: in at least four columns, so that rows of a page match, at most seven."""
    figures = list(figures)
    lines = math.ceil(len(figures) / 7)
    columns = max(4, math.ceil(len(figures) / max(lines, 1)))
    return Html(f"<div class='row' style='grid-template-columns:repeat({columns},1fr)'>"
                f"{''.join(figures)}</div>")


def table(headings, rows, *, competing=None, muted=()) -> Html:
    """A table with the best figure of each column in bold.

    Where figures have a range over seeds, those whose range overlaps the best one's are bold too, and
    nothing is bold where all do: no row is then the better one.

    Args:
      headings: of `Heading`; the first column names the rows.
      rows: lists of cells: text, `Html`, a number, (mean, low, high) over seeds, or None for a missing
        figure: a dash with a footnote, which is the heading's `absent`.
      competing: numbers of the rows that the best figure is looked for in; None: all.
      muted: numbers of the rows that are set in paler type.
    """
    competing = range(len(rows)) if competing is None else competing
    notes: dict[str, str] = {}
    best = [_best([row[i] for row in rows], head, competing) for i, head in enumerate(headings)]
    starts = {i for i in range(1, len(headings)) if headings[i].group != headings[i - 1].group}
    body = []
    for number, row in enumerate(rows):
        cells = "".join(_cell(cell, head, number in marked, i in starts, notes)
                        for i, (cell, head, marked) in enumerate(
                            zip(row[1:], headings[1:], best[1:], strict=True), 1))
        body.append(f"<tr{_classes(muted=number in muted)}>"
                    f"<th scope='row'>{markup(row[0])}</th>{cells}</tr>")
    spreads = any(isinstance(cell, tuple) for row in rows for cell in row)
    return Html(f"<div class='wide'><table><thead>{_table_head(headings, starts)}</thead>"
                f"<tbody>{''.join(body)}</tbody></table></div>"
                f"{_table_notes(headings, any(best), spreads, notes)}")


def _table_head(headings, starts):
    arrows = {None: "", True: "\N{NO-BREAK SPACE}↓", False: "\N{NO-BREAK SPACE}↑"}
    labels = ""
    for i, head in enumerate(headings):
        start, space, end = head.label.rpartition(" ")
        labels += (f"<th scope='col'{_classes(number=head.digits is not None, first=i in starts)}>"
                   f"{markup(start + space)}<span>{markup(end)}{arrows[head.lower]}</span></th>")
    if not any(h.group for h in headings):
        return f"<tr>{labels}</tr>"
    edges = [0, *sorted(starts), len(headings)]
    groups = "".join(
        f"<th colspan='{end - start}'{_classes(group=True, first=start in starts)}>"
        f"{markup(headings[start].group)}</th>" for start, end in zip(edges, edges[1:], strict=False))
    return f"<tr>{groups}</tr><tr>{labels}</tr>"


def _table_notes(headings, marked, spreads, notes):
    words = []
    if any(h.lower is not None for h in headings):
        words.append("↓ lower is better, ↑ higher is better.")
    if spreads:
        words.append("Below a mean stands its range over the seeds.")
    if marked:
        words.append("Bold: the best of its column" + (
            ", with all whose range overlaps its range; nothing is bold where all do."
            if spreads else "."))
    lines = [soft(" ".join(words))] if words else []
    lines += [Html(f"<p class='soft'><sup>{letter}</sup> {markup(reason)}</p>")
              for reason, letter in notes.items()]
    return "".join(lines)


def _cell(cell, head, best, first, notes):
    """One <td>; a reason for a dash that has no letter yet gets the next in `notes`."""
    tag = f"<td{_classes(number=head.digits is not None, first=first)}>"
    if head.digits is None or isinstance(cell, str):
        return f"{tag}{markup(cell)}</td>"
    span = _span(cell)
    if span is None:
        letter = notes.setdefault(head.absent, chr(ord("a") + len(notes)))
        return f"{tag}–<sup>{letter}</sup></td>"
    shown = [_number(value, head.digits) for value in span]
    mean = f"<strong>{shown[0]}</strong>" if best else shown[0]
    spread = f"<small>{shown[1]}–{shown[2]}</small>" if isinstance(cell, tuple) else ""
    return f"{tag}{mean}{spread}</td>"


def _classes(**names):
    """The attribute of those that are true."""
    chosen = " ".join(name for name, on in names.items() if on)
    return f" class='{chosen}'" if chosen else ""


def _number(value, digits):
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.{digits}f}"


def _span(cell):
    """(mean, low, high) of a cell, or None where there is no figure."""
    span = cell if isinstance(cell, tuple) else (cell,) * 3
    return None if any(v is None or math.isnan(v) for v in span) else span


def _best(cells, head, competing):
    """Numbers of the rows to be marked in a column."""
    if head.lower is None or head.digits is None:
        return set()
    sign = 1 if head.lower else -1
    spans = {i: [sign * round(v, head.digits) for v in span] for i in competing
             if not isinstance(cells[i], str) and (span := _span(cells[i])) is not None}
    if not spans:
        return set()
    reach = max(min(spans.values(), key=lambda span: span[0]))
    marked = {i for i, span in spans.items() if min(span) <= reach}
    return marked if len(marked) < len(spans) else set()


def markup(text) -> str:
    """The text escaped, or `Html` as it is."""
    return text if isinstance(text, Html) else html.escape(str(text))


def _blocks(parts):
    return "".join(part if isinstance(part, Html) else f"<p>{markup(part)}</p>" for part in parts)
