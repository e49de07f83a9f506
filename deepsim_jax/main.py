"""The command line: flags -> one library call.

    python -m deepsim_jax.main --config=configs/quickstart.py --workdir=runs/me \\
        --config.data.image=me.jpg
    python -m deepsim_jax.main --mode=edit --workdir=runs/me --input=edited.png --output=out.png
"""

import logging
import pathlib
import re
import sys

import absl.logging
from absl import app, flags
from ml_collections import config_flags

from deepsim_jax import api, compilation, editing, report, rundir, settings
from deepsim_jax.data import pair
from deepsim_jax.errors import UserError

FLAGS = flags.FLAGS
config_flags.DEFINE_config_file(
    "config", None, "File of the config, with an option after a colon; single keys are set with "
    "--config.section.key=value. Left out, an existing run continues with its own.", lock_config=True)
flags.DEFINE_string("workdir", None, "Folder of the run.")
flags.DEFINE_enum("mode", "train", ["train", "edit"], "What to do.")
flags.DEFINE_string("input", None, "edit: the edited primitive: a picture, a recipe (.json), a folder "
                    "of pictures or a video.")
flags.DEFINE_string("output", None, "edit: the .png to write; for a folder or a video of primitives a "
                    "folder, an .mp4 or a .webm.")
flags.DEFINE_string("keep", None, "edit: 'auto', or a mask whose non-zero pixels are kept from the "
                    "photo.")
flags.DEFINE_bool("extend", False, "train: let an existing run go on to a larger train.steps.")


def main(_):
    """Does what the flags say.

    Raises:
      UserError: something that the user gave cannot be used.
    """
    workdir = pathlib.Path(_needed("workdir")).absolute()
    if FLAGS.mode == "train":
        train(workdir)
    else:
        edit(workdir, pathlib.Path(_needed("input")), pathlib.Path(_needed("output")))


def train(workdir: pathlib.Path):
    """--mode=train: starts or continues a run and writes its report page."""
    if FLAGS.config is None and rundir.is_run(workdir):
        config, source = rundir.read_config(workdir), pair.Source.load(workdir / "pair")
    elif FLAGS.config is None:
        raise UserError("--config is needed for a new run, e.g. --config=configs/quickstart.py")
    else:
        config = settings.load(FLAGS.config)
        source = api.read_source(config)
    model = api.train_source(source, config, workdir, extend=FLAGS.extend)
    print(report.write(workdir))
    if model.step < config.train.steps:
        sys.exit(130)


def edit(workdir: pathlib.Path, source: pathlib.Path, output: pathlib.Path):
    """--mode=edit: applies edited primitives and adds them to the report page."""
    model = api.load(workdir)
    if source.suffix == ".json":
        drawn = model.apply_recipe(source)
        ends = [(drawn, model.edit(drawn, keep=FLAGS.keep))]
        editing.write_picture(output, ends[0][1])
    else:
        ends = editing.edit_path(lambda drawn: model.edit(drawn, keep=FLAGS.keep), source, output,
                                 size=model.primitive.shape[:2])
    for drawn, result in ends:
        report.add_edit(workdir, source.stem, drawn, result)
    logging.getLogger("deepsim_jax").info(
        "%s: %dx%d px", output, ends[0][1].shape[1], ends[0][1].shape[0])
    print(report.write(workdir))


def _needed(name):
    value = getattr(FLAGS, name)
    if not value:
        raise UserError(f"--{name} is needed for --mode={FLAGS.mode}")
    return value


def _parse(argv):
    known = settings.flatten(settings.default())
    try:
        for number, argument in enumerate(argv):
            flag, _, value = argument.lstrip("-").partition("=")
            if flag == "config" and value:
                settings.load(value)  # says better what is wrong than the flags do
                name, colon, option = value.partition(":")
                argv[number] = f"--config={settings.find(name)}{colon}{option}"
            elif flag.startswith("config."):
                settings.unknown_key([flag.removeprefix("config.")], known)
        return FLAGS(argv)
    except flags.IllegalFlagValueError as error:
        key = re.match(r"flag --config\.([\w.]+)=", str(error))
        _fail(f"{error}; give a value like {known[key[1]]!r}" if key else error)
    except (flags.Error, UserError, TypeError) as error:
        _fail(error)


def _fail(error):
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(2)


def _guarded(argv):
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr, force=True)
    logging.getLogger("deepsim_jax").setLevel(logging.INFO)
    # Orbax logs what it raises as well, in its own words.
    absl.logging.set_verbosity(absl.logging.FATAL)
    compilation.use_cache()
    try:
        main(argv)
    except UserError as error:
        _fail(error)


def run():
    """Entry point of the `deepsim_jax` console script."""
    app.run(_guarded, flags_parser=_parse)


if __name__ == "__main__":
    run()
