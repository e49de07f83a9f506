"""DeepSIM's PyTorch weights to and from the parameter trees of this library's networks.

A table per network lists each layer once: its name and place in PyTorch, its place in our tree, its
kind and its shape. Reading, writing and recognising an architecture are walks over that table.
PyTorch keeps convolutions as (out, in, h, w) and transposed ones as (in, out, h, w), the latter not
flipped; ours are (h, w, in, out), with transposed ones flipped, ready to be correlated.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from deepsim_jax.errors import UserError

StateDict = Mapping[str, np.ndarray]


class _Layer(NamedTuple):
    source: str  # PyTorch's name, without ".weight" and ".bias"
    path: tuple[str, ...]  # place in our tree, without "kernel" and "bias"
    inputs: int
    outputs: int
    size: int
    transposed: bool = False

    @property
    def weight_shape(self) -> tuple[int, ...]:
        first, second = self.outputs, self.inputs
        if self.transposed:
            first, second = second, first
        return first, second, self.size, self.size


def generator_architecture(state_dict: StateDict) -> dict:
    """Recognises a generator by its weights' names and shapes.

    Returns:
      {"kind": "global" or "local", "filters", "n_down", "n_blocks", "n_blocks_local"}, named as in
      `systems.deepsim.networks`; a global generator has no local blocks.

    Raises:
      UserError: the weights are not those of a DeepSIM generator from RGB to RGB.
    """
    local = any(name.startswith("model1_") for name in state_dict)
    stem = "model1_1.1.weight" if local else "model.1.weight"
    plain = [name for name in state_dict if re.fullmatch(r"model\.\d+\.weight", name)]
    if stem not in state_dict or state_dict[stem].ndim != 4:
        raise UserError(f"{_summary(state_dict)}: not a DeepSIM generator (it has no {stem})")
    arch = {
        "kind": "local" if local else "global",
        "filters": state_dict[stem].shape[0],
        # Beside as many convolutions down as up, the trunk has a first and maybe a last one.
        "n_down": max(0, len(plain) - (1 if local else 2)) // 2,
        "n_blocks": _count_blocks(state_dict, "model"),
        "n_blocks_local": _count_blocks(state_dict, "model1_2") if local else 0,
    }
    _check(state_dict, _generator_layers(**arch), "generator")
    return arch


def generator_params(state_dict: StateDict, arch: Mapping) -> dict:
    """A generator's parameters, the tree under "params", with float32 NumPy leaves.

    `arch` is what `generator_architecture` returned. The leaves may be views of the state
    dictionary's arrays; `jax.device_put` the whole tree before use. A UserError says which weight
    does not fit the architecture.
    """
    return _to_tree(state_dict, _generator_layers(**arch), "generator")


def generator_state_dict(params: Mapping, arch: Mapping) -> dict[str, np.ndarray]:
    """Inverse of `generator_params`: our tree to PyTorch's names and layouts."""
    return _from_tree(params, _generator_layers(**arch))


def discriminator_architecture(state_dict: StateDict) -> dict:
    """Recognises a multi-scale discriminator by its weights' names and shapes.

    Returns {"filters", "n_layers", "n_scales"}, arguments of `nets.patch.MultiscaleDiscriminator`;
    raises UserError if the weights are not those of such a discriminator over primitive and image.
    """
    first = "scale0_layer0.0.weight"
    if first not in state_dict or state_dict[first].ndim != 4:
        raise UserError(f"{_summary(state_dict)}: not a DeepSIM discriminator (it has no {first})")
    matches = [re.fullmatch(r"scale(\d+)_layer(\d+)\.0\.weight", name) for name in state_dict]
    places = [(int(match[1]), int(match[2])) for match in matches if match]
    arch = {
        "filters": state_dict[first].shape[0],
        "n_layers": max(layer for _, layer in places) - 1,
        "n_scales": 1 + max(scale for scale, _ in places),
    }
    _check(state_dict, _discriminator_layers(**arch), "discriminator")
    return arch


def discriminator_params(state_dict: StateDict, arch: Mapping) -> dict:
    """A discriminator's parameters with float32 NumPy leaves, as `generator_params` does it.

    PyTorch numbers the scales from the coarsest, ours start with the full resolution.
    """
    return _to_tree(state_dict, _discriminator_layers(**arch), "discriminator")


def discriminator_state_dict(params: Mapping, arch: Mapping) -> dict[str, np.ndarray]:
    """Inverse of `discriminator_params`: our tree to PyTorch's names and layouts."""
    return _from_tree(params, _discriminator_layers(**arch))


