"""DeepSIM for a program: `Model`, `import_torch`, `make_primitive`, and how a config becomes a run."""

import dataclasses
import logging
import math
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import optax

from deepsim_jax import augment, editing, recipes, rundir, sources
from deepsim_jax.data import frames, images, pair, primitives
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import protocol, results_page
from deepsim_jax.models.deepsim import task as deepsim
from deepsim_jax.settings import deepsim as keys
from deepsim_jax.training import checkpoint, devices, loop, progress, stages
from deepsim_jax.training import state as states
from deepsim_jax.training import step as steps
from deepsim_jax.weights import convert, pretrained, torch_zip

log = logging.getLogger("deepsim_jax")

make_primitive = primitives.make_primitive


class Model:
    """A trained generator with the photo and the primitive that it was trained on.

    Attributes:
      workdir: the run's folder, or None for an imported model.
      step: updates done, or None for an imported model.
      finished: whether these are all that its training was to have.
    """

    def __init__(self, architecture: deepsim.Architecture, params, *, photo=None, primitive=None,
                 spec=None, workdir=None, step=None, finished=True):
        """Made by `train`, `load` and `import_torch`, which say what the parts are."""
        self._architecture, self._params, self._spec = architecture, params, spec
        self._photo, self._primitive = photo, primitive
        self.workdir, self.step, self.finished = workdir, step, finished

    @property
    def primitive(self) -> np.ndarray | None:
        """uint8 (H, W, 3), a copy to be edited; None for an imported model without a photo."""
        return None if self._primitive is None else self._primitive.copy()

    @property
    def photo(self) -> np.ndarray | None:
        """uint8 (H, W, 3), the photo at its full size, or None."""
        return None if self._photo is None else self._photo.copy()

    def edit(self, primitive, *, keep=None) -> np.ndarray:
        """The photo that an edited primitive describes.

        Colours that the network never saw are snapped to the primitive's palette, and lines are
        binarised and thinned to what it saw, with a warning that counts the changed pixels.

        Args:
          primitive: path or uint8 (H, W, 3) of the size of `Model.primitive`, or of the photo's size,
            which is then shrunk.
          keep: None for the network's picture; or a mask (path or (H, W) array of the size of the
            primitive or of the photo), non-zero = kept from the photo; or "auto": everything outside
            the dilated difference of the old and the new primitive is kept.

        Returns:
          uint8 (H, W, 3): of the primitive's size, or of the photo's full size with `keep`. Where
          `keep` is non-zero it equals the photo bit for bit.

        Raises:
          UserError: wrong size or an unusable file.
        """
        drawn = self._conform(images.read_image(primitive, name="primitive"))
        mask = None if keep is None else self._keep_mask(keep, drawn)
        padded, size = images.pad_to_multiple(drawn, self._architecture.multiple)
        batch = jnp.asarray(pair.to_float(padded))[None]
        picture = deepsim.render(self._architecture)(self._params, batch)[0]
        edited = pair.to_uint8(images.crop(np.asarray(picture, np.float32), size))
        return edited if mask is None else editing.composite(self._photo, edited, mask)

    def apply_recipe(self, recipe) -> np.ndarray:
        """An edited primitive, from `Model.primitive` and a recipe (see `deepsim_jax.recipes`).

        Args:
          recipe: path of a JSON file, or its content as a dict.

        Returns:
          uint8 (H, W, 3), ready for `edit`.

        Raises:
          UserError: the recipe is not understood, or an imported model has no primitive.
        """
        if self._spec is None:
            raise UserError("recipe: this model does not know how its primitive is drawn")
        if isinstance(recipe, str | pathlib.Path):
            recipe = recipes.read(pathlib.Path(recipe))
        return recipes.apply(recipe, self._primitive, self._spec)

    def evaluate(self, sequence, *, folder=None, inception=None, known=None) -> dict:
        """Measures the model on the frames of a sequence that it was not trained on.

        Writes into the folder, frame by frame, and in the end `evaluation.json` and `report.html`. An
        interrupted evaluation goes on where it was.

        Args:
          sequence: a `deepsim_jax.data.frames.Sequence`, or what `only_sequence` takes: a folder of
            frames, a video file, "clip:carphone", ...
          folder: where to write; None: `evaluations/<sequence>` in the run's folder.
          inception: file of torchvision's Inception-v3 for SIFID, or "download" for the published one;
            without either, and where it was not downloaded before, those columns say that they are
            absent.
          known: an earlier result on the same frames, which saves computing "frame 0 unchanged" again.

        Returns:
          The content of `evaluation.json`.

        Raises:
          UserError: the sequence cannot be read, or the model was not trained on a frame of it.
        """
        if self._spec is None or (folder is None and self.workdir is None):
            raise UserError("evaluate: an imported model does not know how its primitive is drawn; "
                            "train or load one")
        if not isinstance(sequence, frames.Sequence):
            sequence = sources.only_sequence(sequence)
        sequence = sources.trained_on(sequence, self._photo)
        held_out = protocol.HeldOut(sequence, self._spec, self._primitive.shape[:2])
        folder = self.workdir / "evaluations" / sequence.name if folder is None else pathlib.Path(folder)
        about, heldout = {"steps": self.step, "network": f"{checkpoint.digest(self._params):08x}"}, []
        if self.workdir is not None:
            about["seed"] = rundir.read_config(self.workdir).seed
            heldout = progress.read_metrics(self.workdir / "heldout.jsonl")
        results = protocol.measure(self.edit, held_out, folder, about=about, heldout=heldout,
                                   inception=inception, known=known)
        results_page.write_evaluation(folder)
        return results

    def _conform(self, drawn):
        if self._primitive is not None and drawn.shape != self._primitive.shape:
            height, width = self._primitive.shape[:2]
            size = f"{drawn.shape[1]}x{drawn.shape[0]} px"
            if self._spec is None or drawn.shape != self._photo.shape:
                raise UserError(f"primitive: {size}, this model edits {width}x{height}; start from "
                                "Model.primitive (pair/primitive.png)")
            log.info("primitive: %s, like the photo; shrunk to the %dx%d of the training",
                     size, width, height)
            drawn = primitives.resize_primitive(
                drawn, self._spec.kind, height, width, edge_color=self._spec.edge_color)
        if self._spec is None:
            return drawn
        drawn, changed = primitives.conform(drawn, self._spec)
        if changed:
            share = 100 * changed / (drawn.shape[0] * drawn.shape[1])
            log.warning("primitive: %d pixels (%.1f %%) had colours that the network has not seen "
                        "and were snapped to the nearest of the palette", changed, share)
        return drawn

    def _keep_mask(self, keep, drawn):
        if self._photo is None:
            raise UserError("keep: this model has no photo; give import_torch its image")
        if isinstance(keep, str) and keep == "auto":
            if self._primitive is None:
                raise UserError('keep="auto": this model has no primitive to compare with')
            return editing.auto_keep(self._conform(self._primitive), drawn)
        mask = images.read_mask(keep, name="keep")
        if mask.shape not in (drawn.shape[:2], self._photo.shape[:2]):
            allowed = " or ".join(f"{a.shape[1]}x{a.shape[0]}" for a in (drawn, self._photo))
            raise UserError(f"keep: {mask.shape[1]}x{mask.shape[0]} px, it must be {allowed}")
        return mask


