"""The effect of the number of scales that SinGAN is trained with (the paper's Figure 9).

    python launch/number_of_scales.py --image=me.jpg --workdir=runs/scales --scales=2,4,6 \\
        [--config=singan_quickstart] --output=scales.png

Trains once with each number of scales, always the finest ones, in folders of their own; the same command
goes on with what is not trained yet. Few scales know textures alone; the more there are, the larger the
things whose arrangement is kept. The picture has a row of samples for each.
"""

import argparse
import logging
import pathlib
import sys

from deepsim_jax import UserError, api, applications, editing, settings


def main(arguments: list[str]) -> pathlib.Path:
    """Trains, writes the picture and returns its path.

    Raises:
      UserError: an unusable photo, config or number, or a training that was stopped.
    """
    flags = argparse.ArgumentParser(description=__doc__, allow_abbrev=False,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--image", required=True, help="the photo")
    flags.add_argument("--workdir", required=True, help="folder for the runs")
    flags.add_argument("--output", required=True, help="the .png to write")
    flags.add_argument("--scales", default="2,4,6", help="numbers of scales, with commas between them")
    flags.add_argument("--config", default="singan_quickstart", help="name or path of a SinGAN's config")
    flags.add_argument("--samples", type=int, default=3, help="in each row")
    flags.add_argument("--seed", type=int, default=0, help="of the samples")
    given = flags.parse_args(arguments)
    numbers = given.scales.split(",")
    if not all(number.isdigit() and int(number) for number in numbers):
        raise UserError(f"--scales={given.scales}: numbers of 1 or more with commas between them are "
                        "needed")
    trained = []
    for number in numbers:
        config = settings.load(given.config)
        if config.system != "singan":
            raise UserError(f"--config={given.config}: a config of SinGAN is needed")
        config.pyramid.keep = int(number)
        folder = pathlib.Path(given.workdir) / f"{number}-scales"
        model = api.train(given.image, config=config, workdir=folder)
        if not model.finished:
            raise UserError("stopped; the same command goes on where it was")
        trained.append(model.learned)
    output = pathlib.Path(given.output)
    editing.write_picture(output, applications.scales_sheet(trained, given.samples, seed=given.seed))
    return output


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(message)s", force=True)
    logging.getLogger("deepsim_jax").setLevel(logging.INFO)
    try:
        print(main(sys.argv[1:]))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
