"""The command line: flags -> one library call.

    python -m deepsim_jax.main --config=configs/quickstart.py --workdir=runs/me \\
        --config.data.image=me.jpg
    python -m deepsim_jax.main --mode=edit --workdir=runs/me --input=edited.png --output=out.png
    python -m deepsim_jax.main --mode=evaluate --workdir=runs/me --input=folder-of-frames
    python -m deepsim_jax.main --distributed --config=...    (the same on every machine)
    python -m deepsim_jax.main --mode=table --config=configs/quickstart.py --workdir=tables/mine \\
        --rows=baseline --input=folder-of-frames,clip:carphone --seeds=3

SinGAN is trained by the same command with a config of its own; its modes and the flags that each takes
are listed in `singan_commands`:

    python -m deepsim_jax.main --config=configs/singan_quickstart.py --workdir=runs/s \\
        --config.data.image=me.jpg
    python -m deepsim_jax.main --mode=sample --workdir=runs/s --count=10 --output=samples.png
    python -m deepsim_jax.main --mode=edit --workdir=runs/s --input=edited.png --output=out.png --sheet
    python -m deepsim_jax.main --mode=inpaint --config=configs/singan_quickstart.py --workdir=runs/i \\
        --config.data.image=damaged.png --mask=hole.png --reference=next-frame.png --output=out.png
    python -m deepsim_jax.main --mode=table --config=configs/singan_quickstart.py \\
        --workdir=tables/samples --rows=samples --input=folder-of-photos,skimage:coffee
"""

# ruff: noqa: E402
from deepsim_jax import hugepages

if __name__ == "__main__":
    hugepages.restart()

import dataclasses
import json
import logging
import pathlib
import re
import sys

import absl.logging
from absl import app, flags
from ml_collections import config_flags

from deepsim_jax import (
    analysis,
    api,
    compilation,
    editing,
    inpainting,
    recipes,
    report,
    restoration,
    rundir,
    settings,
    singan_commands,
    sources,
    tables,
)
from deepsim_jax.data import frames
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import protocol, published
from deepsim_jax.training import devices

FLAGS = flags.FLAGS
config_flags.DEFINE_config_file(
    "config", None, "File of the config, with an option after a colon; single keys are set with "
    "--config.section.key=value. Left out, an existing run continues with its own.", lock_config=True)
flags.DEFINE_string("workdir", None, "Folder of the run.")
flags.DEFINE_enum("mode", "train", ["train", "edit", "evaluate", "table", "analyse", "prepare", *(
    mode for mode in singan_commands.MODES if mode != "edit")], "What to do.")
flags.DEFINE_string("input", None, "edit: the edited primitive: a picture, a recipe (.json), a folder "
                    "of pictures or a video. evaluate: a sequence: a folder of frames, a video, "
                    "clip:carphone, ... (default: the run's data.sequence); analyse, prepare: the "
                    "same. table: sequences, or photos for a table of SinGAN, with commas between them. "
                    "SinGAN: edit, harmonise: the changed photo; paint: a drawing; inpaint, enlarge: a "
                    "picture (default: the photo).")
flags.DEFINE_string("output", None, "edit: the .png to write; for a folder or a video of primitives a "
                    "folder, an .mp4, a .webm or a .gif. evaluate, analyse, prepare: a folder. SinGAN: a "
                    ".png, or a folder for several pictures; animate: an .mp4, a .webm or a .gif.")
flags.DEFINE_string("keep", None, "edit: 'auto', or a mask whose non-zero pixels are kept from the "
                    "photo.")
flags.DEFINE_list("amounts", [], "edit: factors for a recipe's movements, e.g. 0,0.5,1,2: makes a strip.")
flags.DEFINE_string("frame", None, "analyse: the held-out frame (default: the middle one).")
flags.DEFINE_bool("extend", False, "train: let an existing run go on to a larger train.steps.")
flags.DEFINE_bool("distributed", False, "train: as one of several processes, found through SLURM, Open "
                  "MPI, Kubernetes or a TPU VM slice, or named by JAX_COORDINATOR_ADDRESS, "
                  "JAX_NUM_PROCESSES and JAX_PROCESS_ID.")
flags.DEFINE_enum("rows", "baseline", [*published.TABLES, *singan_commands.TABLES],
                  "table: what is compared; the last three are SinGAN's.")
flags.DEFINE_integer("seeds", 1, "table: trainings per row and sequence.", lower_bound=1)
flags.DEFINE_string("inception", None, "evaluate, table: file of torchvision's Inception-v3 for SIFID, "
                    "or 'download'.")
flags.DEFINE_integer("count", None, "sample, retarget, paint: how many pictures.", lower_bound=1)
flags.DEFINE_integer("seed", None, "SinGAN: of the noise; another one, other pictures.", lower_bound=0)
flags.DEFINE_integer("start_scale", None, "SinGAN: where fresh noise or the given picture enters; 0 is "
                     "the coarsest.")
