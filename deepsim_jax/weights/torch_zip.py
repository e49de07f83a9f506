"""Reading PyTorch checkpoints without PyTorch, and without running what is in them.

A `.pth` file of PyTorch 1.6 or later is a zip archive: `<name>/data.pkl` is a pickle in which each
tensor names a storage, and `<name>/data/<key>` are the storages' raw bytes. A pickle can call any
function of any installed package; this reader's pickle machine knows only the few names that a
dictionary of tensors needs and refuses the rest before anything is called.
"""

import collections
import io
import math
import pickle
import zipfile
from pathlib import Path
from typing import Any, Literal

import ml_dtypes
import numpy as np

from deepsim_jax.errors import UserError

_STORAGES = {
    "DoubleStorage": np.float64,
    "FloatStorage": np.float32,
    "HalfStorage": np.float16,
    "BFloat16Storage": ml_dtypes.bfloat16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ShortStorage": np.int16,
    "CharStorage": np.int8,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
}


def read_state_dict(path: str | Path) -> dict[str, np.ndarray]:
    """Reads a network's weights as PyTorch's `torch.save(net.state_dict(), path)` stored them.

    Returns:
      Arrays by name, in PyTorch's layouts and in the file's types (bfloat16 as `ml_dtypes`). They
      may be read-only and may share memory with each other.

    Raises:
      UserError: no such file, not a checkpoint, damaged, refers to anything that is not a tensor, a
        file of PyTorch 1.5 or older while torch is not installed.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); give a .pth file") from error
    if magic.startswith(b"PK"):
        state = _read_zip(path)
    elif magic[:1] == pickle.PROTO:
        state = _read_with_torch(path)
    else:
        raise UserError(f"{path}: not a PyTorch checkpoint; give a file written by torch.save")
    return _checked(state, path)


def _read_zip(path: Path) -> object:
    try:
        with zipfile.ZipFile(path) as archive:
            packed = [i.filename for i in archive.infolist() if i.compress_type]
            if packed:
                # PyTorch stores without compression, so a small file cannot unpack to a huge one.
                raise UserError(f"its {packed[0]} is compressed; give a file written by torch.save")
            pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            if len(pickles) != 1 or pickles[0].count("/") != 1:
                raise UserError("a zip archive but no checkpoint; give a file of torch.save")
            return _StateUnpickler(archive, pickles[0].removesuffix("data.pkl")).load()
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except Exception as error:
        # What a damaged archive or pickle raises is open-ended: BadZipFile, EOFError, IndexError...
        raise UserError(
            f"{path}: a damaged PyTorch checkpoint ({_one_line(error)}); copy or download it again"
        ) from error


class _StateUnpickler(pickle.Unpickler):
    """Pickle machine for dictionaries of tensors: everything else is refused by name."""

    def __init__(self, archive: zipfile.ZipFile, prefix: str):
        super().__init__(io.BytesIO(archive.read(prefix + "data.pkl")))
        self._archive = archive
        self._prefix = prefix
        self._storages: dict[str, np.ndarray] = {}
        names = archive.namelist()
        order = archive.read(prefix + "byteorder") if prefix + "byteorder" in names else b"little"
        self._order: Literal["<", ">"] = ">" if order.strip() == b"big" else "<"

    def find_class(self, module: str, name: str) -> object:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        # Fresh functions, because a pickle may also set attributes of what it is given.
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda *arguments: _rebuild_tensor(*arguments)
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, requires_grad, hooks: tensor
        if module == "torch" and name in _STORAGES:
            return name
        raise UserError(
            f"refused, it refers to {module}.{name}: only dictionaries of tensors are read; "
            "give a file of torch.save(net.state_dict(), ...) from a source that you trust"
        )

    def persistent_load(self, pid: Any) -> np.ndarray:
        """The storage of ("storage", type, key, device, number of elements)."""
        _, kind, key, _, count = pid
        if key not in self._storages:
            dtype = np.dtype(_STORAGES[kind])
            data = self._archive.read(f"{self._prefix}data/{key}")
            if len(data) != count * dtype.itemsize:
                raise ValueError(f"storage {key} has {len(data)} bytes")
            self._storages[key] = np.frombuffer(data, dtype.newbyteorder(self._order))
        return self._storages[key]


def _rebuild_tensor(storage, offset, size, stride, requires_grad=False, hooks=None, metadata=None):
    """A view of a storage; sizes that reach past its end or repeat elements are damage."""
    if not isinstance(storage, np.ndarray) or len(size) != len(stride):
        raise ValueError("a tensor without storage or strides")
    count = math.prod(size)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    negative = min((offset, *size, *stride)) < 0
    if negative or count > storage.size or (count and last >= storage.size):
        raise ValueError(f"a tensor of shape {tuple(size)} in a storage of {storage.size}")
    steps = [step * storage.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps, writeable=False)


def _read_with_torch(path: Path) -> object:
    """Reads the format before PyTorch 1.6, through torch's own restricted reader."""
    try:
        import torch
    except ImportError as error:
        raise UserError(
            f"{path}: written by PyTorch before 1.6 (or not a checkpoint); to read it install the "
            "extra `torch`: pip install 'deepsim_jax[torch]'"
        ) from error
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # Unpickling a damaged or refused file may raise nearly anything.
        raise UserError(
            f"{path}: torch cannot read it as plain weights ({_one_line(error)}); give a file of "
            "torch.save(net.state_dict(), ...)"
        ) from error
    if not isinstance(state, dict):
        return state
    tensors = {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
    # NumPy has no bfloat16 of its own, so torch hands such tensors over as float32 only.
    plain = {n: t.float() if t.dtype == torch.bfloat16 else t for n, t in tensors.items()}
    return state | {name: tensor.detach().numpy() for name, tensor in plain.items()}


def _checked(state: object, path: Path) -> dict[str, np.ndarray]:
    if not isinstance(state, dict) or not state:
        raise UserError(
            f"{path}: holds {type(state).__name__}, not named tensors; give the file of a "
            "network's state_dict(), such as latest_net_G.pth"
        )
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, np.ndarray):
            raise UserError(
                f"{path}: its entry {name!r} is not a tensor; give the file of a network's "
                "state_dict(), such as latest_net_G.pth"
            )
    return dict(state)


def _one_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0][:200] if text else type(error).__name__
