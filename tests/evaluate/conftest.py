import numpy as np
import pytest

_KERNELS = {
    "Conv2d_1a_3x3": (32, 3, 3, 3),
    "Conv2d_2a_3x3": (32, 32, 3, 3),
    "Conv2d_2b_3x3": (64, 32, 3, 3),
    "Conv2d_3b_1x1": (80, 64, 1, 1),
    "Conv2d_4a_3x3": (192, 80, 3, 3),
}


@pytest.fixture
def inception_file(tmp_path, write_pth):
    """Random weights under the names that Inception-v3's first layers have in PyTorch."""
    rng = np.random.default_rng(0)
    state = {}
    for layer, shape in _KERNELS.items():
        spread = (2 / np.prod(shape[1:])) ** 0.5
        state[f"{layer}.conv.weight"] = rng.normal(0, spread, shape).astype(np.float32)
        for name in ("weight", "bias", "running_mean", "running_var"):
            state[f"{layer}.bn.{name}"] = rng.uniform(0.5, 1, shape[0]).astype(np.float32)
    return write_pth(tmp_path / "inception.pth", state)
