"""Makes the pages of measured results from the JSON and the pictures in a folder.

    python results/make_pages.py [folder]

benchmarks.html of all benchmarks goes into the folder itself, and a report.html beside every
evaluation.json, table.json and patches.json below it.
"""

import argparse
import json
import pathlib
import sys

from deepsim_jax.errors import UserError
from deepsim_jax.reports import picture_table_page
from deepsim_jax.systems.deepsim.evaluation import evaluation_page
from deepsim_jax.systems.deepsim.study import patches_page, table_page

RESULTS = pathlib.Path(__file__).parent
sys.path.append(str(RESULTS.parent / "benchmarks"))

import page as benchmarks_page  # noqa: E402


def make_pages(folder: pathlib.Path) -> list[pathlib.Path]:
    """Writes the pages of a folder and returns their paths.

    Raises:
      UserError: there is nothing to make pages of, or it is damaged.
    """
    written = []
    if any(folder.glob("*.json")):
        content = benchmarks_page.page(benchmarks_page.read([folder]))
        (folder / "benchmarks.html").write_text(content, encoding="utf-8")
        written.append(folder / "benchmarks.html")
    for name, write in (
        ("evaluation.json", evaluation_page.write),
        ("patches.json", patches_page.write),
        ("table.json", write_table),
    ):
        written += [write(path.parent) for path in sorted(folder.glob(f"*/**/{name}"))]
    if not written:
        raise UserError(f"{folder}: holds no results")
    return written


def write_table(folder: pathlib.Path) -> pathlib.Path:
    """Writes the page of a table of either kind and returns its path; raises as they do."""
    try:
        of_pictures = "pictures" in json.loads((folder / "table.json").read_text(encoding="utf-8"))
    except ValueError:
        of_pictures = False  # damaged, as the page will say
    return (picture_table_page if of_pictures else table_page).write(folder)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=RESULTS)
    try:
        print(*make_pages(parser.parse_args().folder), sep="\n")
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