def architecture(config) -> deepsim.Architecture:
    """The generator's sizes that a config names."""
    model = config.model
    return deepsim.Architecture(
        kind=model.generator, filters=model.filters, downsamplings=model.downsamplings,
        blocks=model.blocks, local_blocks=model.local_blocks, dtype=model.dtype)


def augmentation(config, **changes) -> augment.Augmentation:
    """How a config draws samples; `changes` replace single attributes of `augment.Augmentation`."""
    draws = {k: tuple(v) if isinstance(v, list | tuple) else v
             for k, v in config.augment.to_dict().items() if k != "canny_sigmas"}
    return augment.Augmentation(**{**draws, **changes})


def _task(config):
    loss = config.loss
    return deepsim.Task(
        architecture=architecture(config), augmentation=augmentation(config),
        d_filters=config.model.d_filters, d_layers=config.model.d_layers,
        d_scales=config.model.d_scales, adversarial=loss.adversarial,
        adversarial_weight=loss.adversarial_weight, feature_matching=loss.feature_matching,
        perceptual_weight=loss.perceptual_weight, perceptual_depth=loss.perceptual_depth,
        perceptual_levels=loss.perceptual_levels, perceptual_normalise=loss.perceptual_normalise)


def _moments(config):
    return optax.scale_by_adam(b1=config.optim.b1, b2=config.optim.b2, mu_dtype=config.optim.mu_dtype)


