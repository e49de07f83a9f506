"""One drawing, painted by DeepSIM and by SinGAN, side by side (the DeepSIM paper's Figure 5).

    deepsim_jax train --config=configs/quickstart.py --workdir=runs/d \\
        --config.data.image=tree.jpg --config.data.kind=seg
    deepsim_jax train --config=configs/singan_quickstart.py --workdir=runs/s \\
        --config.data.image=tree.jpg
    python launch/paint_to_image.py --deepsim=runs/d --singan=runs/s --input=drawing.png \\
        --output=strip.png

The drawing is an edited copy of `runs/d/pair/primitive.png`: both systems get the same one. SinGAN paints
it from each of its start scales, the coarsest that takes a drawing first.
"""

import sys

from deepsim_jax import api, main
from deepsim_jax.errors import UserError
from deepsim_jax.images import compositing, contact_sheet
from deepsim_jax.images import io as images
from deepsim_jax.runtime.paths import user_path
from deepsim_jax.systems.contract import Call, Option, Verb
from deepsim_jax.systems.deepsim.model import Model
from deepsim_jax.systems.singan import applications
from deepsim_jax.systems.singan.model import SinganModel


def run(call: Call):
    """Writes the strip and prints its path.

    Raises:
      UserError: a folder holds no run of that system, or the drawing cannot be used.
    """
    deepsim, singan = api.load(call.deepsim), api.load(call.singan)
    if not isinstance(deepsim, Model):
        raise UserError(f"--deepsim={call.deepsim}: a run of DeepSIM is needed")
    if not isinstance(singan, SinganModel):
        raise UserError(f"--singan={call.singan}: a run of SinGAN is needed")
    try:
        scales = [int(scale) for scale in call.start_scales]
    except ValueError as error:
        raise UserError(
            f"--start_scales={','.join(call.start_scales)}: whole numbers with commas between them are "
            "needed"
        ) from error
    drawing = images.read_image(call.input, name="drawing")
    shown = {
        "photo": applications.training_picture(singan.learned, singan.photo),
        "drawing": drawing,
        "DeepSIM": deepsim.edit(drawing, engine="network"),
    }
    for scale in scales:
        painted = applications.paint(singan.learned, drawing, start_scale=scale, seed=call.seed)
        shown[f"SinGAN from scale {scale}"] = painted[0]
    columns = [f"{name}, {picture.shape[1]}x{picture.shape[0]}" for name, picture in shown.items()]
    output = user_path(call.output)
    strip = contact_sheet.contact_sheet([("", list(shown.values()))], columns=columns)
    compositing.write_picture(output, strip)
    print(output)


VERB = Verb(
    name="paint_to_image",
    about="one drawing, painted by DeepSIM and by SinGAN, side by side",
    options=(
        Option("deepsim", "path", "folder of a run of DeepSIM", is_needed=True),
        Option("singan", "path", "folder of a run of SinGAN, of the same photo", is_needed=True),
        Option("input", "path", "the drawing", is_needed=True),
        Option("output", "path", "the .png to write", is_needed=True),
        Option("start_scales", "words", "of SinGAN, with commas between them", default="1,2"),
        Option("seed", "int", "of SinGAN's noise", default=0),
    ),
    run=f"{__name__}:run",
    needs_workdir=False,
    workdir_about="",
)

if __name__ == "__main__":
    sys.exit(main.main(sys.argv, VERB))