flags.DEFINE_integer("colors", None, "paint: trains the start scale again, once, on so many of the "
                     "photo's colours, and takes the drawing in them (published: 5).", lower_bound=2)
flags.DEFINE_string("size", None, "sample, retarget: of the pictures, WIDTHxHEIGHT.")
flags.DEFINE_string("mask", None, "edit, harmonise: what was changed, non-zero in a file (default: the "
                    "difference to the photo); inpaint: the hole; or words: difference:PICTURE, "
                    "color:R,G,B, bright, dark, polygons in a .json file.")
flags.DEFINE_string("reference", None, "inpaint: a picture that resembles the undamaged one.")
flags.DEFINE_integer("grow", 0, "inpaint with a config: pixels by which the hole is widened.",
                     lower_bound=0)
flags.DEFINE_enum("trained_on", "filled", list(inpainting.TRAINED_ON), "inpaint with a config: whether "
                  "the hole is filled by a simple method before the training, or trained on as it is.")
flags.DEFINE_float("times", None, "enlarge: by what factor.")
flags.DEFINE_integer("frames", None, "animate: how many.")
flags.DEFINE_float("alpha", None, "animate: how close to the photo, 0 to 1.")
flags.DEFINE_float("beta", None, "animate: how smooth, 0 to 1.")
flags.DEFINE_bool("sheet", None, "SinGAN: shows what each start scale makes, as one picture.")


def main(_):
    """Does what the flags say.

    Raises:
      UserError: something that the user gave cannot be used.
    """
    if FLAGS.distributed and FLAGS.mode != "train":
        raise UserError(f"--distributed is for --mode=train, not for --mode={FLAGS.mode}")
    if FLAGS.mode == "prepare":
        prepare(pathlib.Path(_needed("output")))
        return
    do = {"train": train, "edit": edit, "evaluate": evaluate, "table": table, "analyse": analyse}
    workdir = pathlib.Path(_needed("workdir")).absolute()
    if FLAGS.mode == "inpaint" and FLAGS.config is not None:
        inpaint(workdir)
    elif FLAGS.mode not in ("train", "table") and _of_singan(workdir):
        make(workdir)
    else:
        do[FLAGS.mode](workdir)


def _of_singan(workdir):
    """Whether the run is one of SinGAN; refuses a mode that its system does not have."""
    system = rundir.read_config(workdir).system
    modes = singan_commands.MODES if system == "singan" else ("edit", "evaluate", "analyse")
    if FLAGS.mode not in modes:
        raise UserError(f"--mode={FLAGS.mode}: {workdir} is a run of {system}, which has "
                        f"{', '.join(f'--mode={mode}' for mode in modes)}")
    return system == "singan"


def make(workdir: pathlib.Path):
    """The modes of SinGAN: pictures made with a run, which its report page shows too."""
    if FLAGS.keep is not None:
        raise UserError("--keep is for a run of deepsim; a SinGAN takes --mask, in which what was "
                        "changed is non-zero; without it, the changed pixels are found by themselves")
    model, names = api.load(workdir), [f.name for f in dataclasses.fields(singan_commands.Options)]
    given = {name: getattr(FLAGS, name) for name in names}
    options = singan_commands.Options(**given | {"size": _size(FLAGS.size)})
    print(singan_commands.run(FLAGS.mode, model, options))
    print(report.write(workdir))


def inpaint(workdir: pathlib.Path):
    """--mode=inpaint with a config: trains on the whole parts of a picture first, then fills its hole."""
    config = settings.load(FLAGS.config)
    # Said before anything is trained.
    mask, output = _needed("mask"), pathlib.Path(_needed("output"))
    if output.suffix.lower() != ".png":
        raise UserError(f"output {output}: a .png file is needed for a single picture")
    image = FLAGS.input or (config.data.image if "image" in config.data else "")
    if not image:
        raise UserError("no picture: give --config.data.image=damaged.png")
    found = restoration.inpaint(
        image, mask, FLAGS.reference, config=config, workdir=workdir, grow=FLAGS.grow,
        trained_on=FLAGS.trained_on, start_scale=FLAGS.start_scale, seed=FLAGS.seed or 0)
    editing.write_picture(output, found.picture)
    report.keep_made(workdir, "inpaint", found.picture)
    print(output)
    print(report.write(workdir))


