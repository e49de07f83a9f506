"""One self-contained page of what the benchmarks have written; what was not measured is named.

    python benchmarks/page.py [benchmarks/results results/other.json ...] [--output report.html]

Takes JSON files of the benchmarks and folders of them. Several of one benchmark are shown one below
the other.
"""

import argparse
import json
import pathlib
import sys

import quality_sections
import speed_sections

from deepsim_jax.errors import UserError
from deepsim_jax.reports import page as report_page
from deepsim_jax.reports.blocks import Heading, Note

SECTIONS = {
    "step": ("The training step", speed_sections.step),
    "gpu": ("On a GPU", speed_sections.gpu),
    "singan": ("SinGAN", speed_sections.singan),
    "torch_singan": ("SinGAN beside PyTorch", speed_sections.torch_singan),
    "time_to_quality": ("Time to quality", quality_sections.time_to_quality),
    "conv": ("Convolutions", speed_sections.conv),
    "singan_conv": ("SinGAN's convolutions", speed_sections.singan_conv),
    "memory": ("Memory", speed_sections.memory),
    "edit_latency": ("Editing", speed_sections.edit_latency),
    "editor": ("The browser editor", speed_sections.editor),
    "evaluation": ("Evaluation", speed_sections.evaluation),
    "copying": ("Copies, with nothing trained", quality_sections.copying),
    "copy_latency": ("How soon a copied edit is there", speed_sections.copy_latency),
    "new_content": ("What the photo does not show", quality_sections.new_content),
    "completion": ("What is taken away", quality_sections.completion),
    "painting": ("What a network paints over a copy", quality_sections.painting),
    "igan": ("iGAN's edits", quality_sections.igan),
    "igan_photos": ("iGAN on a folder of photos", quality_sections.igan_photos),
    "scaling": ("Over devices", speed_sections.scaling),
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
