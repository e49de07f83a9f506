"""A tour of the command line: what a user can do with either system, and what is refused.

A leg of it is given in a folder of its own. Its steps build on each other, and share trainings, because
compiling one takes longer than all else; the networks of all but the first are as small as can be.
"""

import json
import re
import shutil
import signal
import sys
import tarfile
import typing
from collections.abc import Callable
from pathlib import Path

import facts
import inputs
import numpy as np
from console import MAIN, Console, Interrupt

sys.path.append(str(Path(__file__).parents[1] / "fixtures"))

import make_old_runs as old_runs  # noqa: E402

ALBUM = "launch/train_folder.py"

# What XLA's compiler says on a busy machine and what depends on its cache; bars of TensorFlow Datasets.
_NOT_OURS = re.compile(
    r"[IWEF]\d{4} |\d{4}-\d\d-\d\d \d\d:|\*{10}|\[Compiling module|The operation took|compiled in |"
    r"Generating |Shuffling |\s*(\x1b\[A)?$"
)


class Step(typing.NamedTuple):
    """A command.

    Attributes:
      about: what it is for.
      arguments: as they are typed, with blanks between them.
      interrupt: a signal that it gets.
      program: see `Console.run`; a script is one of the checkout that the package is in.
      first: what the user does before, in the folder.
    """

    about: str
    arguments: str
    interrupt: Interrupt | None = None
    program: str = MAIN
    first: Callable[[Path], None] = lambda folder: None


def _paint_drawings(folder):
    """Edited drawings, of the run's own colours; a folder of them; a mask; recipes; unusable files."""
    drawing = inputs.read(folder / "runs/large/pair/primitive.png")
    photo = inputs.read(folder / "large.png")
    edited = drawing.copy()
    edited[4:18, 36:56] = drawing[22, 20]
    inputs.write(folder / "edited.png", edited)
    for name in ("2", "10"):
        inputs.write(folder / "frames" / f"{name}.png", edited if name == "2" else drawing)
    strange = edited.copy()
    strange[30:40, 10:20] = 255, 0, 255
    inputs.write(folder / "strange.png", strange)
    inputs.write(folder / "large-drawing.png", np.repeat(np.repeat(edited, 2, 0), 2, 1)[:96, :120])
    inputs.write(folder / "small.png", drawing[:, :30])
    mask = np.zeros(photo.shape, np.uint8)
    mask[:48] = 255
    inputs.write(folder / "mask.png", mask)
    outline = [[12, 12], [30, 12], [30, 34], [12, 34]]
    steps = [
        {"copy": {"polygon": outline, "by": [26, 6], "scale": 0.8, "flip": True}},
        {"paint": {"polygon": [[2, 2], [12, 2], [7, 9]], "like": [20, 22]}},
        {"line": {"points": [[5, 45], [30, 40]]}},
        {"warp": {"from": [[45, 40]], "to": [[45, 34]], "fixed": [[10, 10]], "reach": 20}},
    ]
    (folder / "recipe.json").write_text(json.dumps({"size": [64, 51], "steps": steps}))
    (folder / "bend.json").write_text('{"steps": [{"bend": {}}]}')


def _begin_deepsim(folder):
    inputs.write_inputs(folder)
    inputs.write(folder / "large.png", inputs.scene(3))
    (folder / "text.png").write_text("hello")
    (folder / "mine.py").write_text("def get_config(option=''):\n    return {}['x']\n")


LARGE = "--config=quickstart:tiny --config.data.image=large.png --workdir=runs/large"
EDIT = "--mode=edit --workdir=runs/large --engine=network"

