import sys
from pathlib import Path

import nbclient
import nbformat
import numpy as np
import pytest
from PIL import Image

import deepsim_jax
from deepsim_jax.images import compositing as editing

ROOT = Path(deepsim_jax.__file__).parent.parent


@pytest.fixture
def no_kernel_left():
    """Forgets the kernel, whose client imports it here: whatever asks later runs in no notebook."""
    yield
    sys.modules.pop("ipykernel", None)


@pytest.mark.slow
def test_the_notebook_trains_edits_and_shows_the_result(tmp_path, monkeypatch, no_kernel_left):
    notebook = nbformat.read(ROOT / "launch" / "colab.ipynb", as_version=4)
    assert all(not c.get("outputs") and c.get("execution_count") is None for c in notebook.cells)
    for name, value in {
        "DEEPSIM_TINY": "1",
        "DEEPSIM_WORKDIR": str(tmp_path / "run"),
        "PYTHONPATH": str(ROOT),
    }.items():
        monkeypatch.setenv(name, value)
    client = nbclient.NotebookClient(
        notebook, timeout=1200, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()  # raises if a cell does
    assert not (tmp_path / "keep.txt").exists(), "nothing is installed where the package is there"

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    pictures = [o for o in outputs if "image/png" in o.get("data", {})]
    assert len(pictures) == 6, "photo, primitive; drawing, copied; the network's, both"

    model = deepsim_jax.load(tmp_path / "run")
    result = np.asarray(Image.open(tmp_path / "result.png"))
    assert result.shape == model.photo.shape == (300, 451, 3)
    copied = np.asarray(Image.open(tmp_path / "copied.png"))
    for picture in (copied, result):
        assert np.any(picture != model.photo, axis=-1).mean() > 0.03
    primitive = np.asarray(Image.open(tmp_path / "primitive.png"))
    np.testing.assert_array_equal(primitive, model.primitive)
    assert editing.auto_keep((primitive != primitive).any(-1)).all()
