"""Multiplications of the networks' convolutions, and of the leanest training steps made of them.

Counted from the traced networks, so that any config's can be told. What the norms, losses and
optimiser multiply is below one per cent and is left out, as is what a fast way to convolve adds.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Literal

from deepsim_jax.nets import features, patch
from deepsim_jax.systems.deepsim import crops as views
from deepsim_jax.systems.deepsim import task as deepsim
from deepsim_jax.systems.singan import networks
from deepsim_jax.systems.singan import task as singan

_VGG19 = (2, 2, 4, 4, 4)
_VGG_WIDTHS = (64, 128, 256, 512, 512)


class Convolution(NamedTuple):
    """One convolution of a traced network.

    Attributes:
      macs: useful multiplications; those with zeros inserted by a transposed convolution are none.
      inner: whether parameters stand before it, so that training them takes its input gradient.
    """

    macs: int
    inner: bool


def convolutions(network: Callable, params, x) -> list[Convolution]:
    """Those of network(params, x), as a GPU computes them; arguments may be abstract."""
    traced = jax.make_jaxpr(network)(params, x).jaxpr
    trained = len(jax.tree.leaves(params))
    flags = [True] * trained + [False] * (len(traced.invars) - trained)
    return _walk(traced, flags)[0]


def _walk(jaxpr, flags):
    """Its convolutions and, for each result, whether it depends on an input that is flagged."""
    depends = dict(zip(jaxpr.invars, flags, strict=True))
    found, platforms = [], {}

    def of(atom):
        return not isinstance(atom, Literal) and depends.get(atom, False)

    for equation in jaxpr.eqns:
        name, params, inputs = equation.primitive.name, equation.params, equation.invars
        outputs = [any(map(of, inputs))] * len(equation.outvars)
        if name == "conv_general_dilated":
            found.append(Convolution(_macs(equation), of(inputs[0])))
        elif name == "platform_index":
            platforms[equation.outvars[0]] = params["platforms"].index(None)
        elif name == "cond" and inputs[0] in platforms:
            branch = params["branches"][platforms[inputs[0]]].jaxpr
            inner, outputs = _walk(branch, [*map(of, inputs[1:])])
            found += inner
        elif (inner := params.get("jaxpr", params.get("call_jaxpr"))) is not None:
            inner, outputs = _walk(getattr(inner, "jaxpr", inner), [*map(of, inputs)])
            found += inner
        depends.update(zip(equation.outvars, outputs, strict=True))
    return found, [of(atom) for atom in jaxpr.outvars]


def _macs(equation):
    """Output pixels times the kernel, less those that a dilated input leaves empty."""
    kernel, out = equation.invars[1].aval.shape, equation.outvars[0].aval.shape
    dimensions = equation.params["dimension_numbers"]
    channels = kernel[dimensions.rhs_spec[0]]
    total = int(np.prod(out)) * int(np.prod(kernel)) // channels
    return total // int(np.prod(equation.params["lhs_dilation"]))


def vgg19_shapes(depth: int = 5) -> dict:
    """Abstract parameters of VGG19 up to the first convolution of a group, float32."""
    shapes, channels = {}, 3
    for group, (layers, width) in enumerate(zip(_VGG19[:depth], _VGG_WIDTHS, strict=False), 1):
        for layer in range(1, (layers if group < depth else 1) + 1):
            shapes[f"conv{group}_{layer}"] = {
                "kernel": jax.ShapeDtypeStruct((3, 3, channels, width), jnp.float32),
                "bias": jax.ShapeDtypeStruct((width,), jnp.float32),
            }
            channels = width
    return shapes


def lean_step(task: deepsim.Task, size: tuple[int, int], batch: int, weights: dict | None) -> dict:
    """GMAC of the parts of a step, and of the whole, "step".

    Args:
      task: what is trained.
      size: (height, width) of its pictures.
      batch: samples in a step.
      weights: of the feature network, abstract or not; None for a step without the perceptual loss.

    Generator: forward, kernel gradients, input gradients except of its first layers. Discriminator,
    on generated and real samples: the same; and the input gradients of the generated ones once more,
    down to the picture. Features: forward of both, input gradients of the generated one.
    """
    params = jax.eval_shape(task.init, jax.random.key(0))
    g_params, d_params = params["generator"], params["discriminator"]

    def image(samples, channels):
        return jax.ShapeDtypeStruct((samples, *size, channels), jnp.float32)

    seen = jax.eval_shape(
        views.views,
        image(batch, 3),
        jax.ShapeDtypeStruct((batch, task.perceptual_levels - 1, 2), jnp.float32),
    )

    generator = convolutions(_applied(task.architecture.generator()), g_params, image(batch, 3))
    judge = convolutions(_applied(_discriminator(task)), d_params, image(2 * batch, 6))
    taps = deepsim.PERCEPTUAL_TAPS[: task.perceptual_depth]
    looking = (
        []
        if weights is None
        else convolutions(lambda params, x: features.vgg_features(params, x, taps), weights, seen)
    )
    forward = _sum(generator)
    parts = {
        "generator forward": forward,
        "generator": 2 * forward + _sum(c for c in generator if c.inner),
        "discriminator": 2 * _sum(judge) + _sum(c for c in judge if c.inner) + _sum(judge) / 2,
        "features": 3 * _sum(looking),
    }
    return {**parts, "step": sum(parts.values()) - forward}


def lean_iteration(task: singan.Task, generator_updates: int, slopes: str = "each") -> dict:
    """GMAC of the parts of one iteration of a SinGAN's scale, and of the whole, "iteration".

    Args:
      task: the scale.
      generator_updates: in one iteration; those of the critic are the task's.
      slopes: of the generator, see `training.alternating`.

    Scales below: one forward pass for each critic update, and of this scale's generator, too. A critic
    update: forward, kernel gradients and inner input gradients of the photo and a generated picture;
    for the penalty of one picture more forward, input gradients down to the picture, their own gradients
    to the kernels and (less the last layer's) to the slopes, and from there the kernel and inner input
    gradients of the forward pass. A generator update: forward, kernel and inner input gradients of a
    sample and the reconstruction, the critic's forward pass and input gradients of the sample; with
    slopes "first" those of the sample once in an iteration.
    """

    def picture(scale):
        return jax.ShapeDtypeStruct((1, *task.pyramid.sizes[scale], 3), jnp.float32)

    def of(module, *inputs):
        params = jax.eval_shape(module.init, jax.random.key(0), *inputs)["params"]
        return convolutions(
            lambda p, x: module.apply({"params": p}, *[x] * len(inputs)), params, inputs[0]
        )

    widths, here = task.pyramid.widths, picture(task.scale)
    generators = [
        of(networks.Generator(widths[i]), picture(i), picture(i)) for i in range(task.scale + 1)
    ]
    forward, inner = (
        _sum(c for c in generators[-1] if any_layer or c.inner) for any_layer in (True, False)
    )
    judge = of(networks.Discriminator(widths[task.scale]), here)
    judging, judging_inner = _sum(judge), _sum(c for c in judge if c.inner)
    critic = 2 * (2 * judging + judging_inner)
    penalty = 2 * judging + (judging + judging - _sum(judge[-1:])) + (judging + judging_inner)
    updating = 2 * forward + inner
    parts = {
        "scales below": task.critic_updates * sum(map(_sum, generators[:-1])),
        "critic": task.critic_updates * (forward + critic + penalty),
        "generator": generator_updates * updating
        + (1 if slopes == "first" else generator_updates) * (updating + 2 * judging),
    }
    return {**parts, "iteration": sum(parts.values())}


def _applied(module):
    return lambda params, x: module.apply({"params": params}, x)


def _discriminator(task):
    return patch.MultiscaleDiscriminator(task.d_filters, task.d_layers, task.d_scales)


def _sum(found):
    return sum(c.macs for c in found) / 1e9