def _generator_layers(
    kind: str, filters: int, n_down: int, n_blocks: int, n_blocks_local: int = 0
) -> list[_Layer]:
    # The numbers are positions in PyTorch's sequences, in which paddings, norms and activations
    # count too: each convolution is followed by a norm and a ReLU, and a 7x7 one follows a padding.
    trunk = filters if kind == "global" else 2 * filters
    layers = [_Layer("model.1", ("trunk", "stem"), 3, trunk, 7)]
    for i in range(n_down):
        width = trunk * 2**i
        layers.append(_Layer(f"model.{4 + 3 * i}", ("trunk", f"down_{i}"), width, 2 * width, 3))
    start = 4 + 3 * n_down
    for i in range(n_blocks):
        layers += _block(f"model.{start + i}", ("trunk", f"block_{i}"), trunk * 2**n_down)
    start += n_blocks
    for i in range(n_down):
        width, path = trunk * 2 ** (n_down - i), ("trunk", f"up_{i}")
        layers.append(_Layer(f"model.{start + 3 * i}", path, width, width // 2, 3, True))
    if kind == "global":
        return [*layers, _Layer(f"model.{start + 3 * n_down + 1}", ("head",), filters, 3, 7)]
    layers.append(_Layer("model1_1.1", ("stem",), 3, filters, 7))
    layers.append(_Layer("model1_1.4", ("down",), filters, trunk, 3))
    for i in range(n_blocks_local):
        layers += _block(f"model1_2.{i}", (f"block_{i}",), trunk)
    layers.append(_Layer(f"model1_2.{n_blocks_local}", ("up",), trunk, filters, 3, True))
    return [*layers, _Layer(f"model1_2.{n_blocks_local + 4}", ("head",), filters, 3, 7)]


def _block(source: str, path: tuple[str, ...], width: int) -> list[_Layer]:
    return [
        _Layer(f"{source}.conv_block.{place}", (*path, f"conv_{i}"), width, width, 3)
        for i, place in enumerate((1, 5))
    ]


def _discriminator_layers(filters: int, n_layers: int, n_scales: int) -> list[_Layer]:
    # Widths stop at 512, as in `nets.patch`; the six inputs are primitive and image.
    widths = [6, *(min(filters * 2**i, 512) for i in range(n_layers + 1)), 1]
    return [
        _Layer(
            f"scale{n_scales - 1 - scale}_layer{i}.0",
            (f"scale_{scale}", f"layer_{i}"),
            widths[i],
            widths[i + 1],
            4,
        )
        for scale in range(n_scales)
        for i in range(n_layers + 2)
    ]


def _count_blocks(state_dict: StateDict, sequence: str) -> int:
    pattern = re.escape(sequence) + r"\.\d+\.conv_block\.1\.weight"
    return sum(re.fullmatch(pattern, name) is not None for name in state_dict)


def _check(state_dict: StateDict, layers: list[_Layer], network: str) -> None:
    expected = {}
    for layer in layers:
        expected[f"{layer.source}.weight"] = layer.weight_shape
        expected[f"{layer.source}.bias"] = (layer.outputs,)
    for name, shape in expected.items():
        if name not in state_dict:
            raise UserError(f"{_summary(state_dict)}: not a DeepSIM {network} (it has no {name})")
        if state_dict[name].shape != shape:
            raise UserError(
                f"weight {name} of shape {state_dict[name].shape}: a DeepSIM {network} of this "
                f"size has {shape} there"
            )
        if not np.isfinite(state_dict[name]).all():
            raise UserError(f"weight {name}: holds values that are not finite; the file is useless")
    extra = sorted(set(state_dict) - set(expected))
    if extra:
        raise UserError(f"weight {extra[0]}: a DeepSIM {network} of this size has no such weight")


def _to_tree(state_dict: StateDict, layers: list[_Layer], network: str) -> dict:
    _check(state_dict, layers, network)
    tree: dict = {}
    for layer in layers:
        weight = np.asarray(state_dict[f"{layer.source}.weight"], np.float32)
        if layer.transposed:
            kernel = weight.transpose(2, 3, 0, 1)[::-1, ::-1]
        else:
            kernel = weight.transpose(2, 3, 1, 0)
        node = tree
        for name in layer.path:
            node = node.setdefault(name, {})
        node["kernel"] = kernel
        node["bias"] = np.asarray(state_dict[f"{layer.source}.bias"], np.float32)
    return tree


def _from_tree(params: Mapping, layers: list[_Layer]) -> dict[str, np.ndarray]:
    state_dict = {}
    for layer in layers:
        node = params
        for name in layer.path:
            node = node[name]
        kernel = np.asarray(node["kernel"])
        if layer.transposed:
            weight = kernel[::-1, ::-1].transpose(2, 3, 0, 1)
        else:
            weight = kernel.transpose(3, 2, 0, 1)
        state_dict[f"{layer.source}.weight"] = np.ascontiguousarray(weight)
        state_dict[f"{layer.source}.bias"] = np.asarray(node["bias"])
    return state_dict


def _summary(state_dict: StateDict) -> str:
    names = sorted(state_dict)
    return f"weights of {len(names)} entries ({names[0]}, ...)" if names else "no weights"
