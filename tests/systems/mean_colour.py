"""A further system, whole, in one file: a photo's mean colour is learned, and its pictures are plain.

For the proof of the seam: a line in the registry is all that it needs, and nothing of another system.
"""

import dataclasses
import hashlib
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import optax

from deepsim_jax.config import shared
from deepsim_jax.config.schema import Key, Schema
from deepsim_jax.images import io as image_io
from deepsim_jax.images import ranges
from deepsim_jax.reports import run_page
from deepsim_jax.reports.blocks import Heading
from deepsim_jax.systems import runs
from deepsim_jax.systems.contract import Canvas, Option, Rendering, System, Tool, Training, Verb
from deepsim_jax.training import loop, run_folder, stages
from deepsim_jax.training import step as steps


def _shrink(config):
    shared.shrink(config.train, steps=6)


SCHEMA = Schema(
    system="mean_colour",
    keys={
        "seed": shared.SEED,
        "data.image": Key("", "path of the photo", is_source=True),
        **shared.optim(0.1),
        **shared.train(60, about="updates", constant_fraction=1.0, falls="stay", save_every=20),
    },
    shrink=_shrink,
    check_together=lambda config: None,
    is_extendable=lambda config: True,
)


@dataclasses.dataclass(frozen=True)
class Photo:
    """What is trained on: a photo, kept in a run as an array."""

    photo: np.ndarray
    original: None = None

    def hash(self):
        """A digest of its pixels."""
        return hashlib.sha256(self.photo.tobytes()).hexdigest()

    def save(self, folder):
        """Writes it into a run's folder."""
        folder.mkdir(parents=True)
        np.save(folder / "photo.npy", self.photo)

    @classmethod
    def load(cls, folder):
        """Reads what `save` wrote."""
        return cls(np.load(folder / "photo.npy"))


def _read(config, image=None, primitive=None):
    return Photo(image_io.read_image(config.data.image if image is None else image, name="image"))


class _Task:
    """The generator is a colour, which is pulled to the photo's mean; the discriminator does nothing."""

    def init(self, key):
        return {"generator": {"colour": jnp.zeros(3)}, "discriminator": {"b": jnp.zeros(1)}}

    def batch(self, keys, pair):
        return pair

    def losses(self, g, d, batch, frozen):
        distance = jnp.mean((g["colour"] - batch) ** 2)
        return (distance, jnp.sum(d["b"] ** 2)), {"distance": distance}


def _build(source, config, workdir):
    train, optim = config.train, config.optim
    updates = steps.Updates(
        moments=optax.scale_by_adam(b1=optim.b1, b2=optim.b2),
        g_rate=optim.g_rate,
        d_rate=optim.d_rate,
        steps=train.steps,
        constant_steps=train.steps,
    )
    mean = jnp.asarray(ranges.to_float(source.photo).mean((0, 1)))
    stage = stages.JointStage(task=_Task(), seed=config.seed, pair=mean, frozen=None, updates=updates)
    return loop.Run(
        workdir=workdir,
        stages=(stage,),
        batch=1,
        device_count=1,
        cadence=loop.Cadence(log=train.log_every, save=train.save_every, preview=0, keep=train.keep),
        preview=lambda params: [],
    )


@dataclasses.dataclass
class Model:
    """A photo and its mean colour."""

    photo: np.ndarray
    colour: np.ndarray
    workdir: pathlib.Path
    step: int
    finished: bool

    def plain(self, size):
        """uint8 (H, W, 3), one colour."""
        return np.broadcast_to(ranges.to_uint8(self.colour), (*size, 3)).copy()


def _restore(source, config, workdir, checkpoints, step):
    shapes = {"generator": {"colour": jax.ShapeDtypeStruct((3,), jnp.float32)}}
    return checkpoints.restore(step, shapes)["generator"]


def _model(params, source, config, *, workdir, step):
    colour = np.asarray(params["colour"])
    return Model(source.photo, colour, workdir, step, finished=step >= config.train.steps)


TRAINING = Training(
    schema=SCHEMA,
    read_source=_read,
    load_source=Photo.load,
    build=_build,
    total_steps=lambda config, source: config.train.steps,
    restore=_restore,
    model=_model,
    advice=lambda workdir: "make a plain picture with the verb plain",
)


def plain(call):
    """The verb: writes a picture of one colour."""
    image_io.write_png(pathlib.Path(call.output), runs.load(TRAINING, call.workdir).plain(call.size))
    print(call.output)


def report(workdir):
    """The run's page."""
    steps_done = run_folder.read_config(workdir, SCHEMA).train.steps
    summary = run_page.RunReport(
        f"a mean colour, {steps_done} steps", [Heading("Plain")], {"distance": "far"}
    )
    return run_page.write(workdir, summary)


class Session:
    """One tool: the brightness of the plain picture."""

    tools = (Tool("brighten", "adds light", "none", (Option("by", "int", "grey levels", default=1),)),)

    def __init__(self, model):
        self.model, size = model, model.photo.shape[:2]
        self.canvas = Canvas(size=size, output_size=size, layers=("plain",))

    def begin(self):
        return 0

    def apply(self, document, action):
        return document + action.get("by", 1)

    def render(self, document, quality="draft"):
        picture = self.model.plain(self.canvas.size).astype(int) + document
        return Rendering((np.clip(picture, 0, 255).astype(np.uint8),), None, 0.1)


SYSTEM = System(
    name="mean_colour",
    title="Mean colour",
    about="learns one colour",
    schema=SCHEMA,
    verbs=(
        Verb(
            "plain",
            "a picture of one colour",
            (
                Option("output", "path", "the .png to write", is_needed=True),
                Option("size", "size", "of the picture", default=(4, 6)),
            ),
            run=f"{__name__}:plain",
        ),
    ),
    training=f"{__name__}:TRAINING",
    report=f"{__name__}:report",
    session=f"{__name__}:Session",
)