def _size(text):
    """WIDTHxHEIGHT as (height, width)."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+)x(\d+)", text)
    if not found:
        raise UserError(f"--size={text}: give WIDTHxHEIGHT in pixels, such as 160x96")
    return int(found[2]), int(found[1])


def train(workdir: pathlib.Path):
    """--mode=train: starts or continues a run and writes its report page."""
    if FLAGS.distributed:
        devices.join()
    with devices.together():
        config, source = _given(workdir)
    model = api.train_source(source, config, workdir, extend=FLAGS.extend)
    if devices.is_first():
        print(report.write(workdir))
    if not model.finished:
        sys.exit(130)


def _given(workdir):
    """(config, pair) of the run to start or to continue."""
    if FLAGS.config is None and rundir.is_run(workdir):
        config = rundir.read_config(workdir)
        return config, sources.load_source(config, workdir / "pair")
    if FLAGS.config is None:
        raise UserError("--config is needed for a new run, e.g. --config=configs/quickstart.py")
    config = settings.load(FLAGS.config)
    return config, sources.read_source(config)


def edit(workdir: pathlib.Path):
    """--mode=edit: applies edited primitives and adds them to the report page."""
    source, output = pathlib.Path(_needed("input")), pathlib.Path(_needed("output"))
    model = api.load(workdir)
    if FLAGS.amounts:
        sweep(model, workdir, source, output)
        return
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


def sweep(model: api.Model, workdir: pathlib.Path, source: pathlib.Path, output: pathlib.Path):
    """--mode=edit --amounts: a recipe less and more far, as a strip: drawings above, results below."""
    try:
        amounts = [float(amount) for amount in FLAGS.amounts]
    except ValueError as error:
        raise UserError(f"--amounts={','.join(FLAGS.amounts)}: numbers are needed") from error
    if source.suffix != ".json":
        raise UserError(f"--amounts scales the movements of a recipe, --input={source} is none (.json)")
    recipe, ends = recipes.read(source), []
    for amount in amounts:
        drawn = model.apply_recipe(recipes.scaled(recipe, amount))
        ends.append((drawn, model.edit(drawn, keep=FLAGS.keep)))
        report.add_edit(workdir, f"{source.stem}-x{amount:g}", *ends[-1])
    editing.write_picture(output, editing.strip(ends))
    print(report.write(workdir))


def evaluate(workdir: pathlib.Path):
    """--mode=evaluate: measures a run on the frames of a sequence that it was not trained on."""
    sequence = _sequence(workdir)
    folder = pathlib.Path(FLAGS.output) if FLAGS.output else workdir / "evaluations" / sequence.name
    results = api.load(workdir).evaluate(sequence, folder=folder, inception=FLAGS.inception)
    print(protocol.summary(results))
    print(folder / "report.html")


def table(workdir: pathlib.Path):
    """--mode=table: trains and evaluates every row of a table on every sequence."""
    if FLAGS.config is None:
        raise UserError("--config is needed: what every row of the table starts from")
    given = FLAGS.input or "" if FLAGS.rows == "inpainting" else _needed("input")
    specs = [spec.strip() for spec in given.split(",") if spec.strip()]
    if FLAGS.rows in singan_commands.TABLES:
        config = settings.load(FLAGS.config)
        found = singan_commands.table(FLAGS.rows, workdir, specs, config, settings.flatten(config),
                                      inception=FLAGS.inception)
    else:
        found = tables.run(workdir, specs, FLAGS.config, rows=FLAGS.rows, seeds=FLAGS.seeds,
                           inception=FLAGS.inception)
    print("\n".join(found["findings"]), workdir / "report.html", sep="\n" * bool(found["findings"]))
    if found["pending"]:
        sys.exit(130)


def analyse(workdir: pathlib.Path):
    """--mode=analyse: how new the patches of a test drawing are, and where the network errs."""
    sequence = _sequence(workdir)
    found = analysis.nearest_patches(workdir, sequence, frame=FLAGS.frame, folder=FLAGS.output)
    print(json.dumps(found, indent=1))
    print((pathlib.Path(FLAGS.output) if FLAGS.output else
           workdir / "analysis" / f"{sequence.name}-{found['frame']}") / "report.html")


def prepare(output: pathlib.Path):
    """--mode=prepare: writes sequences as a TensorFlow Datasets set, for --input=tfds:folder."""
    from deepsim_jax.data import tfds_sequences  # needs the extra tfds

    tfds_sequences.prepare(frames.open_sequences(_needed("input")), output)
    print(f"tfds:{output}")


def _sequence(workdir):
    """What --input names, or the sequence that the run was trained on."""
    config = rundir.read_config(workdir)
    if FLAGS.input:
        return sources.only_sequence(FLAGS.input, limit=config.data.frames)
    if not config.data.sequence:
        raise UserError("--input is needed: this run was not trained on a frame of a sequence")
    return sources.open_sequence(config)


def _needed(name):
    value = getattr(FLAGS, name)
    if not value:
        raise UserError(f"--{name} is needed for --mode={FLAGS.mode}")
    return value


def _parse(argv):
    known = settings.keys("deepsim")
    try:
        for number, argument in enumerate(argv):
            flag, _, value = argument.lstrip("-").partition("=")
            if flag == "config" and value:
                # Says better what is wrong than the flags do.
                known = settings.keys(settings.load(value).system)
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
    except KeyboardInterrupt:
        print("stopped; the same command goes on where it was", file=sys.stderr)
        sys.exit(130)


def run():
    """Entry point of the `deepsim_jax` console script."""
    hugepages.restart()
    app.run(_guarded, flags_parser=_parse)


if __name__ == "__main__":
    run()