def build_run(source, config, workdir) -> loop.Run:
    """The one place that translates a config of DeepSIM into plain arguments."""
    loss, optim, cadence = config.loss, config.optim, config.train
    sizes, task, moments = architecture(config), _task(config), _moments(config)
    sigmas = tuple(config.augment.canny_sigmas) if config.augment.canny > 0 else ()
    frozen, initial = _perceptual_weights(loss), _initial(config, workdir)

    def stage(source, count, constant, number, scale=1.0):
        height, width = source.primitive.shape[:2]
        # Of a picture at half the size VGG's windows are as large at one level fewer.
        levels = max(1, task.perceptual_levels + round(math.log2(scale)))
        if frozen is not None:
            _check_windows(height, width, levels, loss)
        return stages.Simultaneous(
            task=dataclasses.replace(task, perceptual_levels=levels), seed=config.seed + number,
            effort=height * width * (1 if frozen is None else _effort_per_pixel(levels)),
            title=f"at {width}x{height} px" if coarse else "",
            updates=steps.Updates(
                moments=moments, g_rate=optim.g_rate, d_rate=optim.d_rate, steps=count,
                constant_steps=constant, ema=cadence.ema),
            pair=pair.to_device(source, multiple=sizes.multiple, canny_sigmas=sigmas), frozen=frozen,
            initial=initial, dtype=sizes.dtype)

    coarse = keys.coarse_steps(config)
    fine = cadence.steps - coarse
    scale = cadence.coarse_scale
    trained = [stage(_coarse(source, scale), coarse, coarse, 0, scale)] if coarse else []
    trained.append(stage(source, fine, round(fine * cadence.constant_fraction), len(trained)))
    return loop.Run(
        workdir=workdir, stages=tuple(trained), batch=cadence.batch,
        device_count=devices.choose(cadence.batch, cadence.devices,
                                    available=jax.device_count(), processes=jax.process_count()),
        cadence=loop.Cadence(log=cadence.log_every, save=cadence.save_every,
                             preview=cadence.preview_every, keep=cadence.keep,
                             measure=cadence.measure_every),
        preview=_preview(source, sizes), tensorboard=cadence.tensorboard,
        measure=_held_out_measure(source, sizes, config),
        steps_per_dispatch=devices.steps_per_dispatch(cadence.steps_per_dispatch),
        precision=cadence.precision)


def _initial(config, workdir):
    """The networks of the run that `train.start_from` names, as of its newest checkpoint.

    None for random ones, or if the run in the workdir has begun and so has its own.
    """
    if not config.train.start_from or rundir.is_run(workdir):
        return None
    folder = pathlib.Path(config.train.start_from).absolute()
    other = rundir.read_config(folder)
    if other.system != "deepsim":
        raise UserError(f"train.start_from={folder}: a run of DeepSIM is needed")
    differing = [f"model.{key}={config.model[key]}, there {value}" for key, value in other.model.items()
                 if key != "dtype" and value != config.model[key]]
    if differing:
        raise UserError(f"train.start_from={folder}: its networks have other sizes than this config's "
                        f"({'; '.join(differing)}); set train.start_from= to begin with random ones")
    shapes = jax.eval_shape(lambda: states.create(
        _task(other).init, jax.random.key(0), _moments(other), ema=other.train.ema > 0))
    with checkpoint.newest(folder) as (saver, step):
        state = loop.from_trees(saver.restore(step, loop.to_trees(shapes)))
    log.info("beginning with the networks of %s", config.train.start_from)
    return state.best_generator, state.discriminator


def _effort_per_pixel(levels):
    """How long a step takes for a pixel, as a share of one in which VGG sees the whole picture.

    In the quickstart's step VGG takes three fifths of the time; at several levels it sees fewer pixels.
    """
    return 0.4 + 0.6 * levels / 4 ** (levels - 1)