DEEPSIM = (
    Step("train, stopped by Ctrl-C", LARGE, Interrupt("step 2/6"), first=_begin_deepsim),
    Step(
        "edit with what is trained so far",
        f"{EDIT} --input=runs/large/pair/primitive.png --output=half.png",
    ),
    Step("the same command goes on", LARGE),
    Step("a finished run", "--workdir=runs/large"),
    Step("more steps are refused", f"{LARGE} --config.train.steps=8"),
    Step("other settings are refused", f"{LARGE} --config.seed=3"),
    Step("more steps", f"{LARGE} --config.train.steps=8 --extend"),
    Step("a drawing", f"{EDIT} --input=edited.png --output=out/edited.png", first=_paint_drawings),
    Step(
        "a drawing, copied and painted",
        "--mode=edit --workdir=runs/large --engine=both --input=edited.png --output=b.png",
    ),
    Step("a drawing, all else kept", f"{EDIT} --input=edited.png --output=auto.png --keep=auto"),
    Step("a drawing, kept by a mask", f"{EDIT} --input=edited.png --output=kept.png --keep=mask.png"),
    Step("colours that are unknown", f"{EDIT} --input=strange.png --output=strange-out.png"),
    Step("a drawing of the photo's size", f"{EDIT} --input=large-drawing.png --output=shrunk.png"),
    Step("a recipe", f"{EDIT} --input=recipe.json --output=recipe.png --keep=auto"),
    Step(
        "a recipe, more and less far", f"{EDIT} --input=recipe.json --output=strip.png --amounts=0,0.5,1"
    ),
    Step("a folder", f"{EDIT} --input=frames --output=frames-out"),
    Step("a folder to a video", f"{EDIT} --input=frames --output=frames.mp4"),
    Step("a folder to a moving picture", f"{EDIT} --input=frames --output=frames.gif"),
    Step("a video", f"{EDIT} --input=frames.gif --output=from-video"),
    Step("wrong: no config", "--workdir=new"),
    Step("wrong: no workdir", "--config=quickstart:tiny"),
    Step("wrong: no photo", "--config=quickstart:tiny --workdir=new"),
    Step("wrong: no such photo", "--config=quickstart:tiny --workdir=new --config.data.image=none.png"),
    Step("wrong: no picture", "--config=quickstart:tiny --workdir=new --config.data.image=text.png"),
    Step("wrong: no such key", f"{LARGE} --config.train.stps=3"),
    Step("wrong: no number", f"{LARGE} --config.train.steps=many"),
    Step("wrong: out of range", f"{LARGE} --config.train.steps=-1"),
    Step("wrong: no such word", f"{LARGE} --config.data.kind=edge"),
    Step("wrong: no such config", "--config=nope.py --workdir=new"),
    Step("wrong: no such option", "--config=quickstart:teeny --workdir=new"),
    Step("wrong: a config with a mistake", "--config=mine.py --workdir=new"),
    Step("wrong: no such flag", "--confg.data.image=large.png --workdir=new"),
    Step("wrong: no such mode", "--mode=bake --workdir=runs/large"),
    Step("wrong: a mode of the other system", "--mode=sample --workdir=runs/large --output=a.png"),
    Step("wrong: no run", "--mode=edit --workdir=none --input=edited.png --output=a.png"),
    Step("wrong: no output", f"{EDIT} --input=edited.png"),
    Step("wrong: not losslessly", f"{EDIT} --input=edited.png --output=a.jpg"),
    Step("wrong: the input itself", f"{EDIT} --input=edited.png --output=edited.png"),
    Step("wrong: another size", f"{EDIT} --input=small.png --output=a.png"),
    Step("wrong: a mask of another size", f"{EDIT} --input=edited.png --output=a.png --keep=small.png"),
    Step("wrong: an unknown step", f"{EDIT} --input=bend.json --output=a.png"),
    Step("wrong: no recipe", f"{EDIT} --input=edited.png --output=a.png --amounts=1,2"),
    Step("wrong: not trained on frames", "--mode=evaluate --workdir=runs/large"),
    Step("wrong: only in training", f"{EDIT} --input=edited.png --output=a.png --distributed"),
)

SAME = " ".join(inputs.SAME)
FOUR = f"{SAME} --config.train.steps=4"
BOX = f"{FOUR} --config.data.sequence=box --config.train.measure_every=2 --workdir=runs/box"
TABLE = f"--mode=table {FOUR} --input=box --workdir=tables/baseline"
FOLDER = f"{FOUR} --input=photos --workdir=albums/two"


