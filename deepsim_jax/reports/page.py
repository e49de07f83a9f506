"""One self-contained page of blocks, without scripts, links or other files.

It follows the reader's light or dark mode and narrow screens. The templates escape whatever text a block
holds, so that a name like "<b>" is shown as it is.
"""

import base64
import functools
import pathlib
from collections.abc import Sequence

from deepsim_jax import version
from deepsim_jax.images import io as images
from deepsim_jax.reports import pictures, plots, table
from deepsim_jax.reports.blocks import Block


def render(title: str, blocks: Sequence[Block], *, subtitle: str = "") -> str:
    """The HTML of a page.

    Args:
      title: of the window, and the page's first heading.
      blocks: of `blocks`, `table.Table`, `plots.Plot`; strings are paragraphs.
      subtitle: one line below the heading.

    Raises:
      UserError: a picture cannot be read.
    """
    return _environment().get_template("page.html").render(title=title, subtitle=subtitle, blocks=blocks)


def write(path: pathlib.Path, title: str, blocks: Sequence[Block], *, subtitle: str = "") -> pathlib.Path:
    """Writes a page (see `render`) atomically and returns its path."""
    images.write_bytes_atomic(path, render(title, blocks, subtitle=subtitle).encode())
    return path


@functools.cache
def _environment():
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("deepsim_jax.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        version=version.__version__,
        theme=plots.THEME,
        table_layout=table.layout,
        picture_uri=lambda figure: pictures.data_uri(
            figure.picture, longest=figure.longest, lossy=figure.lossy
        ),
        plot_uri=_plot_uri,
    )
    environment.tests["text"] = lambda block: isinstance(block, str)
    return environment


def _plot_uri(plot):
    return f"data:image/svg+xml;base64,{base64.b64encode(plots.svg(plot).encode()).decode()}"
