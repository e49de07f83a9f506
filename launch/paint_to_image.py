"""One drawing, painted by DeepSIM and by SinGAN, side by side (the DeepSIM paper's Figure 5).

    python -m deepsim_jax.main --config=configs/quickstart.py --workdir=runs/d \\
        --config.data.image=tree.jpg --config.data.kind=seg
    python -m deepsim_jax.main --config=configs/singan_quickstart.py --workdir=runs/s \\
        --config.data.image=tree.jpg
    python launch/paint_to_image.py --deepsim=runs/d --singan=runs/s --input=drawing.png \\
        --output=strip.png

The drawing is an edited copy of `runs/d/pair/primitive.png`: both systems get the same one. SinGAN paints
it from each of its start scales, the coarsest that takes a drawing first.
"""

import argparse
import logging
import pathlib
import sys

from deepsim_jax import UserError, api, applications, editing, sheets
from deepsim_jax.data import images


def main(arguments: list[str]) -> pathlib.Path:
    """Writes the strip and returns its path.

    Raises:
      UserError: a folder holds no run of that system, or the drawing cannot be used.
    """
    flags = argparse.ArgumentParser(description=__doc__, allow_abbrev=False,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--deepsim", required=True, help="folder of a run of DeepSIM")
    flags.add_argument("--singan", required=True, help="folder of a run of SinGAN, of the same photo")
    flags.add_argument("--input", required=True, help="the drawing")
    flags.add_argument("--output", required=True, help="the .png to write")
    flags.add_argument("--start_scales", default="1,2", help="of SinGAN, with commas between them")
    flags.add_argument("--seed", type=int, default=0, help="of SinGAN's noise")
    given = flags.parse_args(arguments)
    deepsim, singan = api.load(given.deepsim), api.load(given.singan)
    for model, kind, folder in ((deepsim, api.Model, given.deepsim),
                                (singan, api.SinganModel, given.singan)):
        if not isinstance(model, kind):
            raise UserError(f"{folder}: a run of the other system; see --help")
    try:
        scales = [int(scale) for scale in given.start_scales.split(",")]
    except ValueError as error:
        raise UserError(f"--start_scales={given.start_scales}: whole numbers with commas between them "
                        "are needed") from error
    drawing = images.read_image(given.input, name="drawing")
    shown = {"photo": applications.training_picture(singan.learned, singan.photo), "drawing": drawing,
             "DeepSIM": deepsim.edit(drawing)}
    for scale in scales:
        made = applications.paint(singan.learned, drawing, start_scale=scale, seed=given.seed)
        shown[f"SinGAN from scale {scale}"] = made[0]
    columns = [f"{name}, {picture.shape[1]}x{picture.shape[0]}" for name, picture in shown.items()]
    output = pathlib.Path(given.output)
    editing.write_picture(output, sheets.contact_sheet([("", list(shown.values()))], columns=columns))
    return output


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        print(main(sys.argv[1:]))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
