"""The effect of the number of scales that SinGAN is trained with (the paper's Figure 9).

    python launch/number_of_scales.py --image=me.jpg --workdir=runs/scales --scales=2,4,6 \\
        [--config=singan_quickstart] --output=scales.png

Trains once with each number of scales, always the finest ones, in folders of their own; the same command
goes on with what is not trained yet. Few scales know textures alone; the more there are, the larger the
things whose arrangement is kept. The picture has a row of samples for each.
"""

import sys

from deepsim_jax import api, main, settings
from deepsim_jax.errors import UserError
from deepsim_jax.images import compositing
from deepsim_jax.runtime.paths import user_path
from deepsim_jax.systems.contract import Call, Option, Verb
from deepsim_jax.systems.singan import applications


def run(call: Call):
    """Trains, writes the picture and prints its path.

    Raises:
      UserError: an unusable photo, config or number, or a training that was stopped.
    """
    if not all(number.isdigit() and int(number) for number in call.scales):
        raise UserError(
            f"--scales={','.join(call.scales)}: numbers of 1 or more with commas between them are needed"
        )
    if call.needed_config.system != "singan":
        raise UserError(f"the config is for {call.needed_config.system}: one of SinGAN is needed")
    flat, trained = settings.flatten(call.needed_config), []
    for number in call.scales:
        config = settings.unflatten({**flat, "pyramid.keep": int(number)})
        model = api.train(call.image, config=config, workdir=call.folder / f"{number}-scales")
        if not model.finished:
            raise UserError("stopped; the same command goes on where it was")
        trained.append(model.learned)
    output = user_path(call.output)
    compositing.write_picture(output, applications.scales_sheet(trained, call.samples, seed=call.seed))
    print(output)


VERB = Verb(
    name="number_of_scales",
    about="the effect of the number of scales that SinGAN is trained with",
    options=(
        Option("image", "path", "the photo", is_needed=True),
        Option("output", "path", "the .png to write", is_needed=True),
        Option("scales", "words", "numbers of scales, with commas between them", default="2,4,6"),
        Option("samples", "int", "in each row", default=3),
        Option("seed", "int", "of the samples", default=0),
    ),
    run=f"{__name__}:run",
    takes_config=True,
    default_config="singan_quickstart",
    workdir_about="folder for the runs",
)

if __name__ == "__main__":
    sys.exit(main.main(sys.argv, VERB))