def _other_frames(folder):
    for name in ("1", "2"):
        inputs.write(folder / "other" / f"{name}.png", inputs.scene()[::-1])


def _write_config(folder):
    """A config file of the user's own, which says what `SAME` says."""
    pairs = [key.removeprefix("--config.").split("=") for key in inputs.SAME[1:]]
    lines = ["from deepsim_jax import settings", "def get_config(option=''):"]
    lines.append("    config = settings.load('quickstart:tiny').unlock()")
    lines += [f"    config.{key} = {value if value.isdigit() else repr(value)}" for key, value in pairs]
    (folder / "small.py").write_text("\n".join([*lines, "    return config", ""]))


def _break_photo(folder):
    (folder / "photos/broken.png").write_bytes((folder / "photos/first.png").read_bytes()[:200])
    (folder / "photos/notes.txt").write_text("no photo")


SEQUENCES = (
    Step("train on a frame, measured", BOX, first=inputs.write_inputs),
    Step("evaluate", "--mode=evaluate --workdir=runs/box"),
    Step("evaluate elsewhere", "--mode=evaluate --workdir=runs/box --input=box --output=evaluated"),
    Step("analyse", "--mode=analyse --workdir=runs/box --frame=1"),
    Step("prepare a set", "--mode=prepare --input=box --output=set"),
    Step("evaluate on the set", "--mode=evaluate --workdir=runs/box --input=tfds:set --output=on-set"),
    Step("a table, stopped", TABLE, Interrupt("step 2/4", times=2)),
    Step("the table goes on", TABLE),
    Step("an album, stopped", FOLDER, Interrupt("step 2/4", signal.SIGTERM, 2), ALBUM, _break_photo),
    Step("the album goes on", FOLDER, program=ALBUM),
    Step(
        "a config of one's own, begun with another run's networks",
        "--config=small.py --config.train.steps=4 --config.data.image=photo.png"
        " --config.train.start_from=runs/box --workdir=runs/started",
        first=_write_config,
    ),
    Step("wrong: no such sequence", "--mode=evaluate --workdir=runs/box --input=none"),
    Step(
        "wrong: another sequence", "--mode=evaluate --workdir=runs/box --input=other", first=_other_frames
    ),
    Step("wrong: no such frame", "--mode=analyse --workdir=runs/box --frame=77"),
    Step("wrong: a table without a config", "--mode=table --workdir=t --input=box"),
    Step("wrong: a table without sequences", f"--mode=table {SAME} --workdir=t"),
    Step("wrong: no such rows", f"--mode=table {SAME} --workdir=t --input=box --rows=none"),
    Step("wrong: another table", f"{TABLE} --config.optim.g_rate=0.005"),
    Step("wrong: two sources", f"{BOX} --config.data.image=photo.png"),
    Step("wrong: nothing to prepare", "--mode=prepare --input=box"),
    Step("wrong: an album without photos", "--input=box/none --workdir=albums/none", program=ALBUM),
    Step("wrong: no such key of an album", f"{FOLDER} --config.train.stps=3", program=ALBUM),
)

# Today's default, by name: the program of commit 1a00911 had another one, and does the same with this.
TINY = "--config=singan_quickstart:tiny --config.noise.compat=code"
PHOTO = f"{TINY} --config.data.image=photo.png --workdir=runs/s"
RUN = "--workdir=runs/s"


