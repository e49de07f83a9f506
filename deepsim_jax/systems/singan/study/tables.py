"""SinGAN's tables: samples, enlarged photos, and inpainting beside other methods.

Each trains a network for every picture and can be stopped and continued (`picture_tables`). The caller
provides the training: `train` is a function (photo uint8 (H, W, 3), folder of the run) -> the trained
scales, or None if it was stopped. It continues a run that it finds in the folder.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from deepsim_jax import evaluate
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import measures, naturalness
from deepsim_jax.images import collections as photos
from deepsim_jax.images import io as images
from deepsim_jax.images import ranges
from deepsim_jax.ops import bicubic
from deepsim_jax.sweeps import picture_tables
from deepsim_jax.sweeps.picture_tables import Result, Row
from deepsim_jax.systems.singan import applications, inpainting, sampling
from deepsim_jax.systems.singan.learned import Learned
from deepsim_jax.systems.singan.study import inpainting_cases as damages
from deepsim_jax.systems.singan.study import published as published_singan

Train = Callable[[np.ndarray, Path], Learned | None]

SAMPLED = ("sifid_64", "sifid_192", "sifid_64_fid", "sifid_192_fid", "frechet_vgg16")
"""Columns between samples and the photo."""

_SCALES = {0: "coarsest scale", 1: "second coarsest scale"}
_SHOWN = 3  # samples of each row on the page


def samples(
    workdir,
    specs: Sequence[str | Path],
    train: Train,
    *,
    settings: Mapping,
    count: int = 100,
    start_scales: Sequence[int] = (0, 1),
    seed: int = 0,
    inception=None,
) -> dict:
    """How near to the photo's patches random samples are, and how diverse (SinGAN, §3.1).

    Args:
      workdir: the table's folder.
      specs: photos, as `images.collections.find` takes them.
      train: see the module's docstring.
      settings: JSON values that name the training, so that a folder does not mix two.
      count: samples of each photo and start scale.
      start_scales: where samples start; 0 is the coarsest.
      seed: of the noise.
      inception: as for `measures.available`; without the weights SIFID's columns are absent.

    Returns:
      The content of `table.json`.

    Raises:
      UserError: no such photos, fewer than two samples, or another table in the folder.
    """
    if count < 2:
        raise UserError(f"{count} samples: diversity needs at least 2; 100 as published")
    available, absent = measures.available(inception)
    columns = [key for key in SAMPLED if key in available]
    weights = measures.weights_digest(inception)

    def make(source, folder):
        photo = photos.read(source)
        learned = train(photo, folder / "run")
        if learned is None:
            return None
        truth = applications.training_picture(learned, photo)
        strip, rows = [("photo", _write(folder, "photo", truth))], []
        for start in start_scales:
            outputs = applications.sample(learned, count, seed=seed, start_scale=start)
            label = _SCALES.get(start, f"scale {start}")
            figures = evaluate.measure(outputs, np.broadcast_to(truth, outputs.shape), columns, inception)
            rows.append(
                Row(
                    f"scale-{start}",
                    f"samples from the {label}",
                    {
                        **{key: float(np.mean(values)) for key, values in figures.items()},
                        "diversity": evaluate.diversity(outputs, truth),
                        "contrast": evaluate.contrast(outputs, truth),
                    },
                )
            )
            strip += [
                (f"from the {label}", _write(folder, f"sample-{start}-{n}", picture))
                for n, picture in enumerate(outputs[:_SHOWN])
            ]
        rebuilt = ranges.to_uint8(np.asarray(sampling.reconstruct(learned)[-1][0], np.float32))
        strip.append(("reconstruction", _write(folder, "reconstruction", rebuilt)))
        psnr = {"psnr": evaluate.psnr(rebuilt, truth)}
        rows.append(Row("reconstruction", "the photo, reconstructed from z*", psnr))
        return Result(rows, f"{learned.scales} scales, trained at {_size(learned)} px.", strip)

    sources = photos.find(specs)
    table = picture_tables.Table(
        title="Samples of SinGAN",
        columns=[*columns, "diversity", "contrast", "psnr"],
        absent=absent,
        note=f"Means over {count} samples of each photo.",
        published=published_singan.SAMPLES,
        settings={
            **settings,
            "samples": count,
            "start scales": list(start_scales),
            "noise seed": seed,
            "Inception": weights,
        },
    )
    return picture_tables.run(
        workdir, table, {name: functools.partial(make, source) for name, source in sources.items()}
    )


def enlarging(
    workdir,
    specs: Sequence[str | Path],
    train: Train,
    *,
    settings: Mapping,
    times: int = 4,
    seed: int = 0,
) -> dict:
    """Super-resolution of photos that were reduced first: SinGAN beside bicubic interpolation (§4).

    Args:
      workdir, specs, train, settings, seed: as in `samples`; what is trained on is the reduced photo, by
        a pyramid for this factor (`systems.singan.pyramid.enlarging_steps`).
      times: the factor, a whole number of 2 or more.

    Returns:
      The content of `table.json`.

    Raises:
      UserError: no such photos, another factor, or another table in the folder.
    """
    if times != int(times) or times < 2:
        raise UserError(f"enlarging {times} times: the table needs a whole number of 2 or more")
    missing = naturalness.available()

    def make(source, folder):
        photo = photos.read(source)
        height, width = (side - side % times for side in photo.shape[:2])
        photo = photo[:height, :width]
        small = ranges.to_uint8(bicubic.resize(jnp.asarray(ranges.to_float(photo)), 1 / times))
        learned = train(small, folder / "run")
        if learned is None:
            return None
        plain = ranges.to_uint8(
            bicubic.resize(jnp.asarray(ranges.to_float(small)), times, (height, width))
        )
        output = applications.enlarge(learned, small, times, seed=seed)
        natural = not missing and min(height, width) >= naturalness.MIN_SIDE
        rows = [
            Row("bicubic", "bicubic interpolation", _enlarged(plain, photo, natural)),
            Row("singan", "SinGAN", _enlarged(output, photo, natural)),
            Row("truth", "the photo itself", {"niqe": evaluate.niqe(photo)} if natural else {}, True),
        ]
        strip = [
            (row.label, _write(folder, row.key, picture))
            for row, picture in zip(rows, (plain, output, photo), strict=True)
        ]
        return Result(
            rows,
            f"From {small.shape[1]}x{small.shape[0]} to {width}x{height} px, "
            f"trained at {_size(learned)} px.",
            strip,
        )

    sources = photos.find(specs)
    table = picture_tables.Table(
        title=f"Super-resolution by {times}",
        columns=["rmse", "psnr", *["niqe"] * (not missing)],
        absent={"niqe": missing} if missing else {},
        published=published_singan.ENLARGING,
        note="Photos are reduced by the bicubic kernel of MATLAB's imresize and enlarged again.",
        settings={**settings, "times": times, "noise seed": seed},
    )
    return picture_tables.run(
        workdir, table, {name: functools.partial(make, source) for name, source in sources.items()}
    )


def inpainted(
    workdir,
    train: Train,
    *,
    settings: Mapping,
    side: int,
    cases: Sequence[damages.Case] = damages.CASES,
    trained_on: str = "filled",
    start_scale: int | None = None,
    sampled_from: int = 1,
    seed: int = 0,
) -> dict:
    """Inpainting: SinGAN with and without a reference beside OpenCV's methods and a pasted reference.

    Where a case has no neighbouring frame, a second network is trained on the clean picture, and a sample
    of it is the reference, as in the report. The clean picture itself is never the reference.

    Args:
      workdir, train, settings, seed: as in `samples`.
      side: longer side of the pictures in pixels; they are trained on at this size.
      cases: pictures with holes.
      trained_on: see `inpainting.training_picture`.
      start_scale: that the reference is put into; None: `inpainting.default_start_scale`.
      sampled_from: start scale of the sample; 0 is the coarsest.

    Returns:
      The content of `table.json`.

    Raises:
      UserError: the clips are not installed, or another table in the folder.
    """

    def make(case, folder):
        damaged = damages.damage(case, side)
        learned = train(
            inpainting.training_picture(damaged.picture, damaged.hole, trained_on=trained_on),
            folder / "run",
        )
        if learned is None:
            return None
        reference, about_reference = damaged.reference, "The reference is a neighbouring frame."
        if reference is None:
            clean = train(damaged.clean, folder / "clean-run")
            if clean is None:
                return None
            reference = applications.sample(clean, 1, seed=seed, start_scale=sampled_from)[0]
            about_reference = f"The reference is a sample of the clean picture from scale {sampled_from}."
        results = _inpaintings(learned, damaged, reference, start_scale, seed)
        rows = [
            Row(key, label, _filled(picture, damaged), key == "truth")
            for key, (label, picture) in results.items()
        ]
        labelled_images = [("damaged", damaged.picture), ("reference", reference), *results.values()]
        strip = [
            (label, _write(folder, f"{n}-{label.split(',')[0].replace(' ', '-')}", picture))
            for n, (label, picture) in enumerate(labelled_images)
        ]
        return Result(
            rows,
            f"{damaged.clean.shape[1]}x{damaged.clean.shape[0]} px, hole "
            f"{100 * damaged.hole.mean():.1f} %. {about_reference} "
            f"{_ssim_by_start_scale(learned, damaged, reference, seed)}",
            strip,
        )

    table = picture_tables.Table(
        title="Inpainting with SinGAN",
        note=published_singan.INPAINTING_NOTE,
        columns=["ssim_hole", "ssim", "rmse_hole", "asvs"],
        absent={},
        published=published_singan.INPAINTING,
        findings=_compared,
        settings={
            **settings,
            "side": side,
            "trained on": trained_on,
            "start scale": start_scale,
            "sampled from": sampled_from,
            "noise seed": seed,
            "pictures": [f"{case.name}: {case.source}" for case in cases],
        },
    )
    return picture_tables.run(
        workdir, table, {case.name: functools.partial(make, case) for case in cases}
    )


def _inpaintings(learned, damaged, reference, start_scale, seed):
    """key -> (label, filled picture), in the order of the table."""
    picture, hole = damaged.picture, damaged.hole
    fill = functools.partial(inpainting.inpaint, learned, picture, hole, seed=seed)
    return {
        "telea": ("OpenCV, Telea", inpainting.classical(picture, hole, "telea")),
        "navier_stokes": ("OpenCV, Navier-Stokes", inpainting.classical(picture, hole, "navier_stokes")),
        "pasted": ("reference pasted in", inpainting.paste(picture, hole, reference)),
        "singan": ("SinGAN with reference", fill(reference, start_scale=start_scale).picture),
        "singan_alone": ("SinGAN without reference", fill().picture),
        "truth": ("true picture", damaged.clean),
    }


def _filled(picture, damaged):
    """The figures of a filled picture."""
    hole = damaged.hole
    return {
        "ssim_hole": evaluate.ssim(picture, damaged.clean, region=hole),
        "ssim": evaluate.ssim(picture, damaged.clean),
        "rmse_hole": evaluate.rmse(picture[hole][None], damaged.clean[hole][None]),
        "asvs": evaluate.asvs(picture, hole),
    }


def _ssim_by_start_scale(learned, damaged, reference, seed):
    """A sentence with the SSIM of every possible start scale."""
    ssim_by_scale = {
        start: evaluate.ssim(
            inpainting.inpaint(
                learned, damaged.picture, damaged.hole, reference, start_scale=start, seed=seed
            ).picture,
            damaged.clean,
            region=damaged.hole,
        )
        for start in range(1, learned.scales)
    }
    values = ", ".join(f"{start}: {value:.3f}" for start, value in ssim_by_scale.items())
    return f"SSIM in the hole by the scale that the reference is put into: {values}."


def _compared(means):
    """Sentences on whether SinGAN beats, in the mean, Telea's method and the pasted reference."""
    sentences = []
    for key, label in (("singan", "SinGAN with a reference"), ("singan_alone", "SinGAN without one")):
        for baseline, name in (("telea", "Telea's method"), ("pasted", "the reference pasted in")):
            if key == "singan" or baseline == "telea":
                ours, theirs = (means[k]["ssim_hole"] for k in (key, baseline))
                word = "higher than" if ours > theirs else "not higher than"
                sentences.append(
                    f"{label}: SSIM in the hole {ours:.3f}, {word} the {theirs:.3f} of {name}."
                )
    return sentences


def _enlarged(image, photo, natural):
    return {
        "rmse": evaluate.rmse(image, photo),
        "psnr": evaluate.psnr(image, photo),
        **({"niqe": evaluate.niqe(image)} if natural else {}),
    }


def _size(learned):
    """The training size in words."""
    height, width = learned.pyramid.sizes[-1]
    return f"{width}x{height}"


def _write(folder, name, picture):
    """Writes a picture beside the figures and returns its file's name."""
    images.write_png(folder / f"{name}.png", np.ascontiguousarray(picture))
    return f"{name}.png"
