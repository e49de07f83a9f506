"""The nearest-patch analysis of a run."""

import json

import pytest

from deepsim_jax import api, settings
from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.systems.deepsim.study import nearest_patches as analysis

pytestmark = pytest.mark.slow  # each looks at a training of its own


@pytest.fixture(scope="module")
def run(tmp_path_factory, sequence_folder):
    """A run on the first frame of a sequence."""
    config = settings.load("quickstart:tiny").unlock()
    config.data.sequence = str(sequence_folder)
    workdir = tmp_path_factory.mktemp("analysis") / "run"
    api.train_source(api.read_source(config), settings.validate(config), workdir)
    return workdir


@pytest.mark.slow
def test_copies_bring_the_patches_nearer_and_the_page_shows_it(run, sequence_folder):
    found = analysis.nearest_patches(run, str(sequence_folder), frame="3", copies=4)
    folder = run / "analysis" / "box-3"
    assert json.loads((folder / "patches.json").read_text()) == found
    assert 0 < found["distance"]["with"] < found["distance"]["without"]
    assert all(-1 <= value <= 1 for value in found["correlation"].values())
    page = (folder / "report.html").read_text()
    assert page.count("<img") == 8 and "with 4 warped copies" in page
    size = images.read_image(folder / "result.png").shape
    assert images.read_image(folder / "distance-with.png").shape == size


def test_the_middle_frame_is_taken_and_others_are_refused(run, sequence_folder):
    assert analysis.nearest_patches(run, str(sequence_folder), copies=1)["frame"] == "2"
    with pytest.raises(UserError, match="box: no held-out frame '0'; there are 1 to 3"):
        analysis.nearest_patches(run, str(sequence_folder), frame="0")
    with pytest.raises(UserError, match="copies=0: at least 1"):
        analysis.nearest_patches(run, str(sequence_folder), copies=0)