def _coarse(source, scale):
    try:
        return pair.reduced(source, scale)
    except UserError as error:
        raise UserError(f"train.coarse_steps: this pair at train.coarse_scale={scale} of its size is too "
                        f"small ({error}); set train.coarse_steps=0") from error


def _check_windows(height, width, levels, loss):
    """Refuses a picture whose windows are too small for VGG, with the keys that would help."""
    parts, least = 2 ** (levels - 1), 2 ** (loss.perceptual_depth - 1)
    if levels > 1 and min(height, width) // parts < least:
        raise UserError(
            f"loss.perceptual_levels={loss.perceptual_levels}: windows of {width // parts}x"
            f"{height // parts} pixels of a picture of {width}x{height} are too small for VGG's "
            f"{loss.perceptual_depth} activations, which need {least}; choose fewer levels")


def _held_out_measure(source, sizes, config):
    if not config.train.measure_every:
        return None
    if not config.data.sequence:
        raise UserError("train.measure_every: the held-out frames of data.sequence are measured; give "
                        "--config.data.sequence=folder-of-frames, or set it to 0")
    held_out = protocol.HeldOut(sources.open_sequence(config), source.spec, source.primitive.shape[:2])
    measure = protocol.during_training(held_out, config.train.measure_frames)
    return lambda params: measure(
        Model(sizes, params, primitive=source.primitive, spec=source.spec).edit)


def _perceptual_weights(loss):
    if loss.perceptual == "none" or loss.perceptual_weight == 0:
        return None
    if loss.perceptual == "vgg19":
        return pretrained.load_vgg19(loss.vgg19_file or None)
    return pretrained.load_vgg16()


def _preview(source, sizes):
    def pictures(params):
        model = Model(sizes, params, primitive=source.primitive, spec=source.spec)
        return [source.primitive, model.edit(source.primitive), source.image]

    return pictures


def model(left, source, config, *, workdir, step: int) -> Model:
    """A model from what a training leaves: the generator's parameters."""
    return Model(architecture(config), left, photo=source.photo, primitive=source.primitive,
                 spec=source.spec, workdir=workdir, step=step, finished=step >= config.train.steps)


def advice(workdir: pathlib.Path) -> str:
    """What can be done with a trained run."""
    return f"edit {workdir / 'pair' / 'primitive.png'} and apply it with --mode=edit"


def total_steps(config, source) -> int:
    """How many steps a training has."""
    return config.train.steps


def restore(source, config, workdir, saver: checkpoint.Checkpoints, step: int):
    """What the training has left at a step that is saved: the generator's parameters alone."""
    tree = "ema" if config.train.ema > 0 else "generator"
    return saver.restore(step, {tree: architecture(config).abstract_params()})[tree]


def import_torch(generator_path, *, image=None, primitive=None) -> Model:
    """A model from a generator that the published PyTorch program saved (`latest_net_G.pth`).

    The architecture, global generator or local enhancer, is read off the weights. Without torch for
    the zip format; files of older PyTorch versions need the extra `torch`.

    Args:
      generator_path: the .pth file.
      image: path or array of the photo, for `Model.edit(..., keep=...)`.
      primitive: path or array of the primitive that it was trained on; with an image and without
        this, black Canny edges with sigma 0.5 as the published program makes them.

    Raises:
      UserError: not such a file, or refused because it could run code.
    """
    state_dict = torch_zip.read_state_dict(generator_path)
    try:
        found = convert.generator_architecture(state_dict)
        params = jax.tree.map(jnp.asarray, convert.generator_params(state_dict, found))
    except UserError as error:
        raise UserError(f"{generator_path}: {error}") from error
    sizes = deepsim.Architecture(
        kind=found["kind"], filters=found["filters"], downsamplings=found["n_down"],
        blocks=found["n_blocks"], local_blocks=found.get("n_blocks_local", 0))
    photo = None if image is None else images.read_image(image, name="image")
    if primitive is not None:
        drawn = images.read_image(primitive, name="primitive")
    else:
        drawn = None if photo is None else make_primitive(photo, "edges", sigma=0.5)
    return Model(sizes, params, photo=photo, primitive=drawn)