def _begin_singan(folder):
    inputs.write_inputs(folder)
    photo = inputs.scene()
    edited = photo.copy()
    edited[3:12, 26:38] = photo[8:17, 8:20]
    inputs.write(folder / "edited.png", edited)
    mask = np.zeros_like(photo)
    mask[3:12, 26:38] = 255
    inputs.write(folder / "mask.png", mask)
    inputs.write(folder / "drawing.png", photo // 64 * 64)
    damaged = photo.copy()
    damaged[22:25, 5:20] = 255
    inputs.write(folder / "damaged.png", damaged)


FILL = f"--mode=inpaint {TINY} --config.data.image=damaged.png --workdir=runs/filled"
SAMPLES = f"--mode=table {TINY} --workdir=tables/samples --rows=samples --input=photo.png"

SINGAN = (
    Step(
        "train, ended in the second scale",
        PHOTO,
        Interrupt("step 6/8", signal.SIGTERM),
        first=_begin_singan,
    ),
    Step("the same command goes on", PHOTO),
    Step("a sample", f"--mode=sample {RUN} --output=sample.png"),
    Step(
        "samples in a folder", f"--mode=sample {RUN} --count=2 --seed=3 --start_scale=1 --output=samples"
    ),
    Step("samples in one picture", f"--mode=sample {RUN} --count=6 --size=32x20 --output=six.png"),
    Step("samples of each start scale", f"--mode=sample {RUN} --count=2 --sheet --output=sheet.png"),
    Step("another aspect", f"--mode=retarget {RUN} --size=40x20 --output=retarget.png"),
    Step("a drawing", f"--mode=paint {RUN} --input=drawing.png --output=paint.png"),
    Step(
        "a drawing in few colours",
        f"--mode=paint {RUN} --input=drawing.png --colors=3 --output=paint-3.png",
    ),
    Step("an edited photo", f"--mode=edit {RUN} --input=edited.png --output=edit.png"),
    Step("an edited photo, a sheet", f"--mode=edit {RUN} --input=edited.png --sheet --output=edits.png"),
    Step(
        "a pasted object",
        f"--mode=harmonise {RUN} --input=edited.png --mask=mask.png --output=harmonised.png",
    ),
    Step("larger", f"--mode=enlarge {RUN} --times=2 --output=larger.png"),
    Step("moving", f"--mode=animate {RUN} --frames=3 --output=moving.gif"),
    Step("moving, a film", f"--mode=animate {RUN} --frames=3 --alpha=0.2 --beta=0.8 --output=moving.mp4"),
    Step("moving, a sheet", f"--mode=animate {RUN} --frames=2 --sheet --output=sheet.gif"),
    Step("a hole", f"--mode=inpaint {RUN} --input=damaged.png --mask=bright:250 --output=filled.png"),
    Step(
        "a damaged picture, trained on",
        f"{FILL} --mask=bright:250 --grow=1 --reference=photo.png --output=new.png",
    ),
    Step("a table of samples", SAMPLES),
    Step("more steps are refused", f"{PHOTO} --config.train.steps=5 --extend"),
    Step("wrong: no such key", f"{PHOTO} --config.pyramid.maxsize=96"),
    Step("wrong: a mode of the other system", f"--mode=evaluate {RUN}"),
    Step(
        "wrong: a flag of the other system",
        f"--mode=edit {RUN} --input=edited.png --output=a.png --keep=auto",
    ),
    Step("wrong: a flag of another mode", f"--mode=sample {RUN} --times=2 --output=a.png"),
    Step("wrong: no output", f"--mode=sample {RUN}"),
    Step("wrong: not how much larger", f"--mode=enlarge {RUN} --output=a.png"),
    Step("wrong: no size", f"--mode=sample {RUN} --size=big --output=a.png"),
    Step("wrong: no such scale", f"--mode=sample {RUN} --start_scale=2 --output=a.png"),
    Step("wrong: not losslessly", f"--mode=sample {RUN} --output=a.jpg"),
    Step("wrong: not moving", f"--mode=animate {RUN} --output=a.png"),
    Step(
        "wrong: all start scales and one", f"--mode=sample {RUN} --sheet --start_scale=0 --output=a.png"
    ),
    Step("wrong: nothing edited", f"--mode=edit {RUN} --input=photo.png --output=a.png"),
    Step("wrong: no such mask", f"--mode=inpaint {RUN} --mask=none.png --output=a.png"),
    Step("wrong: nothing masked", f"{FILL} --mask=color:1,2,3,0 --output=a.png"),
    Step(
        "wrong: a table for the other system",
        "--mode=table --config=quickstart:tiny --workdir=t --rows=samples --input=photo.png",
    ),
    Step("wrong: a table of its own pictures", f"{SAMPLES} --rows=inpainting"),
)


def _unpack(folder):
    with tarfile.open(old_runs.ARCHIVE) as archive:
        archive.extractall(folder, filter="data")


def _copy(old, new):
    return lambda folder: shutil.copytree(folder / old, folder / new)


def _unpack_and_copy(folder):
    _unpack(folder)
    _copy("runs/stopped", "runs/stopped-twin")(folder)


def _joined(*arguments):
    return " ".join(arguments)


OLD = (
    Step("a drawing", _joined(*old_runs.EDIT, "--engine=network", "--output=edit.png"), first=_unpack),
    Step(
        "a drawing, all else kept",
        _joined(*old_runs.EDIT, "--engine=network", "--output=kept.png", "--keep=auto"),
    ),
    Step(
        "a drawing, of a stopped run",
        _joined(*old_runs.EDIT_STOPPED, "--engine=network", "--output=stopped.png"),
    ),
    Step("a sample of a stopped run", _joined(*old_runs.SAMPLE, "--output=sample.png")),
)

OLD_CONTINUED = (
    Step(
        "the stopped run goes on",
        "--workdir=runs/stopped",
        first=_unpack_and_copy,
    ),
    Step("a copy of it goes on", "--workdir=runs/stopped-twin"),
    Step(
        "the same, never stopped",
        _joined(*old_runs.STOPPED, "--config.train.keep=9", "--workdir=runs/stopped-whole"),
    ),
    Step(
        "more steps",
        _joined(*old_runs.FINISHED, "--config.train.steps=4", "--extend", "--workdir=runs/finished"),
    ),
    Step("the pyramid goes on", "--workdir=runs/singan", first=_copy("runs/singan", "runs/singan-twin")),
    Step("a copy of it goes on, too", "--workdir=runs/singan-twin"),
    Step(
        "the same pyramid, never stopped",
        _joined(*old_runs.SINGAN, "--config.train.keep=9", "--workdir=runs/singan-whole"),
    ),
    Step("the table goes on", _joined(*old_runs.TABLE)),
    Step("the album goes on", _joined(*old_runs.ALBUM), program=ALBUM),
)


def _tiny(name, *keys, image="photo.png", first=lambda folder: None):
    """A training of a few steps by a shipped config, in a folder of its name."""
    given = f"--config={name}:tiny", f"--config.data.image={image}", f"--workdir=runs/{name}"
    return Step(f"train {name}", _joined(*given, "--config.train.steps=2", *keys), first=first)


CONFIGS = (
    _tiny("paper", first=inputs.write_inputs),
    _tiny("fast"),
    _tiny("local_enhancer", "--config.data.root=box", image=""),
    _tiny("singan_paper", "--config.noise.compat=code"),
    _tiny("singan_fast", "--config.noise.compat=code"),
    Step(
        "train as the published program does",
        _joined(
            *inputs.SAME[1:], "--config=paper:code", "--config.train.steps=2", "--config.data.max_side=32"
        )
        + " --config.data.image=photo.png --workdir=runs/code",
    ),
    Step(
        "train SinGAN as the published program does",
        "--config=singan_paper:code --config.train.steps=2 --config.pyramid.min_size=15"
        " --config.pyramid.max_size=26 --config.pyramid.keep=2 --config.model.filters=8"
        " --config.data.image=photo.png --workdir=runs/singan-code",
    ),
)


def _paint_brief(folder):
    drawing = inputs.read(folder / "runs/brief/pair/primitive.png")
    drawing[2:9, 24:33] = drawing[14, 13]
    inputs.write(folder / "edited.png", drawing)


DEEPSIM_BRIEF = (
    Step(
        "train",
        f"{SAME} --config.train.steps=2 --config.data.image=photo.png --workdir=runs/brief",
        first=inputs.write_inputs,
    ),
    Step(
        "a drawing, all else kept",
        "--mode=edit --workdir=runs/brief --engine=both --input=edited.png --output=kept.png --keep=auto",
        first=_paint_brief,
    ),
    Step("wrong: no output", "--mode=edit --workdir=runs/brief --input=edited.png"),
)

SINGAN_BRIEF = (
    Step(
        "train",
        f"{TINY} --config.train.steps=1 --config.data.image=photo.png --workdir=runs/brief",
        first=inputs.write_inputs,
    ),
    Step("a sample", "--mode=sample --workdir=runs/brief --output=sample.png"),
    Step("wrong: no such scale", "--mode=sample --workdir=runs/brief --start_scale=2 --output=a.png"),
)

BRIEF = {"deepsim-brief": DEEPSIM_BRIEF, "old": OLD}
"""The legs of some seconds: a system in three commands, and what needs no training of old folders."""

LEGS = {
    **BRIEF,
    "singan-brief": SINGAN_BRIEF,
    "deepsim": DEEPSIM,
    "sequences": SEQUENCES,
    "singan": SINGAN,
    "old-continued": OLD_CONTINUED,
    "configs": CONFIGS,
}
"""The tour."""


def walk(steps: typing.Sequence[Step], folder: Path, console: Console) -> tuple[dict, dict]:
    """Gives the commands of a leg.

    Args:
      steps: the leg.
      folder: where; empty.
      console: gives them.

    Returns:
      (facts, bits) of every step, by what it is for, and of the pages that are there in the end, by
      their paths; see `facts`.
    """
    found, bits, configs = {}, {}, {}
    for step in steps:
        step.first(folder)
        before = facts.snapshot(folder)
        done = console.run(
            folder, *step.arguments.split(), program=step.program, interrupt=step.interrupt
        )
        after = facts.snapshot(folder)
        files = {
            name: facts.look_at(folder / name, folder)
            for name in after
            if after[name] != before.get(name)
        }
        said = {"out": _plain(done.out, folder), "err": _plain(done.err, folder)}
        bits[step.about] = {
            "exit": done.code,
            **said,
            "files": {name: digest for name, (_, digest) in files.items() if digest},
        }
        written = {name: about for name, (about, _) in files.items()}
        found[step.about] = {
            "command": f"{step.program} {step.arguments}",
            "exit": done.code,
            **{name: [_masked(line) for line in lines] for name, lines in said.items()},
            "written": {name: _less(name, about, configs) for name, about in written.items()},
            "removed": [name for name in before if name not in after],
        }
    pages = {
        str(path.relative_to(folder)): facts.look_at(path, folder)[0]
        for path in sorted(folder.rglob("*.html"))
    }
    return found | {"pages in the end": pages}, bits


def _less(name, about, configs):
    """Facts of a file, shorter: pages are told in the end, configs by what is new in them."""
    if name.endswith(".html"):
        return "a page"
    config = about.get("config") if isinstance(about, dict) else None
    if not isinstance(config, dict):
        return about
    known = configs.setdefault(config["system"], config)
    new = {key: value for key, value in config.items() if value != known.get(key)}
    return about if known is config else {**about, "config": new}


def _plain(text, folder):
    """The lines that the program says, without this run's place and times."""
    lines = []
    for line in text.replace(str(folder), "<here>").splitlines():
        if not _NOT_OURS.match(line):
            line = re.sub(r"[\d.]+ step/s", "<speed> step/s", line)
            line = re.sub(r"\d+:\d\d(:\d\d)? left", "<time> left", line)
            line = re.sub(
                r"^(\S+ +(?:already )?(?:trained|failed|stopped) +\d+) +[\d.]+$", r"\1 <seconds>", line
            )
            line = re.sub(r" {3,}", "  ", line)
            lines.append(line.rstrip())
    return lines


def _masked(line):
    return line if line.startswith("error: ") else facts.masked(line)
